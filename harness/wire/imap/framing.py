"""Octets in, complete responses out; nothing inside a response is looked at before somebody asks."""

import re
from dataclasses import dataclass

from harness.vocabulary.errors import RemoteProtocolError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one response may be, lest a server fill our memory; no RFC sets these."""

    line_octets: int = 8 * 1024 * 1024
    """A line with its CRLF; a SEARCH result of a large mailbox is one line."""
    literal_octets: int = 256 * 1024 * 1024
    response_octets: int = 512 * 1024 * 1024
    """Lines and literals of one response together."""


# The end of a line that announces a literal:
# literal         = "{" number64 "}" CRLF *CHAR8         literal8 = "~{" number64 "}" CRLF *OCTET
_ANNOUNCEMENT = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_ANNOUNCEMENT_OCTETS = 64

# Responses whose rest is resp-text, where "{3}" at the end is just text: continue-req, the status responses,
# and everything tagged. Only BADCHARSET's astrings can be literals there (RFC 3501 §9, resp-text-code).
_STATUS = re.compile(rb"(?!\* )|\* (?:OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
_BADCHARSET = re.compile(rb"(?:[^ ]+) NO \[BADCHARSET \([^\])]*\{[0-9]+\}\r\n\Z", re.IGNORECASE)


class ResponseFramer:
    """Cuts what arrives into responses: a line, or lines joined by the literals that they announce.

    The result does not depend on how the octets were cut in transit: responses that are complete are
    returned even if what follows them is wrong, and the failure is raised by the next call, which needs no
    octets (`receive(b"")`).
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._buffer = bytearray()
        self._line = 0
        """Where the incomplete line begins; behind the buffer's end while a literal is awaited."""
        self._scan = 0
        """Up to here there is no LF in that line."""
        self._failure: RemoteProtocolError | None = None

    @property
    def pending(self) -> bytes:
        """What has arrived of a response that is not complete."""
        return bytes(self._buffer)

    def receive(self, data: bytes) -> list[bytes]:
        """Take octets; return the responses that are complete now, each with its CRLF."""
        if self._failure is not None:
            raise self._failure
        buffer = self._buffer
        buffer += data
        responses: list[bytes] = []
        start, line, scan = 0, self._line, self._scan
        try:
            while (end := buffer.find(b"\n", scan) + 1) > 0:
                if end - line < 2 or buffer[end - 2] != 0x0D:
                    raise RemoteProtocolError("CR before LF", bytes(buffer[start:end]), end - 1 - start)
                if end - line > self._limits.line_octets or end - start > self._limits.response_octets:
                    self._too_long(start, line, end)
                if buffer[end - 3] == 0x7D and (size := self._announced(start, line, end)) >= 0:
                    line = scan = end + size
                    if line - start > self._limits.response_octets:
                        self._too_long(start, line, end)
                    continue
                responses.append(bytes(buffer[start:end]))
                start = line = scan = end
            scan = max(scan, len(buffer))
            if scan - line > self._limits.line_octets or scan - start > self._limits.response_octets:
                self._too_long(start, line, len(buffer))
        except RemoteProtocolError as failure:
            self._failure = failure
            if not responses:
                raise
        del buffer[:start]
        self._line, self._scan = line - start, scan - start
        return responses

    def take_pending(self) -> bytes:
        """Give up what has arrived of an incomplete response; after STARTTLS nothing may be left."""
        pending = bytes(self._buffer)
        self._buffer.clear()
        self._line = self._scan = 0
        return pending

    def _announced(self, start: int, line: int, end: int) -> int:
        """The size of the literal that the line announces; -1 if it announces none."""
        found = _ANNOUNCEMENT.search(self._buffer, max(line, end - _ANNOUNCEMENT_OCTETS), end)
        if found is None or self._is_text(start, end):
            return -1
        digits = found.group(1)
        if len(digits) > 19 or (size := int(digits)) > self._limits.literal_octets:
            octets = bytes(self._buffer[start:end])
            raise RemoteProtocolError(
                f"a literal of at most {self._limits.literal_octets} octets", octets, found.start() - start
            )
        return size

    def _is_text(self, start: int, end: int) -> bool:
        if not _STATUS.match(self._buffer, start, end):
            return False
        return not _BADCHARSET.match(self._buffer, start, end)

    def _too_long(self, start: int, line: int, end: int) -> None:
        if end - line > self._limits.line_octets:
            expected, offset = (
                f"a line of at most {self._limits.line_octets} octets",
                line + self._limits.line_octets,
            )
        else:
            expected = f"a response of at most {self._limits.response_octets} octets"
            offset = min(end, start + self._limits.response_octets)
        raise RemoteProtocolError(expected, bytes(self._buffer[start:end]), offset - start)
