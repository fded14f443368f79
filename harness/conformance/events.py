"""The run as a stream of events; every report is a listener, and none knows of pytest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from harness.conformance.evidence import CheckInfo, CheckResult, Trial


@dataclass(frozen=True, slots=True)
class RunStarted:
    """What is going to be run, against whom."""

    version: str
    target: str
    """The target's name."""
    target_file: str
    seed: int
    depth: str
    refute: bool
    strict: bool
    started: datetime
    checks: tuple[CheckInfo, ...]
    """In the order of the suites."""
    workers: int = 1
    faults: tuple[str, ...] = ()
    """The faults that are put before the checks; only in a run of `mailproof teeth`."""


@dataclass(frozen=True, slots=True)
class CheckListed:
    """What would come of a check, in a run that only lists."""

    info: CheckInfo
    lacks: str | None
    """Why it would not run: what the target does not offer or permit."""


@dataclass(frozen=True, slots=True)
class CheckStarted:
    """The first case of a check begins."""

    info: CheckInfo


@dataclass(frozen=True, slots=True)
class FaultTried:
    """A fault was put before a check; only in a run of `mailproof teeth`."""

    check: str
    """The check's id."""
    trial: Trial


@dataclass(frozen=True, slots=True)
class CheckFinished:
    """All cases of a check are judged."""

    result: CheckResult


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The end of the run, also of one that was interrupted."""

    seconds: float
    interrupted: bool = False
    problem: str = ""
    """Why nothing, or not all, was run: one line."""
    usage: bool = False
    """The problem is the user's to mend: a selection that matches nothing, a check declared wrongly."""
    silence: str = ""
    """Where the server stopped answering; empty if it did not."""
    notes: tuple[str, ...] = ()
    """What else the user should know: services that did not answer, fewer workers than asked for."""
    waiver_notes: tuple[str, ...] = ()
    """Waivers that are expired or apply to nothing any more, a line each."""


Event: TypeAlias = RunStarted | CheckListed | CheckStarted | FaultTried | CheckFinished | RunFinished
Listener: TypeAlias = Callable[[Event], None]
