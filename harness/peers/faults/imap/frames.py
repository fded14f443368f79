"""Octets of either side cut into what is complete: literals by their announcements, responses as a whole."""

import re

from harness.peers.faults.imap.dialogue import Response
from harness.peers.faults.mediation import MAX_HELD_OCTETS, Inbox

# literal = "{" number ["+"] "}" CRLF; a literal8 has "~" before it (RFC 7888, RFC 9051 §9).
_BY_CLIENT = re.compile(rb"\{([0-9]{1,10})([+-]?)\}\r?\n\Z")
_BY_SERVER = re.compile(rb"\{([0-9]{1,10})\}\r?\n\Z")
_ANNOUNCEMENT_OCTETS = 16

# Where "{3}" at the end of a line is mere text: in status responses, but for BADCHARSET.
_TEXT = re.compile(rb"(?!\* )|\* (?:OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
_BADCHARSET = re.compile(rb"\S+ NO \[BADCHARSET \(", re.IGNORECASE)


def announced_by_client(line: bytes, start: int = 0, end: int | None = None) -> tuple[int, bool] | None:
    """The size of the literal that `line[start:end]` announces, and whether it has to be asked for."""
    end = len(line) if end is None else end
    found = _BY_CLIENT.search(line, max(start, end - _ANNOUNCEMENT_OCTETS), end)
    return None if found is None else (int(found.group(1)), not found.group(2))


def cut_at_literals(command: bytes) -> list[bytes]:
    """A whole command, cut where the client has to be asked to go on."""
    pieces: list[bytes] = []
    start = position = 0
    while (end := command.find(b"\n", position) + 1) > 0:
        announced = announced_by_client(command, position, end)
        position = end
        if announced is not None:
            size, waits = announced
            position += size
            if waits and end < len(command):
                pieces.append(command[start:end])
                start = end
    return [*pieces, command[start:]]


class ResponseFrames:
    """Cuts what a server says into responses; those too long to be held come in pieces, unread."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._frame = bytearray()
        self._left = 0
        self._passes = False
        """Whether the response is too long."""

    def add(self, octets: bytes) -> None:
        """Take what has come."""
        self._inbox.add(octets)

    def take(self) -> Response | bytes | None:
        """Take a response, or a piece of one that is too long; None while there is neither.

        A piece may be empty.
        """
        if self._left and len(self._inbox):
            octets = self._inbox.take(self._left)
            self._left -= len(octets)
            return self._held(octets)
        line = self._inbox.take_line()
        if line is None:
            return None
        piece = self._held(line)
        if line[-1:] != b"\n" or self._announces_literal(line):
            return piece
        if self._passes:
            self._passes = False
            return piece
        response = Response(bytes(self._frame))
        self._frame.clear()
        return response

    def take_rest(self) -> bytes:
        """Take all that is not complete."""
        rest = bytes(self._frame) + self._inbox.take()
        self._frame.clear()
        return rest

    def _announces_literal(self, line: bytes) -> bool:
        announced = _BY_SERVER.search(line, max(0, len(line) - _ANNOUNCEMENT_OCTETS))
        if announced is None:
            return False
        if not self._passes and _TEXT.match(self._frame) and not _BADCHARSET.match(self._frame):
            return False
        self._left = int(announced.group(1))
        return True

    def _held(self, octets: bytes) -> bytes:
        """Hold octets; return what is too long to be held."""
        if self._passes:
            return octets
        self._frame += octets
        if len(self._frame) <= MAX_HELD_OCTETS:
            return b""
        self._passes = True
        piece = bytes(self._frame)
        self._frame.clear()
        return piece
