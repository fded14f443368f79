"""What a check may cost, how long it waits, and what stands between it and the server."""

import time

import hypothesis
import pytest
from fake_bench import FakeSubject, FakeTarget
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine

from harness.conformance import codec
from harness.conformance.bench import Share
from harness.conformance.depth import SHRINKING_S, Depth, settings_for
from harness.conformance.finding import inconclusive
from harness.conformance.judge import Case, judge
from harness.conformance.shrinking import PER_RUN_S, UNSHRUNK, ShrinkingBudget
from harness.conformance.verify import verify
from harness.vocabulary.judging import Level, Outcome

DRAWN = settings(
    settings_for(Depth.NORMAL),
    phases=[Phase.generate, Phase.shrink],
)


def subject(**script: object) -> FakeSubject:
    return FakeSubject(FakeTarget(script, Share()))


def case(function) -> Case:
    return Case(function, {}, {}, Level.MUST)


@hypothesis.seed(1)
@DRAWN
@given(number=st.integers(0, 10_000))
def large_numbers_fail(target, number: int) -> None:
    verify(number < 100 or target.code(b"NOOP") == 250, expected="250", actual="500")


@hypothesis.seed(1)
@DRAWN
@given(number=st.integers(0, 10_000))
def large_numbers_are_not_answered(target, number: int) -> None:
    if number >= 100:
        target.code(b"NOOP")


def test_a_failure_is_made_smaller():
    result = judge(case(large_numbers_fail), subject(NOOP="500 no"), lambda: None)
    assert result.outcome is Outcome.VIOLATES
    assert result.evidence.input == ("number = 100",)
    assert result.evidence.note == ""


def test_when_the_time_of_the_run_is_used_up_a_failure_is_recorded_as_it_was_found():
    budget = ShrinkingBudget(run_s=0)
    failing = subject(NOOP="500 no")
    result = judge(case(large_numbers_fail), failing, lambda: None, shrinking=budget)
    assert result.outcome is Outcome.VIOLATES
    assert result.evidence.input != ("number = 100",)
    assert result.evidence.note == UNSHRUNK
    assert result.evidence.example is not None
    assert result.evidence.example.choices
    conforming = judge(case(large_numbers_fail), subject(NOOP="250 OK"), lambda: None, shrinking=budget)
    assert (conforming.outcome, conforming.evidence.note) == (Outcome.CONFORMS, "")


def test_a_check_without_drawn_input_has_nothing_to_be_made_smaller():
    def fails(target) -> None:
        verify(target.code(b"NOOP") == 250, expected="250", actual="500")

    result = judge(case(fails), subject(NOOP="500 no"), lambda: None, shrinking=ShrinkingBudget(run_s=0))
    assert (result.outcome, result.evidence.note) == (Outcome.VIOLATES, "")
    assert result.evidence.example is not None
    assert result.evidence.example.hypothesis == ""


def test_each_check_takes_its_part_of_the_time_of_the_run():
    now = [1000.0]
    budget = ShrinkingBudget(clock=lambda: now[0])
    assert budget.allowance_s == SHRINKING_S
    before = engine.MAX_SHRINKING_SECONDS
    budget.spend(None)
    for _ in range(5):
        began = now[0]
        with budget.allowed():
            assert engine.MAX_SHRINKING_SECONDS == SHRINKING_S
        now[0] += 23
        budget.spend(began)
    assert before == engine.MAX_SHRINKING_SECONDS
    assert budget.allowance_s == PER_RUN_S - 5 * 23
    budget.spend(now[0] - 60)
    assert budget.allowance_s == 0
    assert ShrinkingBudget(workers=12).allowance_s == 10


def test_time_is_taken_off_only_where_something_failed():
    budget = ShrinkingBudget(run_s=1000)
    left = budget._left_s
    judge(case(large_numbers_fail), subject(NOOP="250 OK"), lambda: None, shrinking=budget)
    assert budget._left_s == left
    began = time.monotonic()
    judge(case(large_numbers_fail), subject(NOOP="500 no"), lambda: None, shrinking=budget)
    assert left - (time.monotonic() - began) <= budget._left_s < left


def test_the_first_silence_and_the_shown_one_are_waited_for_patiently():
    silent = subject(NOOP="!timeout")
    result = judge(case(large_numbers_are_not_answered), silent, lambda: None)
    assert result.evidence.input == ("number = 100",)
    patience = silent.target.patience
    first = patience.index(False)
    assert all(patience[:first]), "until the first silence"
    assert not any(patience[first:-2]), "while a smaller input is looked for"
    assert patience[-2:] == [True, True], "the one that is shown, and what comes after the check"


def test_the_very_example_that_was_waited_for_need_not_be_once_more():
    silent = subject(NOOP="!timeout")
    budget = ShrinkingBudget(run_s=0)
    judge(case(large_numbers_are_not_answered), silent, lambda: None, shrinking=budget)
    patience = silent.target.patience
    assert patience[-3:] == [False, False, True]


def test_a_server_that_is_made_silent_is_not_waited_for_patiently():
    silent = subject(NOOP="!timeout")
    judge(case(large_numbers_are_not_answered), silent, lambda: None, patient=False)
    assert not any(silent.target.patience[:-1])
    assert silent.target.patience[-1]


def refused(target) -> None:
    verify(target.code(b"NOOP") == 250, expected="250", actual="450")


def unclear(target) -> None:
    if target.code(b"NOOP") != 250:
        inconclusive("an ordinary RCPT is refused")


@pytest.mark.parametrize("function", [refused, unclear])
def test_what_stands_between_makes_a_finding_inconclusive(function):
    greylisting = subject(NOOP="450 later", hindrance="greylisting: come again")
    result = judge(case(function), greylisting, lambda: None)
    assert (result.outcome, result.evidence.reason) == (Outcome.INCONCLUSIVE, "greylisting: come again")
    well = subject(NOOP="250 OK", hindrance="greylisting: come again")
    assert judge(case(function), well, lambda: None).outcome is Outcome.CONFORMS


def test_remarks_travel_with_the_result():
    result = judge(case(refused), subject(NOOP="250 OK", remarks=["smtp takes no more"]), lambda: None)
    assert result.notes == ("smtp takes no more",)
    assert codec.case_from_json(codec.case_to_json(result)) == result


def test_remarks_and_preflight_are_told_once_at_the_end(sandbox):
    sandbox.server(remarks=["smtp takes no more"], preflight_notes=["greylisting"])
    sandbox.checks(SAMPLES)
    assert sandbox.run().ret == 0
    assert sandbox.report()["notes"] == ["greylisting", "smtp takes no more"]


SAMPLES = '''
from harness.conformance import *
from harness.transport.tamper import Rewrite
BREAK = Rewrite.from_server(b"^2", b"5")

@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
def test_noop(target):
    """NOOP is harmless."""
    verify_equal("code", expected=250, actual=target.code(b"NOOP"))

@requirement("rfc5321/1/prose", level=PROSE, refuted_by=BREAK)
def test_rset(target):
    verify_equal("code", expected=250, actual=target.code(b"RSET"))
'''
