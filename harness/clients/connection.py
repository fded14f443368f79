"""What every client of a line protocol has: a stream, a time-out, and a way to leave."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from harness.transport.stream import ByteStream
from harness.vocabulary.errors import MailproofError, PeerClosed, ReplyTimeout

FAREWELL_TIMEOUT_S = 2.0
"""How long the answer to a polite goodbye is awaited before the stream is closed all the same."""

StreamSource = ByteStream | Callable[[], ByteStream]
"""A connected stream, or a function that connects."""


class Connection(ABC):
    """One client's connection; the subclasses speak a protocol over it."""

    def __init__(self, stream: StreamSource, *, reply_timeout_s: float) -> None:
        self.stream: ByteStream = stream() if callable(stream) else stream
        self.reply_timeout_s = reply_timeout_s
        self.closed = False
        self._in_step = True
        """Whether the server awaits a command now, as far as we know: else a goodbye would be no goodbye."""

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self.stream.peer

    def send_raw(self, octets: bytes) -> None:
        """Send `octets` as they are, whatever the protocol says about them; no answer is awaited."""
        self._in_step = False
        self.stream.send(octets)

    def close(self) -> None:
        """Close the stream, without a word."""
        self.closed = True
        self.stream.close()

    def _deadline(self) -> float:
        """Return the time, on the monotonic clock, at which what is awaited from now on is late."""
        return time.monotonic() + self.reply_timeout_s

    def _receive_by(self, deadline: float) -> bytes:
        """Return what arrives next, `b""` at the end: a server that drips octets wins no time by it."""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise ReplyTimeout(f"{self.peer} was not done within {self.reply_timeout_s:.3g} s")
        return self.stream.receive(left_s)

    def _arrive_by(self, deadline: float) -> bytes:
        """Return what arrives next, which the end of the server's side is not."""
        octets = self._receive_by(deadline)
        if not octets:
            raise PeerClosed(f"{self.peer} ended the connection while an answer was due")
        return octets

    def _arrive_until_end(self) -> Iterator[bytes]:
        """Yield what arrives until the server ends the connection, which must be in time."""
        self._in_step = False
        deadline = self._deadline()
        with contextlib.suppress(PeerClosed):
            while octets := self._receive_by(deadline):
                yield octets

    @abstractmethod
    def _say_goodbye(self) -> None:
        """End the session in the protocol's own way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._in_step and not self.closed:
                self.reply_timeout_s = min(self.reply_timeout_s, FAREWELL_TIMEOUT_S)
                with contextlib.suppress(MailproofError):
                    self._say_goodbye()
        finally:
            self.close()
