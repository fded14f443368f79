"""SMTP replies: a strict reader and the value that it yields (RFC 5321 §4.2).

The reader takes whole lines by one regular expression and looks closer only when that does not match:
either the line is not complete yet, or there is a first octet that no reply can have there.
"""

import re
from dataclasses import dataclass
from typing import Self

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.smtp import MAX_AUTHENTICATION_LINE_OCTETS, MAX_REPLY_LINE_OCTETS, Code

MAX_REPLY_OCTETS = 1 << 20
"""Our own bound on one reply; RFC 5321 sets none, and a peer that never ends one must not fill the memory."""


@dataclass(frozen=True, slots=True)
class EnhancedCode:
    """An enhanced mail system status code (RFC 3463 §2)."""

    class_: int
    subject: int
    detail: int

    # status-code = class "." subject "." detail
    # class       = "2" / "4" / "5"
    # subject     = 1*3digit
    # detail      = 1*3digit                                  ; RFC 2034 §4
    # "This status code is always followed by one or more spaces"   ; RFC 2034 §3 (4)
    _FORM = re.compile(rb"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$)")

    @classmethod
    def parse(cls, text: bytes) -> Self | None:
        """Return the code that `text` begins with, or None: most text has none."""
        found = cls._FORM.match(text)
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return f"{self.class_}.{self.subject}.{self.detail}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, of one line or several."""

    code: int
    lines: tuple[bytes, ...]
    """The text of each line, without code, separator and CRLF; `b""` where there is none."""
    octets: bytes
    """The reply as it came."""

    @property
    def text(self) -> bytes:
        """The text of all lines, with LF between them."""
        return b"\n".join(self.lines)

    @property
    def is_positive(self) -> bool:
        """Whether the server agrees, for good (2yz) or so far (3yz)."""
        return self.code < 400

    @property
    def enhanced(self) -> EnhancedCode | None:
        """The enhanced status code of the first line, if it has one."""
        return EnhancedCode.parse(self.lines[0])

    @property
    def enhanced_codes(self) -> tuple[EnhancedCode | None, ...]:
        """The enhanced status code of each line, None for a line without (RFC 2034 §4: in every line)."""
        return tuple(EnhancedCode.parse(line) for line in self.lines)

    def __str__(self) -> str:
        return self.octets.decode("ascii", "backslashreplace").rstrip("\r\n")


# Reply-line  = *( Reply-code "-" [ textstring ] CRLF )
#               Reply-code [ SP textstring ] CRLF
# Reply-code  = %x32-35 %x30-35 %x30-39
# textstring  = 1*(%d09 / %d32-126)                           ; RFC 5321 §4.2
#
# "followed immediately by <SP>, optionally some text" (§4.2.1) makes a SP without text legal as well.
@dataclass(frozen=True, slots=True)
class _Grammar:
    """The reply line as two regular expressions, for one reading of textstring."""

    line: re.Pattern[bytes]
    """A complete line: code, separator, text."""
    beginning: re.Pattern[bytes]
    """As much of a line as is legal; always matches."""

    @classmethod
    def of_text(cls, char: bytes) -> Self:
        return cls(
            line=re.compile(rb"([2-5][0-5][0-9])(?:([ -])(" + char + rb"*))?\r\n"),
            beginning=re.compile(rb"(?:[2-5](?:[0-5](?:[0-9](?:[ -]" + char + rb"*)?\r?)?)?)?"),
        )


_ASCII = _Grammar.of_text(rb"[\t -~]")
_UTF8 = _Grammar.of_text(rb"[\t -~\x80-\xff]")


class ReplyReader:
    """Cuts a server's octets into replies.

    `receive` returns the replies that `data` completes. Where the grammar is broken it raises
    `RemoteProtocolError`, whose `octets` are those of the broken reply and whose `offset` is the first octet
    that cannot stand there. Good replies before it are returned first: then `failure` holds the error, and
    every further call raises it.
    """

    def __init__(self) -> None:
        self.failure: RemoteProtocolError | None = None
        self._grammar = _ASCII
        self._buffer = b""
        self._scanned = 0
        self._code = b""
        self._lines: list[bytes] = []

    def allow_utf8(self) -> None:
        """Take UTF-8 in texts from now on: the client has asked for it with SMTPUTF8 (RFC 6531 §3.7.4)."""
        self._grammar = _UTF8

    @property
    def pending(self) -> bytes:
        """The octets of a reply that is not complete yet."""
        return self._buffer

    def receive(self, data: bytes) -> list[Reply]:
        """Return the replies that are complete now that `data` has come."""
        if self.failure is not None:
            raise self.failure
        self._buffer += data
        replies: list[Reply] = []
        try:
            while self._buffer and (reply := self._take_reply()):
                replies.append(reply)
        except RemoteProtocolError as error:
            self.failure = error
            if not replies:
                raise
        return replies

    def _take_reply(self) -> Reply | None:
        """Take one reply off the buffer; None if it is not complete."""
        while line := self._grammar.line.match(self._buffer, self._scanned):
            code, separator, text = line.groups(b"")
            end = line.end()
            if self._lines or end > MAX_REPLY_LINE_OCTETS:
                self._verify_line(code, end - self._scanned)
            self._code = code
            self._scanned = end
            self._lines.append(text)
            if separator != b"-":
                reply = Reply(int(code), tuple(self._lines), self._buffer[:end])
                self._buffer = self._buffer[end:]
                self._scanned = 0
                self._lines = []
                return reply
        line_octets = self._buffer[self._scanned :]
        beginning = self._grammar.beginning.match(line_octets)
        assert beginning is not None
        self._verify_line(line_octets[: min(3, beginning.end())], beginning.end())
        if beginning.end() < len(line_octets):
            raise self._error(_expected_at(beginning.end(), line_octets), beginning.end())
        return None

    def _verify_line(self, code: bytes, octets: int) -> None:
        """Verify the next line's (beginning of a) code against the lines before, and its length so far."""
        if self._lines and not self._code.startswith(code):
            differs = next(at for at, digit in enumerate(code) if digit != self._code[at])
            raise self._error(f"the code {self._code.decode()} on every line (RFC 5321 §4.2.1)", differs)
        # Base64 in an AUTH exchange is free of the limit on reply lines (RFC 4954 §4).
        is_challenge = code == b"%d" % Code.CONTINUE_AUTHENTICATION
        limit = MAX_AUTHENTICATION_LINE_OCTETS if is_challenge else MAX_REPLY_LINE_OCTETS
        if octets > limit:
            raise self._error(f"a reply line of at most {limit} octets (RFC 5321 §4.5.3.1.5)", limit)
        if self._scanned + octets > MAX_REPLY_OCTETS:
            left = MAX_REPLY_OCTETS - self._scanned
            raise self._error(f"a reply of at most {MAX_REPLY_OCTETS} octets (mailproof's bound)", left)

    def _error(self, expected: str, offset_in_line: int) -> RemoteProtocolError:
        """Return the error, with the octets of the broken reply up to the end of the broken line."""
        offset = self._scanned + offset_in_line
        line_end = self._buffer.find(b"\n", offset) + 1
        return RemoteProtocolError(expected, self._buffer[: line_end or None], offset)


_EXPECTED_CODE = (
    "a reply code with the first digit 2, 3, 4 or 5 (RFC 5321 §4.2)",
    "a reply code with a second digit from 0 to 5 (RFC 5321 §4.2)",
    "a reply code of three digits (RFC 5321 §4.2)",
)


def _expected_at(offset: int, line: bytes) -> str:
    """Return what the grammar asks for at `offset` of a line that is legal before it."""
    if offset < len(_EXPECTED_CODE):
        return _EXPECTED_CODE[offset]
    if line[offset - 1 : offset] == b"\r":
        return "LF after CR (RFC 5321 §2.3.8)"
    if line[offset : offset + 1] == b"\n":
        return "CRLF at the end of the line, not a bare LF (RFC 5321 §2.3.8)"
    if offset == len(_EXPECTED_CODE):
        return 'SP, "-" or CRLF after the reply code (RFC 5321 §4.2)'
    return "HT, SP or printable US-ASCII in the text (RFC 5321 §4.2)"
