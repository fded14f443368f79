"""POP3 responses: a strict reader and the values that it yields (RFC 1939 §3, RFC 2449 §3, RFC 5034 §4)."""

import re
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.pop3 import MAX_CHALLENGE_LINE_OCTETS, MAX_RESPONSE_LINE_OCTETS, NEGATIVE, POSITIVE

MAX_BODY_OCTETS = 1 << 28
"""Our own bound on the lines after a +OK: a peer that never ends them must not fill the memory."""

_BODY_END = b"\r\n.\r\n"

# resp-code  = "[" resp-level *("/" resp-level) "]"
# resp-level = 1*rchar
# rchar      = %x21-2E / %x30-5C / %x5E-7F
#              ;printable ASCII, excluding "/" and "]"        ; RFC 2449 §3
_RESPONSE_CODE = re.compile(rb"\[([!-.0-\\^-\x7f]+(?:/[!-.0-\\^-\x7f]+)*)\]")
_TIMESTAMP = re.compile(rb"<[!-=?-~]+>")


class Shape(StrEnum):
    """What the answer to a command may look like; the answer itself does not tell."""

    SINGLE_LINE = "single-line"
    MULTI_LINE = "multi-line"
    """After a +OK come lines up to one with a lone dot; a -ERR is always a single line."""
    CHALLENGE = "challenge"
    """An AUTH exchange: a line `+ base64` may come in place of the single line."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response: its first line, and the lines after it if it has them."""

    ok: bool
    text: bytes
    """The first line after the status indicator and SP, without CRLF."""
    lines: tuple[bytes, ...] | None
    """The lines of a multi-line response, byte-stuffing undone, without CRLF; None for a single line."""
    octets: bytes
    """The response as it came."""

    @property
    def code(self) -> str | None:
        """The response code (RFC 2449 §8) in upper case, as `SYS/TEMP`; None without one."""
        found = _RESPONSE_CODE.match(self.text)
        return found[1].decode("ascii").upper() if found else None

    @property
    def body(self) -> bytes:
        """The octets of the lines with their CRLFs: of RETR the message; empty for a single line."""
        return b"\r\n".join((*self.lines, b"")) if self.lines else b""

    @property
    def timestamp(self) -> bytes | None:
        """The timestamp of a greeting, with its angle brackets (RFC 1939 §7, APOP); None without one."""
        found = _TIMESTAMP.search(self.text)
        return found[0] if found else None

    def __str__(self) -> str:
        first_line, _, _ = self.octets.partition(b"\r\n")
        return first_line.decode("ascii", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A server challenge of an AUTH exchange, `+ base64` (RFC 5034 §4)."""

    base64: bytes
    octets: bytes


Event = Response | Challenge

# single-line  = status [SP text] CRLF        ;512 octets maximum
# status       = "+OK" / "-ERR"               ; RFC 2449 §3
# continue-req = "+" SP [base64] CRLF         ; RFC 5034 §7
#
# The text is read as *CHAR without CR and LF. The ABNF of `text` leaves no room for a SP ("schar"), which
# every example of RFC 1939 and RFC 2449 contradicts; NUL is no CHAR.
_TEXT = rb"[\x01-\x09\x0b\x0c\x0e-\x7f]"
_UTF8_TEXT = rb"[\x01-\x09\x0b\x0c\x0e-\xff]"


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A first line as two regular expressions."""

    line: re.Pattern[bytes]
    """A complete first line: status, text."""
    beginning: re.Pattern[bytes]
    """As much of a first line as is legal; always matches."""


def _status_grammar(char: bytes) -> _Grammar:
    return _Grammar(
        line=re.compile(rb"(\+OK|-ERR)(?: (" + char + rb"*))?\r\n"),
        beginning=re.compile(
            rb"(?:\+(?:O(?:K(?: " + char + rb"*)?\r?)?)?|-(?:E(?:R(?:R(?: " + char + rb"*)?\r?)?)?)?)?"
        ),
    )


_ASCII = _status_grammar(_TEXT)
_UTF8 = _status_grammar(_UTF8_TEXT)
_CHALLENGE = _Grammar(
    line=re.compile(rb"(\+) ([A-Za-z0-9+/=]*)\r\n"),
    beginning=re.compile(rb"(?:\+(?: [A-Za-z0-9+/=]*\r?)?)?"),
)


class ResponseReader:
    """Cuts a server's octets into responses; told with `expect` what each command's answer looks like.

    `receive` returns what `data` completes. Where the grammar is broken it raises `RemoteProtocolError`,
    whose `octets` are those of the broken response and whose `offset` is the first octet that cannot stand
    there. Good responses before it are returned first: then `failure` holds the error, and every further
    call raises it.
    """

    def __init__(self) -> None:
        self.failure: RemoteProtocolError | None = None
        self._grammar = _ASCII
        self._expected: deque[Shape] = deque()
        self._buffer = bytearray()
        self._first_line: re.Match[bytes] | None = None
        self._searched = 0

    def expect(self, shape: Shape) -> None:
        """Note that a response of `shape` is due, after those that are due already."""
        self._expected.append(shape)

    def allow_utf8(self) -> None:
        """Take UTF-8 in first lines from now on: the client has asked for it (RFC 6856 §2.1, §3)."""
        self._grammar = _UTF8

    @property
    def pending(self) -> bytes:
        """The octets of a response that is not complete yet."""
        return bytes(self._buffer)

    def receive(self, data: bytes) -> list[Event]:
        """Return the responses that are complete now that `data` has come."""
        if self.failure is not None:
            raise self.failure
        self._buffer += data
        events: list[Event] = []
        try:
            while self._buffer and (event := self._take_event()):
                events.append(event)
        except RemoteProtocolError as error:
            self.failure = error
            if not events:
                raise
        return events

    def _take_event(self) -> Event | None:
        """Take one response off the buffer; None if it is not complete."""
        if not self._expected:
            raise self._error("no response without a command (RFC 1939 §3)", 0)
        shape = self._expected[0]
        if shape is Shape.CHALLENGE and not self._buffer.startswith((b"+O", b"-")):
            challenge = self._match_line(_CHALLENGE, MAX_CHALLENGE_LINE_OCTETS)
            return challenge and Challenge(challenge[2], self._cut(challenge.end()))
        if self._first_line is None:
            self._first_line = self._match_line(self._grammar, MAX_RESPONSE_LINE_OCTETS)
            if self._first_line is None:
                return None
        ok, text, end = self._first_line[1] == POSITIVE, self._first_line[2] or b"", self._first_line.end()
        if not ok or shape is not Shape.MULTI_LINE:
            return self._complete(Response(ok, text, None, self._cut(end)))
        body_end = self._find_body_end(end)
        if body_end is None:
            return None
        octets = self._cut(body_end)
        # The CRLF of the first line is the one before the first line of the body, if there is any.
        stuffed = octets[end - 2 : -len(_BODY_END)]
        lines = tuple(stuffed.replace(b"\r\n.", b"\r\n").split(b"\r\n")[1:])
        return self._complete(Response(ok, text, lines, octets))

    def _match_line(self, grammar: _Grammar, limit: int) -> re.Match[bytes] | None:
        """Return the match of the complete first line; None if it is legal as far as it has come."""
        head = bytes(self._buffer[: limit + 1])
        line = grammar.line.match(head)
        if line is not None and line.end() <= limit:
            return line
        beginning = grammar.beginning.match(head)
        assert beginning is not None
        legal = beginning.end()
        if legal > limit:
            raise self._error(f"a line of at most {limit} octets", limit)
        if legal < len(head):
            raise self._error(_expected_at(legal, head, grammar), legal)
        return None

    def _find_body_end(self, start: int) -> int | None:
        """Return where the multi-line response ends, reading no octet twice; None if the end has not come."""
        self._searched = max(self._searched, start - 2)
        found = self._buffer.find(_BODY_END, self._searched)
        length = (len(self._buffer) if found < 0 else found) - start
        if length > MAX_BODY_OCTETS:
            raise self._error(f"at most {MAX_BODY_OCTETS} octets of body (mailproof's bound)", start)
        if found < 0:
            self._searched = len(self._buffer) - len(_BODY_END) + 1
            return None
        return found + len(_BODY_END)

    def _cut(self, end: int) -> bytes:
        """Return the buffer's first octets and drop them."""
        octets = bytes(self._buffer[:end])
        del self._buffer[:end]
        return octets

    def _complete(self, response: Response) -> Response:
        self._expected.popleft()
        self._first_line = None
        self._searched = 0
        return response

    def _error(self, expected: str, offset: int) -> RemoteProtocolError:
        """Return the error, with the octets of the broken response up to the end of the broken line."""
        line_end = self._buffer.find(b"\n", offset) + 1
        return RemoteProtocolError(expected, bytes(self._buffer[: line_end or None]), offset)


def _expected_at(offset: int, line: bytes, grammar: _Grammar) -> str:
    """Return what the grammar asks for at `offset` of a line that is legal before it."""
    if line[offset - 1 : offset] == b"\r":
        return "LF after CR (RFC 1939 §3)"
    if grammar is _CHALLENGE:
        return '"+ " and base64, "+OK" or "-ERR" (RFC 5034 §7)'
    if not line.startswith((POSITIVE, NEGATIVE)):
        return '"+OK" or "-ERR" in upper case (RFC 1939 §3)'
    if line[offset : offset + 1] == b"\n":
        return "CRLF at the end of the line, not a bare LF (RFC 1939 §3)"
    if line[:offset] in {POSITIVE, NEGATIVE}:
        return "SP or CRLF after the status indicator (RFC 2449 §3)"
    return "US-ASCII without NUL in the text (RFC 2449 §3)"
