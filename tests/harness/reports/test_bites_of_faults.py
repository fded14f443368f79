"""What became of a fault, from who tried it and what they noticed."""

from dataclasses import replace

import pytest
from sample_runs import DOT, FINISHED, STARTED

from harness.conformance.events import FaultTried, RunFinished
from harness.conformance.evidence import CheckInfo, Notice, Trial
from harness.reports.bites import Fate, bites_of, bites_report, exit_code_of_bites
from harness.reports.run import Run
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import FAULTS
from harness.vocabulary.judging import Level

NAME = "smtp-dot-kept"
RIGHT = FAULTS[NAME].breaks[0]
TWIN = "rfc2033/4/transparency"
OTHER = "rfc5321/4.5.2/other"


def run_of(*tried: tuple[str, Notice], finished: RunFinished | None = FINISHED) -> Run:
    twin = CheckInfo(TWIN, "", Level.MUST, "", "", "lmtp", also=(RIGHT,))
    started = replace(STARTED, faults=(NAME,), checks=(DOT, twin))
    events = tuple(FaultTried(check, Trial(NAME, notice, f"said by {check}")) for check, notice in tried)
    return Run(started, (), finished, (), events)


@pytest.mark.parametrize(
    ("tried", "fate", "code"),
    [
        ([(OTHER, Notice.UNNOTICED), (RIGHT, Notice.CAUGHT)], Fate.CAUGHT, ExitCode.CONFORMS),
        ([(TWIN, Notice.CAUGHT), (RIGHT, Notice.UNNOTICED)], Fate.CAUGHT, ExitCode.CONFORMS),
        ([(OTHER, Notice.CAUGHT), (RIGHT, Notice.UNNOTICED)], Fate.CAUGHT_ELSEWHERE, ExitCode.CONFORMS),
        ([(RIGHT, Notice.UNNOTICED)], Fate.MISSED, ExitCode.VIOLATES),
        ([(OTHER, Notice.UNNOTICED)], Fate.MISSED, ExitCode.VIOLATES),
        ([(RIGHT, Notice.UNTRIED), (OTHER, Notice.UNNOTICED)], Fate.UNTRIED, ExitCode.INCONCLUSIVE),
        ([(RIGHT, Notice.UNTRIED)], Fate.UNTRIED, ExitCode.INCONCLUSIVE),
        ([], Fate.UNTRIED, ExitCode.INCONCLUSIVE),
        ([(RIGHT, Notice.CAUGHT), (OTHER, Notice.UNSOUND)], Fate.CAUGHT, ExitCode.INCONCLUSIVE),
    ],
)
def test_the_fate_of_a_fault(tried, fate, code):
    run = run_of(*tried)
    (bite,) = bites_of(run)
    assert bite.fate is fate
    assert exit_code_of_bites(run, [bite]) is code


def test_a_hole_that_is_known_is_no_failure(monkeypatch):
    monkeypatch.setitem(FAULTS, NAME, replace(FAULTS[NAME], gap="nobody looks there yet"))
    (bite,) = bites_of(run_of((RIGHT, Notice.UNNOTICED)))
    assert bite.fate is Fate.KNOWN_GAP
    (bite,) = bites_of(run_of((RIGHT, Notice.CAUGHT)))
    assert bite.fate is Fate.CAUGHT


def test_who_caught_it_by_the_right_requirement_comes_first():
    (bite,) = bites_of(run_of((OTHER, Notice.CAUGHT), (RIGHT, Notice.CAUGHT)))
    assert bite.caught_by == (RIGHT, OTHER)


def test_a_run_that_was_broken_off_is_inconclusive():
    run = run_of((RIGHT, Notice.CAUGHT), finished=None)
    assert exit_code_of_bites(run, bites_of(run)) is ExitCode.INCONCLUSIVE


def test_the_report_says_all_of_it():
    run = run_of((RIGHT, Notice.UNTRIED), (OTHER, Notice.CAUGHT))
    report = bites_report(run, bites_of(run))
    assert report["summary"]["caught elsewhere"] == 1
    (fault,) = report["faults"]
    assert fault["caught_by"] == [OTHER]
    assert fault["untried"] == {RIGHT: f"said by {RIGHT}"}
