"""Time as a thing that is handed in, so that days of a queue run in milliseconds of a test.

The machine's own clock is in `reference_server.system_clock`: sessions import this module, and no session can
reach for the time by itself.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What tells the time; sessions, delivery and the queue get one injected."""

    def now(self) -> datetime:
        """Return the time of day, with its zone."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never step, for time-outs."""
        ...


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._now

    def monotonic_s(self) -> float:
        """Return how far the clock has been moved."""
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds

    def step(self, seconds: float) -> None:
        """Set the time of day back or forth; what is monotonic does not notice."""
        self._now += timedelta(seconds=seconds)
