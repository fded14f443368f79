"""`mailproof diff`: what it says, what it writes, and its exit codes."""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli import main
from harness.conformance.codec import event_to_json
from harness.vocabulary.judging import Outcome

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from sample_runs import DOT, FINISHED, FOUND, HAZARD, NOOP, STARTED, events_of, result

LATER = replace(STARTED, started=STARTED.started + timedelta(days=1))
GOOD = (result(DOT), result(NOOP), result(HAZARD, Outcome.NOT_EXPLOITABLE))
BAD = (result(DOT, Outcome.VIOLATES, FOUND), *GOOD[1:])
SLIGHT = (result(DOT, Outcome.DEVIATES, FOUND), *GOOD[1:])


@pytest.fixture
def written(tmp_path):
    def write(*results, started=STARTED, finished=FINISHED) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.jsonl"
        events = events_of(*results, started=started, finished=finished)
        path.write_text("".join(json.dumps(event_to_json(event)) + "\n" for event in events))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("old", "new", "options", "code"),
    [
        (GOOD, GOOD, [], 0),
        (GOOD, BAD, [], 1),
        (BAD, BAD, [], 0),
        (BAD, GOOD, ["--strict"], 0),
        (GOOD, SLIGHT, [], 0),
        (GOOD, SLIGHT, ["--strict"], 1),
        (GOOD, GOOD[1:], [], 0),
        (GOOD, GOOD[1:], ["--strict"], 1),
    ],
)
def test_exit_codes(written, old, new, options, code):
    assert main.main(["diff", written(*old), written(*new, started=LATER), *options]) == code


def test_a_run_that_was_killed_is_not_green(written, capsys):
    assert main.main(["diff", written(*GOOD), written(GOOD[0], started=LATER, finished=None)]) == 3
    out = capsys.readouterr().out
    assert "note: new: the run was broken off: 1 of 3 checks were judged" in out
    assert "no longer judged (2)" in out
    assert "no new violations in what was judged" in out


def test_the_console_says_what_changed_and_then_the_verdict(written, capsys):
    main.main(["diff", written(*GOOD), written(*BAD, started=LATER), "--no-color"])
    lines = capsys.readouterr().out.splitlines()
    assert "broken (1)" in lines
    change = next(line for line in lines if DOT.id in line)
    assert change.split() == ["✓", "conforms", "->", "✗", "violates", DOT.id, "got", "b'..'"]
    assert lines[-1] == "postfix: 1 new violation (changes: 1; checks as before: 2)"


def test_files_are_written_and_the_verdict_is_still_said(written, tmp_path, capsys):
    files = [tmp_path / name for name in ("d.html", "d.md", "d.json")]
    words = [word for file in files for word in (f"--{file.suffix[1:]}", str(file))]
    assert main.main(["diff", written(*GOOD), written(*BAD, started=LATER), *words]) == 1
    assert capsys.readouterr().out.startswith("postfix: 1 new violation")
    html, markdown, machine = (file.read_text() for file in files)
    assert html.startswith("<!DOCTYPE html>")
    assert markdown.startswith("## postfix: 1 new violation")
    assert json.loads(machine)["new_violations"] == [DOT.id]


def test_wrong_usage_is_one_line(written, capsys):
    assert main.main(["diff", written(*GOOD), "/nowhere/run.jsonl"]) == 2
    assert capsys.readouterr().err.startswith("mailproof diff: /nowhere/run.jsonl: cannot be read")
