"""A run as reports see it: gathered from its events, whether they happen now or come from a record."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.conformance.codec import SCHEMA, event_from_json
from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    Event,
    FaultTried,
    RunFinished,
    RunStarted,
)
from harness.conformance.evidence import CheckResult
from harness.vocabulary.errors import UsageError


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
    tried: tuple[FaultTried, ...] = field(default=())
    """Which fault was put before which check, and what became of it; only of `mailproof teeth`."""

    @property
    def end(self) -> RunFinished:
        """The run's end; of a run that was broken off, what can be said of it."""
        if self.finished is not None:
            return self.finished
        planned, judged = len(self.started.checks), len(self.results)
        note = f"the run was broken off: {judged} of {planned} checks were judged"
        if self.unfinished:
            note = f"{note}; {', '.join(self.unfinished)} had begun"
        seconds = sum(result.seconds for result in self.results) / self.started.workers
        return RunFinished(seconds=seconds, interrupted=True, notes=(note,))


class Gatherer:
    """Listens to a run and makes a `Run` of it."""

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._open: dict[str, None] = {}
        self._results: dict[str, CheckResult] = {}
        self._tried: list[FaultTried] = []
        self._finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self._started = event
            case CheckStarted(info):
                self._open[info.id] = None
            case FaultTried():
                self._tried.append(event)
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
        return Run(self._started, tuple(results), self._finished, unfinished, tuple(self._tried))


def load_run(path: Path) -> Run:
    """Read the record of a run, also of one that was killed: then `finished` is None."""
    return gathered(read_record(path))


def gathered(events: Iterable[Event]) -> Run:
    """Make a run of its events, of which the first is its start."""
    gatherer = Gatherer()
    for event in events:
        gatherer(event)
    assert gatherer.run is not None, "a run begins with its start"
    return gatherer.run


def read_record(path: Path) -> Iterator[Event]:
    """Yield the events of a record; what is wrong with the file is the one line of a `UsageError`.

    A last line that was cut when the run was killed is passed over.
    """
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name the record of a run") from None
    *lines, rest = octets.split(b"\n")
    if _json(rest) is not None:
        lines.append(rest)
    _verify_head(path, _json(lines[0]) if lines else None)
    for number, line in enumerate(lines, start=1):
        yield _event(path, number, line)


def _verify_head(path: Path, head: object) -> None:
    """Refuse what is no record, or one of a later form than is known here."""
    schema = head.get("schema") if isinstance(head, dict) and head.get("event") == "run-started" else None
    if not isinstance(schema, int) or schema < 1:
        raise UsageError(f"{path}: is no record of a run; mailproof check --record FILE makes one")
    if schema > SCHEMA:
        raise UsageError(
            f"{path}: is a record of schema {schema}, and this mailproof knows {SCHEMA} and older; update it"
        )


def _event(path: Path, number: int, line: bytes) -> Event:
    """Read one line; only the first is the start of a run."""
    data = _json(line)
    try:
        event = event_from_json(data)
    except KeyError as error:
        problem = f"{error} is missing"
    except (TypeError, ValueError, AttributeError) as error:
        problem = "no JSON" if data is None else str(error)
    else:
        if isinstance(event, RunStarted) == (number == 1):
            return event
        problem = "another run begins here"
    raise UsageError(f"{path}: is damaged in line {number} ({problem}); take an undamaged copy")


def _json(line: bytes) -> object:
    """Return what a line holds; None if it is no JSON."""
    try:
        return json.loads(line)
    except ValueError:
        return None
