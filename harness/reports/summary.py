"""What all reports count, and the exit code that follows from it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.conformance.events import RunFinished
from harness.conformance.evidence import CheckResult, Teeth
from harness.reports.run import Run
from harness.vocabulary.exit_codes import ExitCode, gravest
from harness.vocabulary.judging import Outcome

JUDGED = frozenset(
    {
        Outcome.CONFORMS,
        Outcome.VIOLATES,
        Outcome.DEVIATES,
        Outcome.OBSERVED,
        Outcome.EXPLOITABLE,
        Outcome.NOT_EXPLOITABLE,
        Outcome.WAIVED,
    }
)
"""Outcomes that say something about the target: a run without any of them is not green."""


def count_outcomes(results: Iterable[CheckResult]) -> Mapping[Outcome, int]:
    """Return how many checks had each outcome, in the order of `Outcome`, none left out."""
    counts = Counter(result.outcome for result in results)
    return {outcome: counts[outcome] for outcome in Outcome}


def exit_code_of(run: Run) -> ExitCode:
    """Return what the run says to CI, also one that was broken off."""
    return exit_code(run.results, run.end, strict=run.started.strict)


def troubles(run: Run) -> Iterator[str]:
    """Yield why the run as a whole does not say what it should have said, a line each."""
    if run.end.problem:
        yield run.end.problem
    if run.end.silence:
        yield run.end.silence
    judged, planned = len(run.results), len(run.started.checks)
    if run.finished is None:
        yield from run.end.notes
    elif run.finished.interrupted:
        yield f"the run was interrupted: {judged} of {planned} checks were judged"
    elif not run.end.problem and not any(one.teeth or one.outcome in JUDGED for one in run.results):
        yield "nothing was judged"


def exit_code(results: Sequence[CheckResult], finished: RunFinished, *, strict: bool) -> ExitCode:
    """Return what the run says to CI."""
    if any(result.teeth for result in results):
        return gravest(_codes_of_refutations(results, finished))
    return gravest(_codes(results, finished, strict=strict))


def _codes(results: Sequence[CheckResult], finished: RunFinished, *, strict: bool) -> Iterable[ExitCode]:
    yield from _codes_of_run(finished)
    outcomes = {result.outcome for result in results}
    if outcomes & {Outcome.VIOLATES, Outcome.EXPLOITABLE}:
        yield ExitCode.VIOLATES
    if strict and (Outcome.DEVIATES in outcomes or finished.waiver_notes):
        yield ExitCode.VIOLATES
    if outcomes & {Outcome.INCONCLUSIVE, Outcome.ERROR} or not outcomes & JUDGED:
        yield ExitCode.INCONCLUSIVE


def _codes_of_refutations(results: Sequence[CheckResult], finished: RunFinished) -> Iterable[ExitCode]:
    yield from _codes_of_run(finished)
    teeth = {result.teeth for result in results}
    if Teeth.TOOTHLESS in teeth:
        yield ExitCode.VIOLATES
    unproven = (result for result in results if result.teeth is not Teeth.REFUTED)
    control_failed = any(
        result.outcome is not Outcome.UNSUPPORTED and result.teeth is not Teeth.TOOTHLESS
        for result in unproven
    )
    if control_failed or Teeth.REFUTED not in teeth:
        yield ExitCode.INCONCLUSIVE


def _codes_of_run(finished: RunFinished) -> Iterable[ExitCode]:
    if finished.problem:
        yield ExitCode.USAGE if finished.usage else ExitCode.INCONCLUSIVE
    if finished.interrupted or finished.silence:
        yield ExitCode.INCONCLUSIVE
