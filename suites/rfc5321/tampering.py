"""Refutations that know SMTP: a command that means another one, or a reply that the server did not give."""

import re
from collections import deque
from dataclasses import dataclass

from harness.transport.tamper import Tamperer

_LINE_END = b"\r\n"
_TEXT_END = b"\r\n.\r\n"
_GREETING = re.compile(rb"[2-5][0-9]{2}[ -]")


@dataclass(frozen=True, slots=True)
class Forged:
    """Sends `instead` for each command line that matches, and gives the client `reply` for the server's own.

    `command` is a regular expression for the beginning of the line, in any letter case. Without a `reply`
    the server's reply to `instead` passes. The first `skip` lines that match pass as they are. What is not
    SMTP passes untouched.
    """

    command: bytes
    reply: bytes | None = None
    instead: bytes = b"NOOP"
    skip: int = 0

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _Forger(self)


class _Forger:
    """Follows one SMTP session closely enough to know which reply belongs to which line."""

    def __init__(self, forged: Forged) -> None:
        self._forged = forged
        self._pattern = re.compile(forged.command, re.IGNORECASE)
        self._skip = forged.skip
        self._is_smtp: bool | None = None
        self._replies: deque[bytes | None] = deque([None])
        """What the client gets for each reply that is due, the greeting first; None for what it is."""
        self._line = b""
        """The beginning of a command line."""
        self._lines = b""
        """The lines of a reply that is not complete."""
        self._text: bytes | None = None
        """Within mail text its last octets."""

    def from_client(self, octets: bytes) -> bytes:
        if not self._is_smtp:
            return octets
        passing = b""
        while octets:
            part, octets = self._take_text(octets) if self._text is not None else self._take_line(octets)
            passing += part
        return passing

    def _take_text(self, octets: bytes) -> tuple[bytes, bytes]:
        assert self._text is not None
        known = len(self._text)
        end = (self._text + octets).find(_TEXT_END)
        if end < 0:
            self._text = (self._text + octets)[1 - len(_TEXT_END) :]
            return octets, b""
        self._text = None
        self._replies.append(None)
        border = end + len(_TEXT_END) - known
        return octets[:border], octets[border:]

    def _take_line(self, octets: bytes) -> tuple[bytes, bytes]:
        self._line += octets
        end = self._line.find(_LINE_END)
        if end < 0:
            return b"", b""
        line, rest = self._line[: end + 2], self._line[end + 2 :]
        self._line = b""
        if not self._pattern.match(line):
            self._replies.append(None)
            return line, rest
        if self._skip:
            self._skip -= 1
            self._replies.append(None)
            return line, rest
        self._replies.append(self._forged.reply)
        return self._forged.instead + _LINE_END, rest

    def from_server(self, octets: bytes) -> bytes:
        if self._is_smtp is None:
            self._is_smtp = _GREETING.match(octets) is not None
        if not self._is_smtp:
            return octets
        passing = b""
        for line in octets.splitlines(keepends=True):
            self._lines += line
            if line[3:4] == b"-":
                continue
            forged = self._replies.popleft() if self._replies else None
            if forged is None and line.startswith(b"354"):
                self._text = _LINE_END
            passing += self._lines if forged is None else forged
            self._lines = b""
        return passing


@dataclass(frozen=True, slots=True)
class LeakedRecipients:
    """A server that keeps the recipients of a transaction that is over, and adds them to the next one."""

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _Leak()


class _Leak:
    """Repeats the first RCPT of a connection before each DATA but the first."""

    def __init__(self) -> None:
        self._first = b""
        self._texts = 0
        self._hidden = 0

    def from_client(self, octets: bytes) -> bytes:
        if octets.startswith(b"RCPT") and not self._first:
            self._first = octets
        if octets == b"DATA\r\n":
            self._texts += 1
            if self._texts > 1:
                self._hidden += 1
                return self._first + octets
        return octets

    def from_server(self, octets: bytes) -> bytes:
        if not self._hidden:
            return octets
        self._hidden -= 1
        return octets.partition(b"\n")[2]
