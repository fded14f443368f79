"""What changed from one run to another, what counts as a new violation, and how it is told."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from sample_runs import DOT, FINISHED, FOUND, HAZARD, NOOP, STARTED, result, run_of, runs

from harness.conformance.events import RunFinished
from harness.conformance.evidence import CheckInfo, CheckResult, Evidence
from harness.reports.difference import Kind, difference_of
from harness.reports.difference_forms import difference_json, difference_markdown, verdict_line
from harness.reports.html import difference_page
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Level, Outcome

GOOD, BAD, SLIGHT = Outcome.CONFORMS, Outcome.VIOLATES, Outcome.DEVIATES
LATER = replace(STARTED, started=STARTED.started + timedelta(days=1))


def from_to(old: Outcome | None, new: Outcome | None):
    before = [result(DOT, old)] if old else []
    after = [result(DOT, new)] if new else []
    plans = [replace(start, checks=(NOOP,)) for start in (STARTED, LATER)]
    return difference_of(
        run_of(result(NOOP), *before, started=plans[0]), run_of(result(NOOP), *after, started=plans[1])
    )


@pytest.mark.parametrize(
    ("old", "new", "kind", "new_violation", "strictly"),
    [
        (GOOD, BAD, Kind.BROKEN, True, True),
        (Outcome.NOT_EXPLOITABLE, Outcome.EXPLOITABLE, Kind.BROKEN, True, True),
        (SLIGHT, BAD, Kind.BROKEN, True, True),
        (GOOD, SLIGHT, Kind.BROKEN, False, True),
        (GOOD, Outcome.WAIVED, Kind.BROKEN, False, False),
        (BAD, GOOD, Kind.MENDED, False, False),
        (SLIGHT, GOOD, Kind.MENDED, False, False),
        (BAD, SLIGHT, Kind.MENDED, False, False),
        (Outcome.WAIVED, GOOD, Kind.MENDED, False, False),
        (BAD, Outcome.WAIVED, Kind.OTHER, False, False),
        (Outcome.WAIVED, BAD, Kind.OTHER, True, True),
        (Outcome.WAIVED, SLIGHT, Kind.OTHER, False, True),
        (GOOD, Outcome.INCONCLUSIVE, Kind.NO_LONGER_JUDGED, False, True),
        (GOOD, Outcome.UNSUPPORTED, Kind.NO_LONGER_JUDGED, False, True),
        (BAD, Outcome.ERROR, Kind.NO_LONGER_JUDGED, False, True),
        (Outcome.UNSUPPORTED, GOOD, Kind.NOW_JUDGED, False, False),
        (Outcome.INCONCLUSIVE, BAD, Kind.NOW_JUDGED, True, True),
        (Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE, Kind.OTHER, False, False),
        (None, GOOD, Kind.ADDED, False, False),
        (None, SLIGHT, Kind.ADDED, False, True),
        (None, BAD, Kind.ADDED, True, True),
        (GOOD, None, Kind.REMOVED, False, False),
        (BAD, None, Kind.REMOVED, False, False),
    ],
)
def test_what_became_of_a_check_and_whether_it_fails(old, new, kind, new_violation, strictly):
    difference = from_to(old, new)
    (change,) = difference.changes
    assert (change.kind, change.is_new_violation, change.fails_strictly) == (kind, new_violation, strictly)
    codes = {True: ExitCode.VIOLATES, False: ExitCode.CONFORMS}
    assert difference.exit_code(strict=False) is codes[new_violation]
    assert difference.exit_code(strict=True) is codes[strictly]


@pytest.mark.parametrize("outcome", Outcome)
def test_the_same_outcome_is_no_change(outcome):
    difference = from_to(outcome, outcome)
    assert difference.changes == ()
    assert difference.unchanged == 2


def test_another_fact_observed_is_a_change_that_never_fails():
    info = CheckInfo("rfc1939/4/lock", "The lock", Level.MAY, "It may.", "RFC 1939 §4", "pop3")
    old, new = (
        run_of(result(info, Outcome.OBSERVED, Evidence(observations=(("second", (word,)),))))
        for word in ("refused", "admitted")
    )
    (change,) = difference_of(old, new).changes
    assert (change.kind, change.said) == (Kind.OTHER, "second: admitted")
    assert not change.fails_strictly


def test_what_a_broken_off_run_meant_to_check_is_not_removed():
    difference = difference_of(run_of(result(DOT), result(NOOP)), run_of(result(NOOP), finished=None))
    (change,) = difference.changes
    assert (change.info, change.kind) == (DOT, Kind.NO_LONGER_JUDGED)
    assert difference.exit_code(strict=False) is ExitCode.INCONCLUSIVE
    assert verdict_line(difference) == "no new violations in what was judged"
    assert any("broken off" in note for note in difference.notes)


def test_what_only_the_broken_off_older_run_missed_is_not_added():
    difference = difference_of(run_of(result(NOOP), finished=None), run_of(result(DOT), result(NOOP)))
    assert [change.kind for change in difference.changes] == [Kind.NOW_JUDGED]


def test_new_violations_weigh_more_than_a_run_that_is_incomplete():
    difference = difference_of(run_of(result(DOT)), run_of(result(DOT, BAD, FOUND), finished=None))
    assert difference.exit_code(strict=False) is ExitCode.VIOLATES


@pytest.mark.parametrize(
    "finished",
    [
        replace(FINISHED, interrupted=True),
        replace(FINISHED, silence="gone"),
        replace(FINISHED, problem="unreachable"),
    ],
)
def test_an_incomplete_run_is_not_green(finished: RunFinished):
    difference = difference_of(run_of(result(DOT), finished=finished), run_of(result(DOT)))
    assert difference.exit_code(strict=False) is ExitCode.INCONCLUSIVE


def test_what_makes_runs_less_comparable_is_said():
    new = replace(
        STARTED, target="other", depth="deep", version="0.2.0", started=STARTED.started - timedelta(1)
    )
    notes = difference_of(run_of(result(DOT)), run_of(result(DOT), started=new)).notes
    assert notes == (
        "the runs are of different servers: postfix, then other",
        "the runs have different depths (old: quick, new: deep)",
        "the runs have different versions of mailproof (old: 0.1.0, new: 0.2.0)",
        "the run named as the new one is the older one",
    )


def test_a_run_that_judges_the_checks_is_refused():
    refuting = run_of(result(DOT), started=replace(STARTED, refute=True))
    with pytest.raises(UsageError, match="--refute"):
        difference_of(run_of(result(DOT)), refuting)


def sample():
    old = run_of(result(DOT), result(NOOP, BAD), result(HAZARD, Outcome.NOT_EXPLOITABLE))
    new = run_of(result(DOT, BAD, FOUND), result(NOOP), result(HAZARD, Outcome.INCONCLUSIVE), started=LATER)
    return difference_of(old, new)


def test_markdown_has_a_table_for_each_kind():
    text = difference_markdown(sample())
    assert text.startswith("## postfix: 1 new violation\n")
    assert "### 1 broken\n" in text
    assert "### 1 mended\n" in text
    assert "| `rfc5321/4.5.2/remove-one-dot`<br>Dots survive | MUST | ✓ conforms | **✗ violates** |" in text


def test_json_names_the_new_violations_and_every_change():
    report = json.loads(difference_json(sample(), strict=False))
    assert report["new_violations"] == [DOT.id]
    assert report["exit_code"] == 1
    assert [change["change"] for change in report["changes"]] == ["broken", "no longer judged", "mended"]
    first = report["changes"][0]
    assert first["old"] == {"outcome": "conforms", "said": ""}
    assert first["new"] == {"outcome": "violates", "said": "got b'..'"}


def test_strict_says_what_it_counts():
    difference = from_to(GOOD, SLIGHT)
    assert verdict_line(difference) == "no new violations"
    assert verdict_line(difference, strict=True) == "no new violations, but 1 that --strict counts"


def test_the_page_has_every_change_with_its_evidence():
    page = difference_page(sample())
    assert page.index("Broken") < page.index("No longer judged") < page.index("Mended")
    for words in ("1 new violation", "Dots survive", "b&#39;..&#39;", "mailproof check postfix.toml"):
        assert words in page
    assert "Nothing has changed." in difference_page(from_to(GOOD, GOOD))


@settings(max_examples=40)
@given(runs, runs)
def test_any_two_runs_have_a_difference_in_every_form(old, new):
    old, new = (replace(run, started=replace(run.started, refute=False)) for run in (old, new))
    difference = difference_of(old, new)
    shared = {one.info.id for one in old.results} & {one.info.id for one in new.results}
    changed = {one.info.id for one in difference.changes}
    assert difference.unchanged == len(shared - changed)
    page = difference_page(difference)
    assert page.count("<script") == 1
    page.encode()
    difference_json(difference, strict=True).encode("ascii")
    difference_markdown(difference).encode()


def test_a_change_is_told_by_the_newer_result_or_else_the_older():
    assert isinstance(from_to(BAD, None).changes[0].old, CheckResult)
    assert from_to(BAD, None).changes[0].said == ""
