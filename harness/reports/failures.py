"""Single failures out of runs: found in a record, and written to files that can be handed over.

A failure's file is the record of a run with one check in it; so there is one form to read, and every report
can be made of it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.conformance.codec import event_to_json
from harness.conformance.events import CheckFinished, Event, RunFinished, RunStarted
from harness.conformance.evidence import CheckResult
from harness.conformance.outcomes import FINDINGS
from harness.conformance.replaying import can_be_replayed
from harness.reports.run import Run, load_run
from harness.vocabulary.errors import UsageError

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed, and the run in which it did."""

    started: RunStarted
    result: CheckResult


def failures_of(run: Run) -> Sequence[CheckResult]:
    """Return what failed in a run, in its order."""
    return [result for result in run.results if can_be_replayed(result)]


def find_failure(path: Path, requirement: str | None) -> Failure:
    """Read the failure of this requirement, or the only one there is; anything else is a `UsageError`."""
    run = load_run(path)
    failed = failures_of(run)
    if run.started.refute:
        message = (
            f"{path}: records a run with --refute, whose failures are meant; "
            "mailproof check --refute runs them again"
        )
        raise UsageError(message)
    if requirement is not None:
        for result in run.results:
            if requirement == result.info.id and result not in failed:
                raise UsageError(f"{path}: {_why_not(result)}")
        chosen = [result for result in failed if requirement in {result.info.id, *result.info.also}]
        if not chosen:
            raise UsageError(f"{path}: holds no failure of {requirement}{_known(failed)}")
        return Failure(run.started, chosen[0])
    if not failed:
        raise UsageError(f"{path}: nothing failed there")
    if len(failed) > 1:
        raise UsageError(f"{path}: holds {len(failed)} failures; name one{_known(failed)}")
    return Failure(run.started, failed[0])


def write_failure(path: Path, failure: Failure) -> None:
    """Write a failure to a file of its own."""
    events: list[Event] = [
        replace(failure.started, checks=(failure.result.info,), workers=1),
        CheckFinished(failure.result),
        RunFinished(seconds=failure.result.seconds),
    ]
    lines = [json.dumps(event_to_json(event), ensure_ascii=True) + "\n" for event in events]
    try:
        path.write_text("".join(lines), encoding="ascii")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another file") from None


class FailureFiles:
    """Listens to a run, and writes each failure to a file in a folder, as soon as it has happened."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder}: is no folder ({error.strerror}); name another one") from None
        self._folder = folder
        self._started: RunStarted | None = None
        self.problem = ""
        """What could not be written."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self._started = event
            case CheckFinished(result) if self._started is not None and can_be_replayed(result):
                try:
                    write_failure(self._folder / file_name(result.info.id), Failure(self._started, result))
                except UsageError as error:
                    self.problem = self.problem or str(error)
            case _:
                pass


def file_name(requirement: str) -> str:
    """Return what the file of a failure is called."""
    return f"{requirement.replace('/', '_')}.jsonl"


def _why_not(result: CheckResult) -> str:
    """Return why this result is no failure that can be run again."""
    if result.outcome in FINDINGS and result.evidence.example is None:
        again = f"; {result.evidence.replay} runs it again" if result.evidence.replay else ""
        return f"{result.info.id} has no example of its own{again}"
    return f"{result.info.id} did not fail there: {result.outcome.value}"


def _known(failed: Sequence[CheckResult]) -> str:
    if not failed:
        return "; nothing failed there"
    ids = [result.info.id for result in failed[:_MOST_NAMED]]
    more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
    return f": {', '.join(ids)}{more}"
