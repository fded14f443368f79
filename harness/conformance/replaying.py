"""Runs a recorded failure again: exactly the example that failed, where that can be had.

What is read here may come from strangers: choices are decoded by Hypothesis as numbers, text and octets, in
bounded size, and nothing is ever unpickled.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import hypothesis
import pytest

from harness.conformance.declaration import declaration_of
from harness.conformance.evidence import CaseResult, CheckResult, Evidence, Example
from harness.conformance.judge import Case, judge
from harness.conformance.outcomes import FINDINGS
from harness.conformance.subject import Subject
from harness.vocabulary.judging import Outcome

TIMES = 3
"""How often a failure is run again."""
TIMES_IF_MIXED = 5
"""How often in all, where it failed some of those times."""

_MOST_CHOICES_OCTETS = 1 << 20
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_DRAW = "Draw "
"""How the lines of an input begin that were drawn in the course of a check: those may hang on the server."""


class Word(StrEnum):
    """What a failure has become."""

    FIXED = "FIXED"
    FAILED = "FAILED"
    FLAKY = "FLAKY"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of running a failure again."""

    word: Word | None
    """None where nothing can be said."""
    attempts: tuple[CaseResult, ...]
    failures: tuple[CaseResult, ...]
    exact: bool
    """It was the recorded example that was run, and not the check with its recorded seed."""
    note: str = ""
    """Why it was not the recorded example."""
    problem: str = ""
    """Why nothing can be said."""


def can_be_replayed(result: CheckResult) -> bool:
    """Say whether this is a failure of an example: a finding, also a waived one, or an error of our own.

    What is judged on the conversations of all checks has no example of its own.
    """
    if result.teeth is not None or result.evidence.example is None:
        return False
    waived = result.outcome is Outcome.WAIVED and bool(result.evidence.expected)
    return waived or result.outcome in FINDINGS or result.outcome is Outcome.ERROR


class Replay:
    """A plugin for a run that runs one recorded failure again, several times."""

    def __init__(self, check_id: str, recorded: Evidence, times: int | None = None) -> None:
        self._id = check_id
        self._recorded = recorded
        self._example = recorded.example or Example()
        self._times = times
        self._attempts: list[CaseResult] = []
        self._inexact = ""
        self._problem = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Let the examiner find this."""
        config.stash[REPLAY] = self

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the one case that failed."""
        of_check = [item for item in items if _is_of(item, self._id)]
        items[:] = [item for item in of_check if _case_name(item) == self._example.case]
        if of_check and not items:
            self._problem = f"{self._id} has no case {self._example.case!r} any more"

    def run(self, case: Case, subject: Subject, still_alive: Callable[[], str | None]) -> CaseResult:
        """Run the example as often as asked, or until it turns out that it cannot be judged."""
        times = self._times or TIMES
        while len(self._attempts) < times:
            result = self._attempt(case, subject, still_alive)
            self._attempts.append(result)
            if not _is_judged(result):
                break
            if self._times is None and len(set(map(_has_failed, self._attempts))) > 1:
                times = TIMES_IF_MIXED
        return next(filter(_has_failed, self._attempts), self._attempts[-1])

    def verdict(self, problem: str = "") -> Verdict:
        """Return what came of it; `problem` is why the run came to nothing, if it did."""
        attempts = tuple(self._attempts)
        failures = tuple(filter(_has_failed, attempts))
        unjudged = next((result for result in attempts if not _is_judged(result)), None)
        word: Word | None = None
        if unjudged is not None:
            problem = f"{unjudged.outcome.value}: {unjudged.evidence.reason}"
        elif not attempts:
            problem = self._problem or problem or "nothing was run"
        elif len(failures) == len(attempts):
            word = Word.FAILED
        else:
            word = Word.FLAKY if failures else Word.FIXED
        return Verdict(
            word,
            attempts,
            failures,
            exact=not self._inexact,
            note=self._inexact,
            problem="" if word else problem,
        )

    def _attempt(self, case: Case, subject: Subject, still_alive: Callable[[], str | None]) -> CaseResult:
        """Run the recorded example once, or where that cannot be had the check as it was run then."""
        if not hasattr(case.function, "hypothesis"):
            return judge(case, subject, still_alive)
        if not self._inexact:
            self._inexact = self._why_inexact(case)
        if not self._inexact:
            seen: list[Sequence[str]] = []
            with _only(case, self._example):
                result = judge(case, subject, still_alive, heard=lambda lines: seen.append(_given(lines)))
            if _given(self._recorded.input) in seen:
                return result
            self._inexact = "the check does not make of its choices what it made then"
        return judge(case, subject, still_alive)

    def _why_inexact(self, case: Case) -> str:
        """Return why the recorded example cannot be made again, as far as that can be said before."""
        example = self._example
        if not example.choices:
            explicit = hasattr(case.function, "hypothesis_explicit_examples")
            return "" if explicit else "the record does not say what Hypothesis chose"
        if (here := hypothesis.__version__) != example.hypothesis:
            return f"its choices are for Hypothesis {example.hypothesis}, and here is {here}"
        return "" if _are_readable(example.choices) else "its choices cannot be read"


REPLAY = pytest.StashKey[Replay]()
"""What the examiner of this run has to run again, in the configuration's stash."""


@contextmanager
def _only(case: Case, example: Example) -> Iterator[None]:
    """Let the check make the recorded choices alone; without any, run the examples beside it alone."""
    function = case.function
    before = dict(vars(function))
    if example.choices:
        hypothesis.reproduce_failure(example.hypothesis, example.choices.encode("ascii"))(function)
    else:
        hypothesis.settings(phases=[hypothesis.Phase.explicit])(function)
    try:
        yield
    finally:
        vars(function).clear()
        vars(function).update(before)


def _are_readable(choices: str) -> bool:
    """Say whether this is what `reproduce_failure` takes, and not more than an example ever needs."""
    try:
        octets = base64.b64decode(choices.encode("ascii"), validate=True)
        match octets[:1]:
            case b"\0":
                return len(octets) <= _MOST_CHOICES_OCTETS
            case b"\1":
                reader = zlib.decompressobj()
                reader.decompress(octets[1:], _MOST_CHOICES_OCTETS)
                return reader.eof
            case _:
                return False
    except (UnicodeEncodeError, binascii.Error, zlib.error):
        return False


def _given(lines: Iterable[str]) -> Sequence[str]:
    """Return the input that was there before the check began; of objects that have no literal the kind."""
    return [_ADDRESS.sub("", line) for line in lines if not line.startswith(_DRAW)]


def _has_failed(result: CaseResult) -> bool:
    return result.outcome in FINDINGS


def _is_judged(result: CaseResult) -> bool:
    return result.outcome not in {Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE, Outcome.ERROR}


def _is_of(item: pytest.Item, check_id: str) -> bool:
    declaration = declaration_of(getattr(item, "obj", None))
    return declaration is not None and declaration.id == check_id


def _case_name(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.id) if callspec is not None else ""
