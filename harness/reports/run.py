"""A run as reports see it: gathered from its events, whether they happen now or come from a record."""

from dataclasses import dataclass, field

from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    Event,
    RunFinished,
    RunStarted,
)
from harness.conformance.evidence import CheckResult


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run."""

    started: RunStarted
    results: tuple[CheckResult, ...]
    """In the order of the plan."""
    finished: RunFinished | None
    """None where the run was broken off: killed, or the machine failed."""
    unfinished: tuple[str, ...] = field(default=())
    """Ids of the checks that had begun and were not judged; only where the run was broken off."""


class Gatherer:
    """Listens to a run and makes a `Run` of it."""

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._open: dict[str, None] = {}
        self._results: dict[str, CheckResult] = {}
        self._finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self._started = event
            case CheckStarted(info):
                self._open[info.id] = None
            case CheckFinished(result):
                self._open.pop(result.info.id, None)
                self._results[result.info.id] = result
            case RunFinished():
                self._finished = event
            case CheckListed():
                pass

    @property
    def run(self) -> Run | None:
        """What was gathered so far; None before the run has started."""
        if self._started is None:
            return None
        places = {info.id: place for place, info in enumerate(self._started.checks)}
        results = sorted(self._results.values(), key=lambda one: places.get(one.info.id, len(places)))
        unfinished = () if self._finished else tuple(self._open)
        return Run(self._started, tuple(results), self._finished, unfinished)
