"""Reads along in any of the protocols, no deeper than faults of the transport need it.

Where does a command begin, which reply is its own, and when is that over: told for octets that are cut
anywhere, without holding back more than an unfinished line, and without ever refusing anything. What makes
no sense passes as a part of whatever was going on. The protocols' own faults have readers that know more.
"""

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from harness.transport.interpose import Spoken

_LONGEST_LINE_OCTETS = 65536
"""What is longer passes unread."""
_CRLF = b"\r\n"


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """A command of the client; also the end of a message's text, as `.`, since it has a reply of its own."""

    number: int
    """Counted from 1 in the connection; 0 is the greeting, which answers nothing."""
    words: bytes
    """The line without tag and line end."""
    tag: bytes = b""

    @property
    def verb(self) -> bytes:
        """The first word in upper case."""
        return self.words.partition(b" ")[0].upper()

    @property
    def is_text_end(self) -> bool:
        """Whether it is not a command but the dot behind a message's text."""
        return self.words == b"."

    @property
    def is_greeting(self) -> bool:
        """Whether it is not a command at all, but what the greeting is filed under."""
        return self.number == 0


@dataclass(frozen=True, slots=True)
class Said:
    """Octets of the client; those of one command are one or more of these."""

    octets: bytes
    command: Command | None
    starts: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """Octets of the server; those of one reply are one or more of these."""

    octets: bytes
    command: Command | None
    """What they answer; None where nobody asked."""
    starts: bool
    ends: bool


class Conversation(ABC):
    """What is said on one connection; `open_conversation` makes the one for a protocol."""

    def __init__(self) -> None:
        self._count = 0
        self.latest: Command | None = None
        """The command that the client sent last."""
        self.tls_agreed = False
        """What the server said last has its consent to TLS in it."""
        self._begin([Command(0, b"")])

    def _begin(self, outstanding: list[Command]) -> None:
        self._unfinished = {Said: b"", Answered: b""}
        self._unread_line = {Said: False, Answered: False}
        self.outstanding: deque[Command] = deque(outstanding)
        self._answering: Command | None = None
        self._client_octets_due = 0
        self._server_octets_due = 0
        self._continuing = False
        self._continues_command = False

    def tls_started(self) -> None:
        """The session begins anew; no greeting comes."""
        self.tls_agreed = False
        self._begin([])

    def answered_by_another(self, command: Command) -> None:
        """Take note that the server was not asked, and the client has its answer."""
        self.outstanding.remove(command)

    # The client's side

    def from_client(self, octets: bytes) -> Iterator[Said]:
        """Take what the client has sent; `b""` is its end."""
        buffer = self._unfinished[Said] + octets
        self._unfinished[Said] = b""
        if not octets and buffer:
            yield Said(buffer, self.latest, starts=False)
            return
        place = 0
        while place < len(buffer):
            size = self._unread_size(buffer, place)
            if size:
                yield Said(buffer[place : place + size], self.latest, starts=False)
                place += size
                continue
            end = self._line_end(buffer, place, Said)
            if end is None:
                return
            yield self._line_said(buffer[place:end])
            place = end

    def _unread_size(self, buffer: bytes, place: int) -> int:
        """How many octets from here are no command lines; 0 if a line begins."""
        size = min(self._client_octets_due, len(buffer) - place)
        self._client_octets_due -= size
        return size

    def _line_end(self, buffer: bytes, place: int, side: type[Said] | type[Answered]) -> int | None:
        """Where the line ends; an unfinished one is kept for the next time, unless it is too long."""
        end = buffer.find(b"\n", place) + 1
        if end:
            return end
        if len(buffer) - place > _LONGEST_LINE_OCTETS:
            return len(buffer)
        self._unfinished[side] = buffer[place:]
        return None

    def _line_said(self, line: bytes) -> Said:
        resumes = self._unread_line[Said]
        self._unread_line[Said] = not line.endswith(b"\n")
        if resumes or self._continuing or self._continues_command:
            if not self._continues_command:
                self._continuing = False
            self._continues_command = False
            return self._noted(Said(line, self.latest, starts=False))
        words, tag = self._split(line.rstrip(_CRLF))
        return self._noted(Said(line, self._ask(words, tag), starts=True))

    def _noted(self, said: Said) -> Said:
        """Note what follows a line."""
        return said

    def _ask(self, words: bytes, tag: bytes = b"") -> Command:
        self._count += 1
        command = Command(self._count, words, tag)
        self.outstanding.append(command)
        self.latest = command
        return command

    def _split(self, words: bytes) -> tuple[bytes, bytes]:
        """Return the command and its tag."""
        return words, b""

    # The server's side

    def from_server(self, octets: bytes) -> Iterator[Answered]:
        """Take what the server has sent; `b""` is its end."""
        buffer = self._unfinished[Answered] + octets
        self._unfinished[Answered] = b""
        if not octets and buffer:
            yield Answered(buffer, self._answering, starts=False, ends=False)
            return
        self.tls_agreed = False
        place = 0
        while place < len(buffer):
            size = self._body_size(buffer, place)
            if size:
                yield self._body(buffer[place : place + size])
                place += size
                continue
            end = self._line_end(buffer, place, Answered)
            if end is None:
                return
            line = buffer[place:end]
            place = end
            resumes = self._unread_line[Answered]
            self._unread_line[Answered] = not line.endswith(b"\n")
            if resumes:
                yield Answered(line, self._answering, starts=False, ends=False)
            else:
                yield self._read_reply_line(line)

    def _body_size(self, buffer: bytes, place: int) -> int:
        """How many octets from here are no reply lines; 0 if a line begins."""
        size = min(self._server_octets_due, len(buffer) - place)
        self._server_octets_due -= size
        return size

    def _body(self, octets: bytes) -> Answered:
        """Take octets that are no reply lines."""
        return Answered(octets, self._answering, starts=False, ends=False)

    @abstractmethod
    def _read_reply_line(self, line: bytes) -> Answered:
        """Take one line that is no body."""

    def _answer(self, line: bytes, command: Command | None, *, ends: bool) -> Answered:
        """File a line, or the whole of a reply, under its command."""
        starts = command is None or self._answering is not command
        self._answering = None if ends else command
        if ends and command is not None and command in self.outstanding:
            self.outstanding.remove(command)
        return Answered(line, command, starts=starts, ends=ends)

    def _head(self) -> Command | None:
        return self.outstanding[0] if self.outstanding else None


class _Smtp(Conversation):
    """SMTP, and LMTP with its replies for each recipient (RFC 2033 §4.2)."""

    _CHUNK = re.compile(rb"(?i)BDAT +(\d{1,18})( +LAST)? *")

    def __init__(self, *, lmtp: bool) -> None:
        super().__init__()
        self._lmtp = lmtp

    def _begin(self, outstanding: list[Command]) -> None:
        super()._begin(outstanding)
        self._text_tail: bytes | None = None
        self._text_over = False
        self._accepted = 0
        self._replies_due: dict[int, int] = {}

    def _unread_size(self, buffer: bytes, place: int) -> int:
        if self._text_tail is None:
            return super()._unread_size(buffer, place)
        behind = self._text_tail + buffer[place:]
        end = behind.find(b"\r\n.\r\n")
        if end < 0:
            size = len(buffer) - place
            self._text_tail = behind[-4:]
            return size
        # The text up to the line of the dot; that line is then a command.
        dot = end + 2 - len(self._text_tail)
        self._text_tail = None
        self._text_over = True
        return max(0, dot)

    def _line_said(self, line: bytes) -> Said:
        if self._text_over:
            self._text_over = False
            command = self._ask(b".")
            self._expect_for_each_recipient(command)
            return Said(line, command, starts=True)
        return super()._line_said(line)

    def _noted(self, said: Said) -> Said:
        if said.starts and said.command is not None and (chunk := self._CHUNK.fullmatch(said.command.words)):
            self._client_octets_due = int(chunk[1])
            if chunk[2]:
                self._expect_for_each_recipient(said.command)
        return said

    def _expect_for_each_recipient(self, command: Command) -> None:
        if self._lmtp:
            self._replies_due[command.number] = max(1, self._accepted)
        self._accepted = 0

    def _read_reply_line(self, line: bytes) -> Answered:
        command = self._head()
        code, more = line[:3], line[3:4] == b"-"
        if more or not code.isdigit():
            return self._answer(line, command, ends=False)
        if code == b"334":
            self._continuing = True
            return self._answer(line, command, ends=False)
        if code == b"220":
            command = next((asked for asked in self.outstanding if asked.verb == b"STARTTLS"), command)
            self.tls_agreed |= command is not None and command.verb == b"STARTTLS"
        if command is not None:
            if (due := self._replies_due.pop(command.number, 1)) > 1:
                self._replies_due[command.number] = due - 1
                return self._answer(line, command, ends=False)
            self._note_success(command, code)
        return self._answer(line, command, ends=True)

    def _note_success(self, command: Command, code: bytes) -> None:
        if command.verb == b"DATA" and code == b"354":
            self._text_tail = _CRLF
        elif command.verb == b"RCPT" and code.startswith(b"2"):
            self._accepted += 1
        elif command.verb in {b"RSET", b"MAIL", b"LHLO"}:
            self._accepted = 0


class _Pop3(Conversation):
    """POP3: replies in order, with a body behind some (RFC 1939 §3)."""

    _MULTI_LINE = re.compile(rb"(?i)(LIST|UIDL|CAPA|AUTH|RETR +.*|TOP +.*)\s*")

    def _begin(self, outstanding: list[Command]) -> None:
        super()._begin(outstanding)
        self._body_tail: bytes | None = None

    def _body_size(self, buffer: bytes, place: int) -> int:
        if self._body_tail is None:
            return 0
        behind = self._body_tail + buffer[place:]
        end = behind.find(b"\r\n.\r\n")
        if end < 0:
            size = len(buffer) - place
            self._body_tail = behind[-4:]
            return size
        size = end + 5 - len(self._body_tail)
        self._body_tail = None
        return size

    def _body(self, octets: bytes) -> Answered:
        return self._answer(octets, self._answering, ends=self._body_tail is None)

    def _read_reply_line(self, line: bytes) -> Answered:
        command = self._head()
        if command is None:
            return self._answer(line, None, ends=True)
        if line[:3].upper() == b"+OK":
            if self._MULTI_LINE.fullmatch(command.words):
                self._body_tail = _CRLF
                return self._answer(line, command, ends=False)
            self.tls_agreed |= command.verb == b"STLS"
            return self._answer(line, command, ends=True)
        if line[:1] == b"+":
            self._continuing = True
            return self._answer(line, command, ends=False)
        return self._answer(line, command, ends=line[:4].upper() == b"-ERR")


class _Imap(Conversation):
    """IMAP: tags, literals both ways, continuations (RFC 9051 §2.2)."""

    _LITERAL = re.compile(rb"\{(\d{1,18})(\+?)\}\r?\n\Z")

    def _begin(self, outstanding: list[Command]) -> None:
        super()._begin(outstanding)
        self._awaits_consent: Command | None = None
        self._mid_response = False

    def _split(self, words: bytes) -> tuple[bytes, bytes]:
        tag, _, rest = words.partition(b" ")
        return rest, tag

    def _noted(self, said: Said) -> Said:
        if (literal := self._LITERAL.search(said.octets)) is not None:
            self._client_octets_due = int(literal[1])
            self._continues_command = True
            self._awaits_consent = None if literal[2] else self.latest
        return said

    def _read_reply_line(self, line: bytes) -> Answered:
        continues = self._mid_response
        literal = self._LITERAL.search(line)
        self._mid_response = literal is not None
        if literal is not None:
            self._server_octets_due = int(literal[1])
        head = self._head()
        if continues:
            return self._answer(line, self._answering, ends=False)
        tag, _, rest = line.partition(b" ")
        if tag.startswith(b"+"):
            if self._awaits_consent is None:
                self._continuing = True
            self._awaits_consent = None
            return self._answer(line, head, ends=False)
        command = next((asked for asked in self.outstanding if asked.tag == tag and asked.tag), None)
        if command is None:
            # The greeting is one untagged line; others come before the tagged one that ends a command.
            return self._answer(line, head, ends=head is not None and head.is_greeting and literal is None)
        self._forget_literal(command)
        if command is self.latest:
            self._continuing = False
        self.tls_agreed |= command.verb == b"STARTTLS" and rest[:2].upper() == b"OK"
        return self._answer(line, command, ends=literal is None)

    def answered_by_another(self, command: Command) -> None:
        super().answered_by_another(command)
        self._forget_literal(command)

    def _forget_literal(self, command: Command) -> None:
        """A command that is answered before consent was given for its literal is over (RFC 9051 §4.3)."""
        if command is self._awaits_consent:
            self._client_octets_due = 0
            self._continues_command = False
            self._awaits_consent = None


def open_conversation(spoken: Spoken) -> Conversation:
    """Return a reader for a new connection."""
    match spoken:
        case Spoken.SMTP:
            return _Smtp(lmtp=False)
        case Spoken.LMTP:
            return _Smtp(lmtp=True)
        case Spoken.POP3:
            return _Pop3()
        case Spoken.IMAP:
            return _Imap()
