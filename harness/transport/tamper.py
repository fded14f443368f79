"""Octets rewritten in flight: what refutes a check.

A check that has never failed is not yet a check. Its `refuted_by` names how a server could be wrong:
`Rewrite` for a pattern in one direction, several joined by `+`, `Script` where the wrongness has a memory,
and `Fault` for a seeded defect of the reference server.
"""

import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

from harness.transport.stream import ByteStream
from harness.vocabulary.errors import ReplyTimeout
from harness.vocabulary.faults import FAULTS

Replacement = bytes | Callable[[re.Match[bytes]], bytes]
"""A template as of `re.sub` (so that a backslash is doubled), or a function of the match."""


class Tamperer(Protocol):
    """Sits in one connection and changes what passes; `b""` lets nothing pass."""

    def from_client(self, octets: bytes) -> bytes:
        """Return what the server gets of one `send` of the client."""
        ...

    def from_server(self, octets: bytes) -> bytes:
        """Return what the client gets of `octets`: whole lines, but for the last octets before the end."""
        ...


class Script(Protocol):
    """A way to tamper that can be opened again and again: the general form of a refutation."""

    def open(self) -> Tamperer:
        """Return a tamperer for one connection, with a fresh memory."""
        ...


class Side(StrEnum):
    """Whose octets are rewritten."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A regular expression and what takes its place, in one direction; made by the two class methods.

    The flags are MULTILINE and DOTALL: `^` is the start of a line. `count` limits the replacements in one
    connection; 0 means all.
    """

    side: Side
    pattern: bytes
    replacement: Replacement
    count: int = 0

    def __post_init__(self) -> None:
        _compile(self.pattern)

    @classmethod
    def from_server(cls, pattern: bytes, replacement: Replacement, *, count: int = 0) -> Self:
        """Rewrite what the server sends, in blocks of whole lines."""
        return cls(Side.SERVER, pattern, replacement, count)

    @classmethod
    def from_client(cls, pattern: bytes, replacement: Replacement, *, count: int = 0) -> Self:
        """Rewrite what the client sends, each `send` by itself."""
        return cls(Side.CLIENT, pattern, replacement, count)

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _Rewriter(self)

    def __add__(self, other: "Rewrite | Rewrites") -> "Rewrites":
        return Rewrites(self) + other


class Rewrites:
    """Several rewrites, applied in their order in either direction."""

    def __init__(self, *rewrites: Rewrite) -> None:
        self.rewrites = rewrites

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _Rewriter(*self.rewrites)

    def __add__(self, other: "Rewrite | Rewrites") -> "Rewrites":
        more = other.rewrites if isinstance(other, Rewrites) else (other,)
        return Rewrites(*self.rewrites, *more)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rewrites) and self.rewrites == other.rewrites

    def __hash__(self) -> int:
        return hash(self.rewrites)

    def __repr__(self) -> str:
        return f"Rewrites{self.rewrites!r}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Run against the reference server with the seeded defect of this name."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"no fault is named {self.name!r}; harness.vocabulary.faults lists them")


Refutation = Rewrite | Rewrites | Script | Fault
"""What a check may give as `refuted_by`."""


class TamperedStream:
    """A `ByteStream` around another, with a tamperer in between.

    What the server sends is held back to its last LF, so that a pattern never misses a line because of
    how TCP cut it; the rest passes when its line is complete or the server ends its side.
    """

    def __init__(self, stream: ByteStream, tamperer: Tamperer) -> None:
        self._stream = stream
        self._tamperer = tamperer
        self._held = b""
        self._ended = False

    def send(self, octets: bytes) -> None:
        """Send what the tamperer makes of `octets`."""
        if passing := self._tamperer.from_client(octets):
            self._stream.send(passing)

    def receive(self, timeout_s: float) -> bytes:
        """Return what the tamperer makes of what has arrived; waits on while that is nothing."""
        deadline = time.monotonic() + timeout_s
        left_s = timeout_s
        while not self._ended:
            if left_s <= 0:
                raise ReplyTimeout(f"{self.peer} sent nothing that passed for {timeout_s:.3g} s")
            if passing := self._take(self._stream.receive(left_s)):
                return passing
            left_s = deadline - time.monotonic()
        return b""

    def _take(self, arrived: bytes) -> bytes:
        """Return what passes now that `arrived` has come; `b""` in it is the end of the server's side."""
        self._ended = not arrived
        self._held += arrived
        border = len(self._held) if self._ended else self._held.rfind(b"\n") + 1
        lines, self._held = self._held[:border], self._held[border:]
        return self._tamperer.from_server(lines) if lines else b""

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Start TLS underneath: the tamperer goes on to see plain octets."""
        self._stream.start_tls(context, server_name)

    def close(self) -> None:
        """Close the stream underneath."""
        self._stream.close()

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self._stream.peer


class _Rewriter:
    """The rewrites of one connection, with what each may still do."""

    def __init__(self, *rewrites: Rewrite) -> None:
        self._steps = [_Step(rewrite) for rewrite in rewrites]

    def from_client(self, octets: bytes) -> bytes:
        return self._apply(Side.CLIENT, octets)

    def from_server(self, octets: bytes) -> bytes:
        return self._apply(Side.SERVER, octets)

    def _apply(self, side: Side, octets: bytes) -> bytes:
        for step in self._steps:
            if step.side is side:
                octets = step.apply(octets)
        return octets


class _Step:
    """One rewrite in one connection."""

    def __init__(self, rewrite: Rewrite) -> None:
        self.side = rewrite.side
        self._pattern = _compile(rewrite.pattern)
        self._replacement = rewrite.replacement
        self._left = rewrite.count or None

    def apply(self, octets: bytes) -> bytes:
        if self._left is None:
            return self._pattern.sub(self._replacement, octets)
        if self._left:
            octets, done = self._pattern.subn(self._replacement, octets, self._left)
            self._left -= done
        return octets


def _compile(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.MULTILINE | re.DOTALL)
