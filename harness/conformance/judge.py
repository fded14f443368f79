"""Runs a check once against a subject, and says what it came to."""

import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from _pytest.outcomes import Skipped
from hypothesis.errors import Flaky
from hypothesis.reporting import with_reporter

from harness.conformance import observations
from harness.conformance.evidence import CaseResult, Evidence
from harness.conformance.examples import Examples
from harness.conformance.finding import Finding, Inconclusive
from harness.conformance.outcomes import of_finding, of_no_finding
from harness.conformance.subject import Subject
from harness.vocabulary.judging import Level, Outcome

_FLAKY = "flaky: the same input failed once and passed when it was run again"


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
) -> CaseResult:
    """Run the check against the subject and return what it came to, whatever it raised.

    Only a keyboard interrupt and pytest's own exit pass through.
    """
    examples = Examples(subject, still_alive, at_most=at_most)
    noted = observations.Observations()
    token = observations.current.set(noted)
    began = time.monotonic()
    try:
        with with_reporter(_silent), _recorded_body(case, examples) as function:
            call = pytest.CallInfo.from_call(
                lambda: function(**case.arguments, target=subject.target),
                when="call",
                reraise=(pytest.exit.Exception, KeyboardInterrupt),
            )
    finally:
        observations.current.reset(token)
    seconds = time.monotonic() - began
    error = call.excinfo.value if call.excinfo is not None else None
    outcome, evidence = _weigh(case.level, error, examples)
    facts = tuple(noted.facts().items())
    return CaseResult(
        outcome=outcome,
        seconds=seconds,
        examples=examples.count,
        evidence=_complete(evidence, examples, error, facts, replay),
        case=case.name,
        silenced=examples.silenced,
    )


@contextmanager
def _recorded_body(case: Case, examples: Examples) -> Iterator[Callable[..., object]]:
    """Give the function to call, with its body recorded: the whole function, or what is under `@given`."""
    fixtures: Collection[str] = {"target", *case.arguments}
    handle = getattr(case.function, "hypothesis", None)
    if handle is None:
        yield examples.wrap(case.function, fixtures, case.parameters)
        return
    body = handle.inner_test
    handle.inner_test = examples.wrap(body, fixtures, case.parameters)
    try:
        yield case.function
    finally:
        handle.inner_test = body


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


def _draws(error: BaseException) -> tuple[str, ...]:
    """Return what the body drew for itself by `st.data()`: Hypothesis notes it on the exception."""
    notes: list[str] = getattr(error, "__notes__", [])
    return tuple(note for note in notes if note.startswith("Draw "))


def _one_line(error: BaseException) -> str:
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _silent(_text: object) -> None:
    """Take what Hypothesis would print: the evidence says it better."""
