"""What the two sides of an IMAP connection say, as a fault gets to see it."""

import re
from dataclasses import dataclass, field
from typing import TypeGuard

from harness.peers.faults.imap.syntax import words

# The name of the verb is that behind UID; what does not look like a command has no verb.
_COMMAND = re.compile(
    rb"([^\x00-\x20\"(){%*\\\x7f-\xff]+) ((UID ) *)?([A-Za-z][^\x00-\x20\"(){]*)", re.IGNORECASE
)
_RESPONSE = re.compile(rb"([^\x00-\x20]+)(?: ([0-9]{1,10}))? ?([^\x00-\x20]*)")
_STATUS_WORDS = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})
_CODE = re.compile(rb"\[([^\]]*)\] ?")
_LINE_END = re.compile(rb"\r?\n\Z")


@dataclass(slots=True, eq=False)
class Command:
    """A command, with its literals; of one that is passed on in pieces, what is there so far."""

    octets: bytes
    tag: bytes = field(init=False, default=b"")
    verb: bytes = field(init=False, default=b"")
    """In upper case; of UID commands the word behind UID, and `b""` for what is no command."""
    uid: bool = field(init=False, default=False)
    """Whether it is one of the UID commands."""
    dropped: bool = field(init=False, default=False)
    """Whether the server does not get it."""
    _behind: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        found = _COMMAND.match(self.octets)
        if found is not None:
            self.tag, self.verb, self._behind = found.group(1), found.group(4).upper(), found.end()
            self.uid = found.group(3) is not None

    @property
    def spoken_verb(self) -> bytes:
        """The verb as the client wrote it, without UID."""
        return self.octets[self._behind - len(self.verb) : self._behind]

    @property
    def arguments(self) -> bytes:
        """What follows the verb, without the line end."""
        return _LINE_END.sub(b"", self.octets[self._behind :]).lstrip(b" ")

    @property
    def words(self) -> list[bytes]:
        """The arguments one by one."""
        return words(self.arguments)

    def with_verb(self, verb: bytes) -> bytes:
        """The command with another verb, UID included where there is to be one."""
        rest = self.octets[self._behind :]
        return self.tag + b" " + verb + rest

    def with_words(self, arguments: list[bytes]) -> bytes:
        """The command with other arguments."""
        return self.octets[: self._behind] + b"".join(b" " + word for word in arguments) + b"\r\n"

    def answer(self, status: bytes, text: bytes = b"so be it") -> bytes:
        """A tagged response to the command."""
        return b"%b %b %b\r\n" % (self.tag, status, text)


def during(command: Command | None, *verbs: bytes) -> TypeGuard[Command]:
    """Whether there is a command, and it is one of these verbs."""
    return command is not None and command.verb in verbs


@dataclass(slots=True, eq=False)
class Response:
    """A response, with its literals."""

    octets: bytes
    tag: bytes = field(init=False, default=b"")
    """`*`, `+`, or the tag of the command that is completed."""
    number: int | None = field(init=False, default=None)
    """As in `3 EXISTS`."""
    word: bytes = field(init=False, default=b"")
    """In upper case: `OK`, `FETCH`, `SEARCH`."""
    _behind: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        found = _RESPONSE.match(self.octets)
        if found is not None:
            self.tag, self.word, self._behind = found.group(1), found.group(3).upper(), found.end()
            self.number = int(found.group(2)) if found.group(2) is not None else None

    @property
    def is_untagged(self) -> bool:
        """Whether it begins with `*`."""
        return self.tag == b"*"

    @property
    def is_continuation(self) -> bool:
        """Whether it begins with `+`."""
        return self.tag == b"+"

    @property
    def is_tagged(self) -> bool:
        """Whether it completes a command."""
        return self.tag not in {b"", b"*", b"+"}

    @property
    def is_status(self) -> bool:
        """Whether it is OK, NO, BAD, BYE or PREAUTH."""
        return self.word in _STATUS_WORDS and self.number is None

    @property
    def ok(self) -> bool:
        """Whether it completes a command with OK."""
        return self.is_tagged and self.word == b"OK"

    @property
    def refused(self) -> bool:
        """Whether it completes a command with NO or BAD."""
        return self.is_tagged and self.word in {b"NO", b"BAD"}

    @property
    def rest(self) -> bytes:
        """What follows the word, without the line end."""
        rest = self.octets[self._behind :]
        return _LINE_END.sub(b"", rest[1:] if rest[:1] == b" " else rest)

    @property
    def words(self) -> list[bytes]:
        """What follows the word, word by word."""
        return words(self.rest)

    @property
    def code(self) -> list[bytes]:
        """The words of the response code, the first in upper case; none if there is no code."""
        found = _CODE.match(self.rest) if self.is_status else None
        pieces = words(found.group(1)) if found is not None else []
        return [pieces[0].upper(), *pieces[1:]] if pieces else []

    def with_word(self, word: bytes) -> bytes:
        """The response with another word, as NO for OK."""
        return self._head() + word + self.octets[self._behind :]

    def with_rest(self, rest: bytes) -> bytes:
        """The response with other octets behind its word."""
        return self.octets[: self._behind] + b" " + rest + b"\r\n"

    def with_number(self, number: int) -> bytes:
        """The response with another number in front."""
        return b"%b %d %b" % (self.tag, number, self.octets[self._behind - len(self.word) :])

    def with_code(self, code: bytes) -> bytes:
        """The status response with another code, or with none for `b""`."""
        text = _CODE.sub(b"", self.rest, count=1) if self.code else self.rest
        return self.with_rest((b"[" + code + b"] " if code else b"") + text)

    def _head(self) -> bytes:
        return self.octets[: self._behind - len(self.word)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a command of the mediator's own."""

    responses: tuple[Response, ...] = ()
    """The untagged ones; what is news for the client is not among them, as it went to the client."""
    completion: Response | None = None
    """None if the command could not be sent, or was not answered."""

    @property
    def ok(self) -> bool:
        """Whether the server did it."""
        return self.completion is not None and self.completion.ok

    @property
    def numbers(self) -> list[int]:
        """The numbers of SEARCH responses."""
        return [
            int(word)
            for each in self.responses
            if each.word == b"SEARCH"
            for word in each.words
            if word.isdigit()
        ]
