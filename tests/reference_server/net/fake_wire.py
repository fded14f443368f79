"""A loop whose clock the test moves, and a transport that only remembers: the driver without any socket."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from reference_server.net.connection import Connection
from reference_server.net.hub import Hub


class Timer:
    """A call at a time."""

    def __init__(self, at: float, call: Callable[[], object]) -> None:
        self.at = at
        self.call = call
        self.cancelled = False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.cancelled = True
        self.call = lambda: None

    def __lt__(self, other: "Timer") -> bool:
        return self.at < other.at


class Loop:
    """What the driver uses of an event loop."""

    def __init__(self) -> None:
        self.now = 100.0
        self._soon: list[Callable[[], object]] = []
        self._timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, call: Callable[..., object], *arguments: Any) -> None:
        self._soon.append(lambda: call(*arguments))

    call_soon_threadsafe = call_soon

    def call_at(self, at: float, call: Callable[..., object], *arguments: Any) -> Timer:
        timer = Timer(at, lambda: call(*arguments))
        heapq.heappush(self._timers, timer)
        return timer

    def call_later(self, delay: float, call: Callable[..., object], *arguments: Any) -> Timer:
        return self.call_at(self.now + delay, call, *arguments)

    def has_work(self) -> bool:
        """Whether a turn would call anybody."""
        return bool(self._soon)

    def turn_once(self) -> None:
        """Run what is due now, and not what that calls for in turn."""
        calls, self._soon = self._soon, []
        for call in calls:
            call()

    def turn(self) -> None:
        """Run what is due now."""
        while self._soon:
            calls, self._soon = self._soon, []
            for call in calls:
                call()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.turn()
        while self._timers and self._timers[0].at <= end:
            timer = heapq.heappop(self._timers)
            self.now = max(self.now, timer.at)
            if not timer.cancelled:
                timer.call()
            self.turn()
        self.now = end

    @property
    def timers(self) -> int:
        """How many timers are set."""
        return sum(not timer.cancelled for timer in self._timers)


class Transport(asyncio.Transport):
    """Remembers what was written and asked of it."""

    def __init__(self, loop: Loop, address: str = "192.0.2.1") -> None:
        super().__init__(extra={"peername": (address, 4711), "sockname": ("192.0.2.9", 25)})
        self._loop = loop
        self.protocol: Connection | None = None
        self.written = bytearray()
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            assert self.protocol is not None
            self._loop.call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def take(self) -> bytes:
        """Return what was written since."""
        taken = bytes(self.written)
        self.written.clear()
        return taken


class Store:
    """Keeps changes waiting until the test answers them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, Callable[[Any], None]]] = []

    def submit(self, change: Any, done: Callable[[Any], None]) -> None:
        self.waiting.append((change, done))

    query = submit

    def verify(self, login: str, password: str) -> str | None:
        return login if password == "secret" else None

    def answer(self, result: Any) -> None:
        """Answer the oldest one."""
        _, done = self.waiting.pop(0)
        done(result)


def make_hub(loop: Loop, store: Store, *, per_address: int = 100) -> Hub:
    return Hub(loop, store, max_connections_per_address=per_address, failed_login_delay_s=1.0)  # type: ignore[arg-type]


def receive(connection: Connection, octets: bytes) -> None:
    """Let octets arrive as asyncio does: into the connection's buffer."""
    for start in range(0, len(octets), 65_536):
        part = octets[start : start + 65_536]
        buffer = connection.get_buffer(-1)
        buffer[: len(part)] = part
        connection.buffer_updated(len(part))
        # What stays in the shared buffer belongs to the next connection.
        buffer[: len(part)] = b"#" * len(part)
