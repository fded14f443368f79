"""What became of each fault of a run of `mailproof teeth`: who caught it, and by which requirement."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.conformance.events import FaultTried
from harness.conformance.evidence import Json, Notice
from harness.reports.run import Run
from harness.vocabulary.exit_codes import ExitCode, gravest
from harness.vocabulary.faults import FAULTS, FaultEntry


class Fate(StrEnum):
    """What became of a fault."""

    CAUGHT = "caught"
    """By a check of a requirement that it breaks."""
    CAUGHT_ELSEWHERE = "caught elsewhere"
    """By a check of another requirement only."""
    MISSED = "missed"
    """By nobody, although checks were tried with it in the way."""
    KNOWN_GAP = "known gap"
    """By nobody, which the registry knows and gives a reason for."""
    UNTRIED = "not tried"
    """No check could be tried with it: none is about it, or the target lacks what they need; or the run ended
    before all of them were."""


@dataclass(frozen=True, slots=True)
class Bite:
    """One fault, and what became of it."""

    fault: FaultEntry
    fate: Fate
    caught_by: tuple[str, ...]
    """Ids of the checks that caught it, those of a requirement that it breaks first."""
    unnoticed_by: tuple[str, ...]
    untried: tuple[tuple[str, str], ...]
    """Ids of the checks that could not be tried, each with the reason."""


def bites_of(run: Run) -> tuple[Bite, ...]:
    """Return what became of each fault that the run was about, in the order of the registry."""
    tried: dict[str, list[FaultTried]] = {name: [] for name in run.started.faults}
    for event in run.tried:
        tried.setdefault(event.trial.fault, []).append(event)
    judged = {info.id: frozenset({info.id, *info.also}) for info in run.started.checks}
    bites = (_bite(FAULTS[name], tried[name], judged) for name in FAULTS if name in tried)
    return tuple(map(_undecided, bites) if run.end.interrupted else bites)


def _undecided(bite: Bite) -> Bite:
    """A fault that nobody noticed in a run that was ended early: another check may have caught it."""
    return replace(bite, fate=Fate.UNTRIED) if bite.fate is Fate.MISSED else bite


def unsound_checks(run: Run) -> dict[str, str]:
    """Return the checks whose controls are not green, by id, each with the reason."""
    events = (event for event in run.tried if event.trial.notice is Notice.UNSOUND)
    return {event.check: event.trial.said for event in events}


def exit_code_of_bites(run: Run, bites: Iterable[Bite]) -> ExitCode:
    """Return what the run says to CI: 1 if a fault was missed, 3 if the controls are not green."""
    fates = {bite.fate for bite in bites}
    codes = [ExitCode.CONFORMS]
    if Fate.MISSED in fates:
        codes.append(ExitCode.VIOLATES)
    if unsound_checks(run) or not fates & {Fate.CAUGHT, Fate.CAUGHT_ELSEWHERE, Fate.MISSED}:
        codes.append(ExitCode.INCONCLUSIVE)
    end = run.end
    if end.problem:
        codes.append(ExitCode.USAGE if end.usage else ExitCode.INCONCLUSIVE)
    if end.interrupted or end.silence:
        codes.append(ExitCode.INCONCLUSIVE)
    return gravest(codes)


def bites_report(run: Run, bites: Iterable[Bite]) -> Json:
    """Return the run as one object of JSON."""
    bites = tuple(bites)
    counts = Counter(bite.fate for bite in bites)
    return {
        "target": run.started.target,
        "seed": run.started.seed,
        "seconds": round(run.end.seconds, 3),
        "summary": {fate.value: counts[fate] for fate in Fate},
        "unsound": unsound_checks(run),
        "faults": [
            {
                "fault": bite.fault.name,
                "summary": bite.fault.summary,
                "source": bite.fault.source,
                "breaks": list(bite.fault.breaks),
                "fate": bite.fate.value,
                "gap": bite.fault.gap,
                "caught_by": list(bite.caught_by),
                "unnoticed_by": list(bite.unnoticed_by),
                "untried": dict(bite.untried),
            }
            for bite in bites
        ],
    }


def _bite(fault: FaultEntry, tried: Iterable[FaultTried], judged: dict[str, frozenset[str]]) -> Bite:
    breaks = frozenset(fault.breaks)

    def is_right(check: str) -> bool:
        return bool(breaks & judged.get(check, frozenset({check})))

    by_notice: dict[Notice, list[FaultTried]] = {notice: [] for notice in Notice}
    for event in tried:
        by_notice[event.trial.notice].append(event)
    caught = sorted((event.check for event in by_notice[Notice.CAUGHT]), key=lambda one: not is_right(one))
    if caught:
        fate = Fate.CAUGHT if is_right(caught[0]) or not breaks else Fate.CAUGHT_ELSEWHERE
    elif fault.gap:
        fate = Fate.KNOWN_GAP
    elif _could_notice(by_notice, is_right):
        fate = Fate.MISSED
    else:
        fate = Fate.UNTRIED
    untried = sorted(
        (*by_notice[Notice.UNTRIED], *by_notice[Notice.UNSOUND]), key=lambda event: not is_right(event.check)
    )
    return Bite(
        fault,
        fate,
        tuple(caught),
        tuple(event.check for event in by_notice[Notice.UNNOTICED]),
        tuple((event.check, event.trial.said) for event in untried),
    )


def _could_notice(by_notice: Mapping[Notice, Iterable[FaultTried]], is_right: Callable[[str], bool]) -> bool:
    """Say whether checks were tried that should have noticed.

    Where the check of the very requirement could not be tried, that its neighbours see nothing means nothing.
    """
    tried = [event.check for event in by_notice[Notice.UNNOTICED]]
    untried = [event.check for event in by_notice[Notice.UNTRIED]]
    return bool(tried) and (any(map(is_right, tried)) or not any(map(is_right, untried)))
