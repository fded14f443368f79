"""The folder where runs are recorded for which nobody names a file."""

import stat
from pathlib import Path

import pytest
from sample_runs import STARTED

from harness.reports import shelf
from harness.vocabulary.errors import UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "mailproof" / "runs"


def test_a_record_is_named_by_time_and_target_and_is_its_users_alone(folder):
    record = shelf.new_record("my server/../:\u202e25")
    record.close()
    assert record.path.parent == folder
    assert record.path.name.endswith("Z-my-server-..-25.jsonl")
    assert stat.S_IMODE(record.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_two_runs_in_one_second_have_a_file_each(folder):
    records = [shelf.new_record("x") for _ in range(3)]
    assert len({record.path for record in records}) == 3
    for record in records:
        record.close()


def test_the_newest_are_kept_and_what_is_being_written_too_and_what_is_not_ours(folder):
    folder.mkdir(parents=True)
    for day in range(1, 31):
        (folder / f"202001{day:02}T000000Z-x.jsonl").touch()
    (folder / "mine.jsonl").touch()
    running = shelf.Record(folder / "20200101T000000Z-x.jsonl")
    running(STARTED)
    newest = shelf.new_record("y")
    newest.close()
    running.close()
    names = sorted(path.name for path in folder.iterdir())
    days = range(31 - shelf.KEPT + 1, 31)
    kept = ["20200101T000000Z-x.jsonl", *(f"202001{day:02}T000000Z-x.jsonl" for day in days)]
    assert names == [*kept, newest.path.name, "mine.jsonl"]


def test_a_place_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"runs: cannot be made \(Not a directory\); name a file"):
        shelf.new_record("x")
