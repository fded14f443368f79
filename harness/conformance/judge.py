"""Runs a check once against a subject, and says what it came to."""

import re
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import hypothesis
import pytest
from _pytest.outcomes import Skipped
from hypothesis.errors import DidNotReproduce, Flaky
from hypothesis.reporting import with_reporter

from harness.conformance import observations
from harness.conformance.evidence import CaseResult, Evidence, Example
from harness.conformance.examples import Examples
from harness.conformance.finding import Finding, Inconclusive
from harness.conformance.outcomes import of_finding, of_no_finding
from harness.conformance.shrinking import UNSHRUNK, ShrinkingBudget
from harness.conformance.subject import Subject
from harness.vocabulary.judging import Level, Outcome

_FLAKY = "flaky: the same input failed once and passed when it was run again"
_CHOICES = re.compile(r"@reproduce_failure\('[^']*', b'([^']*)'\)")
"""How Hypothesis notes on a failure what it chose (its setting `print_blob`)."""
MISFIT = "the recorded choices do not fit this check any more"
"""Why nothing was run where choices were to be made again that the check does not ask for."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test function with its arguments, ready to be called."""

    function: Callable[..., object]
    arguments: Mapping[str, object]
    """What pytest gives: the fixtures, `target` left out, and the parameters."""
    parameters: Mapping[str, object]
    """Those of the arguments that are inputs: from parametrization."""
    level: Level
    name: str = ""
    """The case's name within a parametrised check."""


def judge(
    case: Case,
    subject: Subject,
    still_alive: Callable[[], str | None],
    *,
    replay: str = "",
    at_most: int | None = None,
    patient: bool = True,
    shrinking: ShrinkingBudget | None = None,
    heard: Callable[[tuple[str, ...]], object] | None = None,
) -> CaseResult:
    """Run the check against the subject and return what it came to, whatever it raised.

    Only a keyboard interrupt and pytest's own exit pass through. Without a budget of the run's a failure
    is made smaller for as long as a check may do so. `heard` is told the input of every example.
    Where silence need not be told from slowness, as in a refutation, it is not waited for patiently.
    """
    shrinking = shrinking or ShrinkingBudget()
    unshrunk = not shrinking.allowance_s
    examples = Examples(subject, still_alive, at_most=at_most, patient=patient, heard=heard)
    noted = observations.Observations()
    token = observations.current.set(noted)
    began = time.monotonic()
    try:
        with with_reporter(_silent), shrinking.allowed(), _recorded_body(case, examples) as function:
            call = pytest.CallInfo.from_call(
                lambda: function(**case.arguments, target=subject.target),
                when="call",
                reraise=(pytest.exit.Exception, KeyboardInterrupt),
            )
    finally:
        observations.current.reset(token)
        subject.be_patient(True)
    seconds = time.monotonic() - began
    shrinking.spend(examples.failed_at)
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, DidNotReproduce) and examples.count:
        error = None  # the recorded example was run, and did not fail
    outcome, evidence = _weigh(case.level, error, examples)
    facts = tuple(noted.facts().items())
    if unshrunk and evidence.expected and _draws_input(case):
        evidence = replace(evidence, note="; ".join(filter(None, [evidence.note, UNSHRUNK])))
    return CaseResult(
        outcome=outcome,
        seconds=seconds,
        examples=examples.count,
        evidence=replace(
            _complete(evidence, examples, error, facts, replay), example=_example_of(case, examples, error)
        ),
        case=case.name,
        silenced=examples.silenced,
        notes=subject.remarks(),
    )


@contextmanager
def _recorded_body(case: Case, examples: Examples) -> Iterator[Callable[..., object]]:
    """Give the function to call, with its body recorded: the whole function, or what is under `@given`."""
    fixtures: Collection[str] = {"target", *case.arguments}
    if not _draws_input(case):
        yield examples.wrap(case.function, fixtures, case.parameters)
        return
    handle = getattr(case.function, "hypothesis")  # noqa: B009 - set by `@given`
    body = handle.inner_test
    handle.inner_test = examples.wrap(body, fixtures, case.parameters)
    try:
        yield case.function
    finally:
        handle.inner_test = body


def _draws_input(case: Case) -> bool:
    """Say whether Hypothesis chooses the input."""
    return hasattr(case.function, "hypothesis")


def _weigh(level: Level, error: BaseException | None, examples: Examples) -> tuple[Outcome, Evidence]:
    """Return the outcome, and the evidence that is particular to it."""
    note = ""
    if isinstance(error, Flaky) and examples.failure is not None:
        error, note = examples.failure.error, _FLAKY
    match error:
        case None:
            return of_no_finding(level), Evidence()
        case Finding():
            note = "; ".join(part for part in (error.note, note) if part)
            return of_finding(level), Evidence(expected=error.expected, actual=error.actual, note=note)
        case Inconclusive():
            return Outcome.INCONCLUSIVE, Evidence(reason=str(error.msg))
        case Skipped():
            return Outcome.UNSUPPORTED, Evidence(reason=str(error.msg))
        case DidNotReproduce():
            return Outcome.INCONCLUSIVE, Evidence(reason=MISFIT)
        case _:
            return Outcome.ERROR, Evidence(
                reason=_one_line(error), traceback="".join(traceback.format_exception(error))
            )


def _complete(
    evidence: Evidence,
    examples: Examples,
    error: BaseException | None,
    facts: tuple[tuple[str, tuple[str, ...]], ...],
    replay: str,
) -> Evidence:
    """Add what every evidence has: the input, what was said, what was observed, how to run it again."""
    failure = examples.failure
    if error is None or failure is None:
        return replace(evidence, observations=facts)
    return replace(
        evidence,
        input=failure.input + _draws(failure.error),
        dialogues=failure.dialogues,
        observations=facts,
        replay=replay,
    )


def _example_of(case: Case, examples: Examples, error: BaseException | None) -> Example | None:
    """Return what it takes to run the failed example again; Hypothesis' choices are noted on the error."""
    if error is None or examples.failure is None:
        return None
    if not _draws_input(case):
        return Example(case.name)
    notes: list[str] = getattr(error, "__notes__", [])
    found = next((match for note in notes if (match := _CHOICES.search(note))), None)
    return Example(case.name, found[1] if found else "", hypothesis.__version__)


def _draws(error: BaseException) -> tuple[str, ...]:
    """Return what the body drew for itself by `st.data()`: Hypothesis notes it on the exception."""
    notes: list[str] = getattr(error, "__notes__", [])
    return tuple(note for note in notes if note.startswith("Draw "))


def _one_line(error: BaseException) -> str:
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _silent(_text: object) -> None:
    """Take what Hypothesis would print: the evidence says it better."""
