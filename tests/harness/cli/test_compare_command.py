"""`mailproof compare`: from the command line to the console and to files."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.conformance.codec import event_to_json
from harness.reports.json_report import json_report
from harness.vocabulary.judging import Outcome

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from sample_runs import DOT, FOUND, NOOP, STARTED, events_of, result, run_of

DOVECOT = replace(STARTED, target="dovecot")


@pytest.fixture
def record(tmp_path) -> str:
    """A record, as --record writes it."""
    path = tmp_path / "one.jsonl"
    events = events_of(result(DOT), result(NOOP))
    path.write_text("".join(json.dumps(event_to_json(event)) + "\n" for event in events))
    return str(path)


@pytest.fixture
def report(tmp_path) -> str:
    """A report, as --json writes it."""
    path = tmp_path / "two.json"
    path.write_text(json_report(run_of(result(DOT, Outcome.VIOLATES, FOUND), result(NOOP), started=DOVECOT)))
    return str(path)


def test_the_console_shows_what_differs(record, report, capsys):
    assert main.main(["compare", record, report]) == 0
    out = capsys.readouterr().out
    assert "The servers differ on 1 of 2 requirements:" in out
    assert DOT.id in out
    assert "✗ violates" in out
    assert NOOP.id not in out


def test_all_shows_all_wherever_the_option_stands(record, report, capsys):
    assert main.main(["compare", record, "--all", report]) == 0
    assert NOOP.id in capsys.readouterr().out


def test_files_are_written_instead(record, report, tmp_path, capsys):
    files = [tmp_path / name for name in ("m.html", "m.md", "m.json")]
    words = [word for file in files for word in (f"--{file.suffix[1:]}", str(file))]
    assert main.main(["compare", record, report, *words]) == 0
    assert capsys.readouterr().out == ""
    html, markdown, machine = (file.read_text() for file in files)
    assert html.startswith("<!DOCTYPE html>")
    assert "| ✓ conforms | ✗ violates |" in markdown
    assert [server["name"] for server in json.loads(machine)["servers"]] == ["postfix", "dovecot"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{record}"], "one run is nothing to compare; name two or more"),
        (["{record}", "/nowhere/run.jsonl"], "/nowhere/run.jsonl: cannot be read"),
        (["{record}", "{report}", "--html", "/nowhere/x.html"], "--html /nowhere/x.html: cannot be written"),
    ],
)
def test_wrong_usage_is_one_line(record, report, capsys, words, said):
    assert main.main(["compare", *(word.format(record=record, report=report) for word in words)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
