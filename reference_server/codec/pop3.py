"""The server's reading of POP3: command lines in, responses out, exact to the octet (RFC 1939 §3)."""

from dataclasses import dataclass
from typing import Final

LINE_LIMIT_OCTETS: Final = 255
"""The longest command, with its CRLF (RFC 2449 §4)."""

_FEW_OCTETS: Final = 4096

TERMINATOR: Final = b".\r\n"
CRLF: Final = b"\r\n"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, taken apart no further than all commands have it in common."""

    keyword: str
    """Upper case: keywords are case-insensitive (RFC 1939 §3)."""
    argument: bytes
    """What follows the one space, whole: a password may hold spaces (RFC 1939 §7, PASS)."""

    @property
    def arguments(self) -> tuple[bytes, ...]:
        """The arguments that single spaces separate."""
        return tuple(self.argument.split(b" ")) if self.argument else ()


def parse_command(line: bytes) -> Command | None:
    """Read a line without its CRLF; None if it cannot be a command of POP3."""
    keyword, _, argument = line.partition(b" ")
    if not keyword.isalpha() or not 3 <= len(keyword) <= 4 or b"\0" in argument or b"\r" in argument:
        return None
    return Command(keyword.decode("ascii").upper(), argument)


def ok(text: bytes = b"") -> bytes:
    """Return a positive response's line."""
    return b"+OK %b\r\n" % text if text else b"+OK\r\n"


def err(text: bytes) -> bytes:
    """Return a negative response's line; a response code stands at the start of `text` (RFC 2449 §8)."""
    return b"-ERR %b\r\n" % text


def multi_line(octets: bytes) -> bytes:
    r"""Return octets as the body of a multi-line response, with its end.

    A line begins after CRLF and nothing else: a dot after a bare LF is in the middle of its line, and must
    not be stuffed, or the reader gets an octet too many. Octets that do not end in CRLF get one, since the
    terminator has to be on a line of its own; `transmitted_size` counts it.
    """
    stuffed = octets.replace(b"\r\n.", b"\r\n..") if b"\r\n." in octets else octets
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (TERMINATOR if is_terminated(octets) else CRLF + TERMINATOR)


def is_terminated(octets: bytes) -> bool:
    """Whether the last line has its CRLF; no octets are no line."""
    return not octets or octets.endswith(CRLF)


def transmitted_size(octets: bytes) -> int:
    """Return how many octets a reader of RETR gets, stuffing undone: what LIST and STAT count."""
    return len(octets) if is_terminated(octets) else len(octets) + len(CRLF)


def top(octets: bytes, lines: int) -> bytes:
    """Return the header, the empty line, and the first `lines` lines of the body (RFC 1939 §7, TOP)."""
    if octets.startswith(CRLF):
        end = len(CRLF)
    else:
        blank = octets.find(CRLF + CRLF)
        if blank < 0:
            return octets
        end = blank + 2 * len(CRLF)
    return octets[: _end_of_lines(octets, end, lines)]


def _end_of_lines(octets: bytes, start: int, lines: int) -> int:
    """Return where the first `lines` lines from `start` on end; found by halves, as there may be millions."""
    low, high = start, len(octets)
    while high - low > _FEW_OCTETS:
        middle = (low + high) // 2
        # A CRLF on the border belongs to the second half.
        middle -= octets[middle - 1 : middle + 1] == CRLF
        count = octets.count(CRLF, low, middle)
        if count >= lines:
            high = middle
        else:
            low = middle
            lines -= count
    for _ in range(lines):
        line_end = octets.find(CRLF, low)
        if line_end < 0:
            return len(octets)
        low = line_end + len(CRLF)
    return low


def scan_listing(number: int, value: int | bytes) -> bytes:
    """Return `number SP value`: a scan listing of LIST, a unique-id listing of UIDL."""
    return b"%d %d" % (number, value) if isinstance(value, int) else b"%d %b" % (number, value)
