"""A time-out that is set anew with every step of a session and hardly ever passes."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls back once the time is over; setting it later costs a comparison, not a new timer."""

    __slots__ = ("_at_s", "_call", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None
        self._at_s = 0.0

    def set(self, timeout_s: float) -> None:
        """Call back after `timeout_s`, in place of what was set before."""
        self._at_s = self._loop.time() + timeout_s
        timer = self._timer
        if timer is None or timer.when() > self._at_s:
            if timer is not None:
                timer.cancel()
            self._timer = self._loop.call_at(self._at_s, self._came)

    def cancel(self) -> None:
        """Never call back, and let go of who was to be called."""
        self._call = _nobody
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _came(self) -> None:
        self._timer = None
        if self._loop.time() < self._at_s:
            self._timer = self._loop.call_at(self._at_s, self._came)
        else:
            self._call()


def _nobody() -> None:
    """Be called in place of a connection that is gone."""
