"""Keeps a server that has stopped answering from turning into a flood of findings.

When a check ends in silence, a plain exchange on a new connection tells a fault of the server from its
absence. Once it is absent, further checks are inconclusive at once; it is asked again now and then, so that a
server that was restarted is judged again.
"""

import time
from collections.abc import Callable, Iterable

from harness.conformance.declaration import Requires
from harness.conformance.subject import Subject

_REST_S = 1.0
_REST_PER_PROBE = 4.0


class Lifeline:
    """Knows whether the subject answers."""

    def __init__(self, subject: Subject, clock: Callable[[], float] = time.monotonic) -> None:
        self._subject = subject
        self._clock = clock
        self._lost = ""
        self._ask_at = 0.0

    def ask(self, needs: Iterable[Requires]) -> str | None:
        """Hold a plain exchange with the services that are needed; None if the server is there."""
        began = self._clock()
        lost = self._subject.ask_alive(needs)
        now = self._clock()
        self._lost = lost or ""
        self._ask_at = now + max(_REST_S, _REST_PER_PROBE * (now - began))
        return lost

    def cut(self, reason: str) -> None:
        """Note that the server could not be reached, so that the next check asks first."""
        if not self._lost:
            self._lost = reason
            self._ask_at = self._clock()

    def lost(self, needs: Iterable[Requires]) -> str | None:
        """Return why a check need not be tried now, or None; asks again after a rest."""
        if not self._lost:
            return None
        if self._clock() >= self._ask_at:
            return self.ask(needs)
        return self._lost
