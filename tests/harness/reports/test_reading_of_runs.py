"""A run is read from its record or from its JSON report; what is neither is refused in one line."""

import json

import pytest
from hypothesis import given, settings
from sample_runs import DOT, FOUND, NOOP, events_of, result, run_of, runs

from harness.conformance.codec import event_to_json
from harness.reports.json_report import json_report
from harness.reports.reading import read_run
from harness.vocabulary.errors import UsageError
from harness.vocabulary.judging import Outcome


def test_a_record_is_read(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps(event_to_json(event)) + "\n" for event in events_of(result(NOOP))))
    assert read_run(path) == run_of(result(NOOP))


@settings(max_examples=60)
@given(runs)
def test_a_report_gives_back_every_result(tmp_path_factory, run):
    path = tmp_path_factory.mktemp("reports") / "run.json"
    path.write_text(json_report(run))
    read = read_run(path)
    assert [(one.info.id, one.outcome, one.teeth) for one in read.results] == [
        (one.info.id, one.outcome, one.teeth) for one in run.results
    ]
    assert [one.evidence for one in read.results] == [one.evidence for one in run.results]
    assert (read.started.target, read.started.depth) == (run.started.target, run.started.depth)
    assert read.unfinished == run.unfinished


def test_a_report_of_a_broken_off_run_is_no_complete_run(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json_report(run_of(result(DOT, Outcome.VIOLATES, FOUND), finished=None)))
    assert read_run(path).end.interrupted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no record of a run"),
        ("{}", "is no record of a run"),
        ("[1]", "is no record of a run"),
        ('{"schema": 99, "checks": [], "target": "x"}', "schema 99"),
        ('{"schema": 1, "checks": [{}], "target": "x"}', "is damaged"),
        ('{"schema": 1, "checks": 7, "target": "x"}', "is damaged"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, text, words):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_run(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_run(tmp_path / "none.json")
