"""A byte stream with a script instead of a peer: clients are tested with it, without a network."""

import ssl
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from harness.vocabulary.errors import PeerClosed, ReplyTimeout


@dataclass(frozen=True, slots=True)
class _Client:
    octets: bytes


@dataclass(frozen=True, slots=True)
class _Server:
    octets: bytes


@dataclass(frozen=True, slots=True)
class _Tls:
    pass


class ScriptedStream:
    """A `ByteStream` that plays a script and insists on it.

    `client(...)` says what must be sent next, however it is cut into sends; `server(...)` is handed out by
    one `receive` per call; `server_closes()` ends the server's side and `tls()` awaits `start_tls`. A
    receive while the script awaits the client raises `ReplyTimeout` at once: nobody would ever speak. As
    a context manager it demands, where no exception is under way, that nothing of the script is left.
    """

    def __init__(self) -> None:
        self._script: deque[_Client | _Server | _Tls] = deque()
        self._ended = False
        self.closed = False

    def client(self, octets: bytes) -> Self:
        """Append: the client must send `octets`."""
        self._script.append(_Client(octets))
        return self

    def server(self, *chunks: bytes) -> Self:
        """Append: each of `chunks` arrives by one `receive`."""
        self._script.extend(_Server(chunk) for chunk in chunks)
        return self

    def server_closes(self) -> Self:
        """Append: the server ends its side; from then on `receive` returns `b""`."""
        self._script.append(_Server(b""))
        return self

    def tls(self) -> Self:
        """Append: the client must start TLS."""
        self._script.append(_Tls())
        return self

    def verify_exhausted(self) -> None:
        """Raise `AssertionError` if something of the script has not happened."""
        if self._script:
            raise AssertionError(f"left in the script: {list(self._script)}")

    def send(self, octets: bytes) -> None:
        """Compare `octets` with what the script awaits of the client."""
        if self.closed:
            raise PeerClosed("the script: the stream is closed")
        while octets:
            step = self._script.popleft() if self._script else None
            if not isinstance(step, _Client):
                raise AssertionError(f"the client sends {octets!r} where the script has {step}")
            count = min(len(octets), len(step.octets))
            if octets[:count] != step.octets[:count]:
                raise AssertionError(f"the client sends {octets!r} where the script has {step.octets!r}")
            octets = octets[count:]
            if step.octets[count:]:
                self._script.appendleft(_Client(step.octets[count:]))

    def receive(self, timeout_s: float) -> bytes:
        """Return the script's next chunk."""
        if self._ended:
            return b""
        if not self._script or not isinstance(self._script[0], _Server):
            raise ReplyTimeout(f"the script: nothing to receive for {timeout_s:.3g} s")
        step = self._script.popleft()
        assert isinstance(step, _Server)
        self._ended = not step.octets
        return step.octets

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Tick off the script's `tls()`."""
        step = self._script.popleft() if self._script else None
        if not isinstance(step, _Tls):
            raise AssertionError(f"TLS starts ({server_name}, {context}) where the script has {step}")

    def close(self) -> None:
        """Note that the stream was closed."""
        self.closed = True

    @property
    def peer(self) -> str:
        """The other end in words."""
        return "script"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.verify_exhausted()
