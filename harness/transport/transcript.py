"""What was said in one connection, by whom and when: the evidence under every finding."""

import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate, groupby
from operator import attrgetter

from harness.transport.stream import ByteStream
from harness.vocabulary.errors import PeerClosed

DEFAULT_MAX_OCTETS = 1 << 20
MAX_ENTRIES = 1 << 14
"""A bound of its own, as a peer that drips octets makes an entry of each."""

_LINE_END = b"\r\n"
_VISIBLE = {
    **{octet: f"\\x{octet:02x}" for octet in range(256) if not 0x20 <= octet < 0x7F},
    **{ord(char): escape for char, escape in {"\r": "\\r", "\n": "\\n", "\t": "\\t", "\\": "\\\\"}.items()},
}


class Kind(StrEnum):
    """What an entry of a transcript is; the value is its mark in a rendered dialogue."""

    CLIENT = "C"
    SERVER = "S"
    TLS = "TLS"
    """The TLS handshake is complete; the octets name the server that was verified."""
    END = "END"
    """The server ended its side, or broke the connection."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a connection."""

    kind: Kind
    octets: bytes
    at_s: float
    """Seconds since the transcript began."""


class Transcript:
    """The entries of one connection, oldest first, bounded in number and octets.

    Where a bound is passed the oldest octets go first, since a finding is about what came last;
    `dropped_octets` tells how many went.
    """

    def __init__(self, *, max_octets: int = DEFAULT_MAX_OCTETS) -> None:
        self._entries: deque[Entry] = deque()
        self._max_octets = max_octets
        self._octets = 0
        self._began = time.monotonic()
        self.dropped_octets = 0

    def record(self, kind: Kind, octets: bytes = b"") -> None:
        """Append an event that happens now."""
        self._entries.append(Entry(kind, octets, time.monotonic() - self._began))
        self._octets += len(octets)
        while self._octets > self._max_octets:
            self._drop(self._octets - self._max_octets)
        if len(self._entries) > MAX_ENTRIES:
            self._drop(len(self._entries[0].octets))

    def _drop(self, surplus: int) -> None:
        """Forget up to `surplus` octets of the oldest entry."""
        oldest = self._entries.popleft()
        gone = min(surplus, len(oldest.octets))
        if rest := oldest.octets[gone:]:
            self._entries.appendleft(replace(oldest, octets=rest))
        self._octets -= gone
        self.dropped_octets += gone

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The events, oldest first."""
        return tuple(self._entries)

    def changed_by(self, change: Callable[[Iterable[Entry]], Iterable[Entry]]) -> "Transcript":
        """Return a copy whose entries have gone through `change`, as when secrets are to be hidden."""
        copy = Transcript(max_octets=self._max_octets)
        copy._began, copy._octets, copy.dropped_octets = self._began, self._octets, self.dropped_octets
        copy._entries.extend(change(self._entries))
        return copy

    def sent(self) -> bytes:
        """Return all that the client sent and the transcript still has."""
        return b"".join(entry.octets for entry in self._entries if entry.kind is Kind.CLIENT)

    def received(self) -> bytes:
        """Return all that the server sent and the transcript still has."""
        return b"".join(entry.octets for entry in self._entries if entry.kind is Kind.SERVER)

    def render(self, *, max_octets: int = 8192) -> str:
        """Return the dialogue, a line `C: ...` or `S: ...` for each line on the wire, nothing invisible.

        A CRLF is where a line ends and is not shown; every other control octet, a bare CR or LF, any octet
        beyond ASCII and the backslash itself are escaped. Of more than `max_octets` the beginning and the
        end are shown.
        """
        lines = list(self._lines())
        if self.dropped_octets:
            lines.insert(0, f"... {self.dropped_octets} octets before this are not kept ...")
        return "\n".join(_abridge(lines, max_octets))

    def _lines(self) -> Iterator[str]:
        for kind, turn in groupby(self._entries, key=attrgetter("kind")):
            octets = b"".join(entry.octets for entry in turn)
            match kind:
                case Kind.TLS:
                    yield f"-- TLS established with {make_visible(octets)} --"
                case Kind.END:
                    yield "-- the server ended the connection --"
                case _:
                    yield from (f"{kind}: {line}" for line in _visible_lines(octets))


class RecordedStream:
    """A `ByteStream` around another that writes down all that passes."""

    def __init__(self, stream: ByteStream, transcript: Transcript) -> None:
        self._stream = stream
        self.transcript = transcript

    def send(self, octets: bytes) -> None:
        """Send `octets`; they are on record even if the sending fails."""
        self.transcript.record(Kind.CLIENT, octets)
        self._stream.send(octets)

    def receive(self, timeout_s: float) -> bytes:
        """Return what has arrived."""
        try:
            octets = self._stream.receive(timeout_s)
        except PeerClosed:
            self.transcript.record(Kind.END)
            raise
        self.transcript.record(Kind.SERVER if octets else Kind.END, octets)
        return octets

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Start TLS underneath: the record goes on in plain octets."""
        self._stream.start_tls(context, server_name)
        self.transcript.record(Kind.TLS, server_name.encode())

    def close(self) -> None:
        """Close the stream underneath."""
        self._stream.close()

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self._stream.peer


def make_visible(octets: bytes) -> str:
    r"""Return `octets` as text in which `\r`, `\n`, `\t`, `\x00`, `\xe9` and `\\` stand for themselves."""
    return octets.decode("latin-1").translate(_VISIBLE)


def _visible_lines(octets: bytes) -> Iterator[str]:
    """Yield the lines of one side's turn; what ends without CRLF is marked, since that is the point of it."""
    *lines, rest = octets.split(_LINE_END)
    yield from map(make_visible, lines)
    if rest:
        yield f"{make_visible(rest)} [no CRLF]"


def _abridge(lines: list[str], max_octets: int) -> list[str]:
    """Return the lines, or if they are too long their first and last ones and a word on what is left out."""
    if sum(map(len, lines)) <= max_octets:
        return lines
    head = _within(lines, max_octets // 4)
    tail = _within(lines[: len(head) - 1 : -1] if head else lines[::-1], max_octets - max_octets // 4)[::-1]
    left_out = len(lines) - len(head) - len(tail)
    return [*head, f"... {left_out} lines are not shown ...", *tail]


def _within(lines: list[str], octets: int) -> list[str]:
    """Return the first of `lines` as far as they fit; one line alone is cut to size."""
    sizes = accumulate(map(len, lines))
    fitting = [line for line, size in zip(lines, sizes, strict=True) if size <= octets]
    return fitting or [f"{line[:octets]}..." for line in lines[:1]]
