"""How long failures may be made smaller: so long per check, and so long per run.

A server with many defects would else be shrunk against for an hour. What fails when the run's time is used up
is recorded as it was found, and its evidence says so.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import engine

from harness.conformance.depth import SHRINKING_S

PER_RUN_S = 120
"""For so long at most all checks of a run do so together."""

UNSHRUNK = (
    f"not made smaller: the {PER_RUN_S} s that a run may spend on that were used up; "
    "run this check alone for the smallest input"
)


class ShrinkingBudget:
    """The time for shrinking of one process of a run, of which each check takes what it needs.

    Hypothesis asks for its limit when a check begins to shrink, so the limit is set before each check.
    """

    def __init__(
        self, run_s: float = PER_RUN_S, *, workers: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._left_s = run_s / workers
        self._clock = clock

    @property
    def allowance_s(self) -> int:
        """How long the next check may shrink."""
        return max(0, min(SHRINKING_S, int(self._left_s)))

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let the check that runs in the context shrink for its allowance, and no longer."""
        before = engine.MAX_SHRINKING_SECONDS
        engine.MAX_SHRINKING_SECONDS = self.allowance_s
        try:
            yield
        finally:
            engine.MAX_SHRINKING_SECONDS = before

    def spend(self, failed_at: float | None) -> None:
        """Take off what passed since the check's first failure, at `failed_at` by the same clock."""
        if failed_at is not None:
            self._left_s -= self._clock() - failed_at
