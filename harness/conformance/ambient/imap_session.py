"""Reads a recorded IMAP conversation as steps: commands sent, data told, commands completed.

Only plain conversations are read to their end. Where the client says something that is no command in form, or
the server something that is no response, reading stops; what cannot be told apart is not told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from harness.conformance.ambient.rule import Conversation
from harness.transport.transcript import Entry, Kind
from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.imap import Condition
from harness.wire.imap import Data, Status
from harness.wire.imap.framing import ResponseFramer
from harness.wire.imap.responses import Continuation, parse_response

_COMMAND = re.compile(rb"([^\x00-\x20(){%*\"\\+\x7f-\xff]+) ([A-Za-z]+)(?: ([A-Za-z]+))?(?=[ \r])")
_LITERAL = re.compile(rb"\{([0-9]{1,9})\+?\}\r\n\Z")
_OPENING = frozenset({b"SELECT", b"EXAMINE"})
_LEAVING = frozenset({b"CLOSE", b"UNSELECT", b"LOGOUT"})
_TALKING = frozenset({b"AUTHENTICATE", b"IDLE"})
"""Commands in whose course the client says lines that are no commands."""
_BEYOND = frozenset({b"COMPRESS"})
_OTHER_NUMBERS = frozenset({b"VANISHED"})
"""Data that remove messages in a way that is not followed here."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A command begins; of `UID FETCH` the verb is `UID FETCH`."""

    tag: bytes
    verb: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """Data about the mailbox that is selected: none comes while another one is being opened."""

    data: Data


@dataclass(frozen=True, slots=True)
class Completed:
    """A command is answered."""

    tag: bytes


@dataclass(frozen=True, slots=True)
class Selected:
    """From here on another mailbox is selected, with so many messages; None if none is, or none were told."""

    exists: int | None


Step: TypeAlias = Sent | Told | Completed | Selected


class _OutOfDepth(Exception):
    """The conversation cannot be followed any further."""


@dataclass(slots=True)
class _Client:
    """What the client is in the middle of saying."""

    held: bytes = b""
    literal_left: int = 0
    within: bool = False
    """The command goes on behind a literal."""
    talking: bool = False
    """It answers, or will say DONE, in the course of a command."""
    last_tag: bytes = b""

    def take(self, octets: bytes) -> Iterator[Sent]:
        """Return the commands that begin in what the client sends next."""
        while octets:
            if self.literal_left:
                taken = min(self.literal_left, len(octets))
                self.literal_left -= taken
                octets = octets[taken:]
                continue
            end = octets.find(b"\n") + 1
            if not end:
                self.held += octets
                return
            line, self.held, octets = self.held + octets[:end], b"", octets[end:]
            if not line.endswith(b"\r\n"):
                raise _OutOfDepth
            is_first, announced = not self.within, _LITERAL.search(line)
            self.within = announced is not None
            self.literal_left = int(announced[1]) if announced is not None else 0
            if is_first and not self.talking:
                yield self._begin(line)

    def _begin(self, line: bytes) -> Sent:
        found = _COMMAND.match(line)
        if found is None:
            raise _OutOfDepth
        tag, verb, second = found[1], found[2].upper(), (found[3] or b"").upper()
        if verb in _BEYOND:
            raise _OutOfDepth
        self.talking = verb in _TALKING
        self.last_tag = tag
        return Sent(tag, b"UID " + second if verb == b"UID" else verb)

    def completed(self, tag: bytes) -> None:
        """Take note that a command is over; a literal that was announced need not come any more."""
        if tag == self.last_tag:
            self.talking = self.within = False
            self.literal_left = 0


@dataclass(slots=True)
class _Reader:
    """Follows both sides."""

    framer: ResponseFramer = field(default_factory=ResponseFramer)
    client: _Client = field(default_factory=_Client)
    underway: dict[bytes, bytes] = field(default_factory=dict)
    opening: bytes | None = None
    """The tag of a SELECT or EXAMINE that is not answered yet."""
    exists: int | None = None
    """What it has told so far."""

    def read(self, entry: Entry) -> Iterator[Step]:
        """Return the steps in one entry of the transcript."""
        if entry.kind is Kind.CLIENT:
            for sent in self.client.take(entry.octets):
                self._send(sent)
                yield sent
        elif entry.kind is Kind.SERVER:
            for octets in self.framer.receive(entry.octets):
                yield from self._receive(octets)

    def _send(self, sent: Sent) -> None:
        opens = sent.verb in _OPENING
        # Around the change of the mailbox it cannot be told which one data are about.
        if sent.tag in self.underway or self.opening is not None or (opens and self.underway):
            raise _OutOfDepth
        self.underway[sent.tag] = sent.verb
        if opens:
            self.opening, self.exists = sent.tag, None

    def _receive(self, octets: bytes) -> Iterator[Step]:
        match parse_response(octets):
            case Continuation():
                pass
            case Status(tag=None, code=code):
                if code is not None and code.name == b"CLOSED":
                    self.exists = None
            case Status(tag=bytes(tag), kind=kind):
                yield from self._complete(tag, kind)
            case Data(name=name) as data:
                if name in _OTHER_NUMBERS:
                    raise _OutOfDepth
                if self.opening is None:
                    yield Told(data)
                elif name == b"EXISTS":
                    self.exists = data.number

    def _complete(self, tag: bytes, kind: Condition) -> Iterator[Step]:
        verb = self.underway.pop(tag, None)
        if verb is None:
            raise _OutOfDepth
        self.client.completed(tag)
        yield Completed(tag)
        if tag == self.opening:
            self.opening = None
            yield Selected(self.exists if kind is Condition.OK else None)
        elif verb in _LEAVING:
            yield Selected(None)


def steps(conversation: Conversation) -> Iterator[Step]:
    """Return the steps of a conversation, as far as it can be followed."""
    reader = _Reader()
    try:
        for entry in conversation.entries:
            yield from reader.read(entry)
    except (_OutOfDepth, RemoteProtocolError):
        return
