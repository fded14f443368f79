"""Commands cut out of the octets that arrive: lines and the literals between them (RFC 3501 §4.3, RFC 7888).

Sizes are judged before anything is kept: a literal that is too large is never allocated, a line that is too
long is thrown away as it arrives, and a client that goes on and on is told BYE.
"""

import re
from dataclasses import dataclass
from typing import Final

_LITERAL_AT_END: Final = re.compile(rb"(~?)\{([0-9]{1,40})(\+?)\}\Z")
_MESSAGE_VERB: Final = re.compile(rb"[^ ]+ (?:UID )?(?:APPEND|REPLACE) ", re.IGNORECASE)
_TAG_AT_START: Final = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,128}) ')
_MAX_LITERALS: Final = 1000
"""Literals in one command."""
_TAIL: Final = 64
"""More than the announcement of a literal takes; so much of a refused line is kept until its end is seen."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one command is read."""

    line_octets: int
    """The text of a command without its literals (RFC 7162 §4 advises 8192 at least)."""
    literal_octets: int
    """All literals of a command together, where they are no messages."""
    message_octets: int
    """A message to be stored (RFC 7889 calls it APPENDLIMIT)."""
    discard_octets: int
    """How much refused text is thrown away before the connection is ended."""


BEFORE_LOGIN: Final = Limits(8192, 4096, 4096, 1 << 20)
"""A stranger gets little (RFC 3501 §11.1)."""


@dataclass(frozen=True, slots=True)
class Command:
    """A whole command: its text with CRLF only behind the announcement of a literal, and those literals."""

    text: bytes
    literals: list[bytes]


@dataclass(frozen=True, slots=True)
class LiteralWanted:
    """A synchronizing literal may come now: the client waits for `+` (RFC 3501 §7.5)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that is too large or not framed as the grammar says; it is not to be carried out.

    `tag` is b"*" where none could be read; `fatal` asks for BYE.
    """

    tag: bytes
    text: bytes
    code: bytes = b""
    no: bool = False
    fatal: bool = False


Frame = Command | LiteralWanted | Refused


class Framer:
    """Cuts one session's inbox into commands; the octets of a frame are deleted from the inbox."""

    __slots__ = (
        "_discarded",
        "_filled",
        "_lines",
        "_literals",
        "_missing",
        "_refused",
        "_scanned",
        "_size",
        "limits",
    )

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._restart()

    def _restart(self) -> None:
        self._lines = b""
        """The text of the command so far."""
        self._literals: list[bytes] = []
        self._missing = 0
        """Octets of the present literal that have not come."""
        self._filled: bytearray | None = None
        """The present literal; None while a line is read."""
        self._size = 0
        """Octets of the literals so far."""
        self._scanned = 0
        """How much of the inbox is known to hold no LF."""
        self._refused: Refused | None = None
        """Set while the rest of a command is thrown away."""
        self._discarded = 0

    def receive(self, inbox: bytearray) -> Frame | None:
        """Return the next frame, or None if more octets are needed."""
        while True:
            if self._missing and not self._take_literal(inbox):
                return self._endless()
            newline = inbox.find(b"\n", self._scanned)
            if newline < 0:
                return self._unended(inbox)
            self._scanned = 0
            whole = inbox[newline - 1 : newline] == b"\r"
            line = bytes(inbox[: newline - 1 if whole else newline])
            del inbox[: newline + 1]
            frame = self._line(line, whole)
            if frame is not None:
                return frame

    def receive_line(self, inbox: bytearray, limit: int) -> bytes | Refused | None:
        """Return the next line whole, for what is no command: a SASL response, or DONE after IDLE.

        None if more octets are needed; a line over `limit` ends the connection.
        """
        newline = inbox.find(b"\n", 0, limit + 2)
        if newline < 0:
            return Refused(b"*", b"The line is too long", fatal=True) if len(inbox) > limit + 1 else None
        line = bytes(inbox[:newline])
        del inbox[: newline + 1]
        # without its CR the line is none, and no base64 and no DONE holds a CR (RFC 3501 §2.2)
        return line[:-1] if line.endswith(b"\r") else line + b"\n"

    def _unended(self, inbox: bytearray) -> Frame | None:
        """No LF has come: keep the line so far, or throw away what is too much of it."""
        octets = len(inbox) - inbox.endswith(b"\r")
        if self._refused is None and len(self._lines) + octets > self.limits.line_octets:
            self._refuse(bytes(self._lines or inbox[:200]), b"The command line is too long", b"TOOBIG")
        if self._refused is None:
            self._scanned = len(inbox)
            return None
        count = max(0, len(inbox) - _TAIL)
        self._discarded += count
        del inbox[:count]
        self._scanned = len(inbox)
        return self._endless()

    def _take_literal(self, inbox: bytearray) -> bool:
        """Move octets of the present literal out of the inbox; whether it is now whole."""
        count = min(self._missing, len(inbox))
        if self._filled is None:
            self._discarded += count
        else:
            self._filled += inbox[:count]
        del inbox[:count]
        self._missing -= count
        if self._missing:
            return False
        if self._filled is not None:
            self._literals.append(bytes(self._filled))
            self._filled = None
        return True

    def _endless(self) -> Frame | None:
        if self._refused is not None and self._discarded > self.limits.discard_octets:
            tag = self._refused.tag
            self._restart()
            return Refused(tag, b"The refused command does not end", b"TOOBIG", fatal=True)
        return None

    def _refuse(self, start: bytes, text: bytes, code: bytes = b"", *, no: bool = False) -> None:
        found = _TAG_AT_START.match(start)
        self._refused = Refused(found[1] if found else b"*", text, code, no)
        self._literals.clear()

    def _line(self, line: bytes, whole: bool) -> Frame | None:
        """Take one line; the frame that it completes, if any."""
        announced = _LITERAL_AT_END.search(line) if whole and line.endswith(b"}") else None
        if self._refused is None:
            if len(self._lines) + len(line) > self.limits.line_octets:
                self._refuse(self._lines or line[:200], b"The command line is too long", b"TOOBIG")
            elif not whole or b"\r" in line or b"\x00" in line:
                # CRLF ends a line, and neither CR, LF nor NUL is a CHAR of any word (RFC 3501 §2.2, §9)
                self._refuse(self._lines or line[:200], b"A line must end in CRLF and hold no CR, LF or NUL")
        if self._refused is not None:
            self._discarded += len(line)
            if (frame := self._endless()) is not None:
                return frame
        if announced is None:
            return self._complete(line)
        return self._announced(line, announced[2], synchronizing=not announced[3])

    def _complete(self, line: bytes) -> Frame:
        refused = self._refused
        if refused is not None:
            self._restart()
            return refused
        command = Command(self._lines + line if self._lines else line, self._literals)
        self._restart()
        return command

    def _announced(self, line: bytes, digits: bytes, *, synchronizing: bool) -> Frame | None:
        """Judge a literal before a single octet of it is read."""
        octets = int(digits) if len(digits) <= 20 else 1 << 64
        text = self._lines + line + b"\r\n"
        if self._refused is None:
            message = _MESSAGE_VERB.match(text) is not None
            limit = self.limits.message_octets if message else self.limits.literal_octets
            if self._size + octets > limit + (self.limits.literal_octets if message else 0):
                # a number beyond the grammar's 32 bits is BAD, a literal that is merely too large is NO
                self._refuse(text, b"The literal is too large", b"TOOBIG", no=octets <= 0xFFFFFFFF)
            elif len(self._literals) >= _MAX_LITERALS:
                self._refuse(text, b"Too many literals", b"TOOBIG")
        if self._refused is not None:
            if synchronizing:
                # the client waits for "+", gets its refusal, and keeps the octets (RFC 7888 §4)
                return self._complete(line)
            if self._discarded + octets > self.limits.discard_octets:
                tag = self._refused.tag
                self._restart()
                return Refused(tag, b"The literal is too large", b"TOOBIG", fatal=True)
            self._missing = octets
            return None
        self._lines = text
        self._size += octets
        self._missing = octets
        if octets:
            self._filled = bytearray()
        else:
            self._literals.append(b"")
        return LiteralWanted() if synchronizing else None
