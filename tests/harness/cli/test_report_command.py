"""What `mailproof check` leaves behind, and `mailproof report`, which makes reports of it later."""

import json
import stat
from pathlib import Path

import pytest

from harness.cli import check, main
from harness.conformance.events import Event, RunFinished
from harness.reports import shelf
from harness.reports.console import ConsoleReport
from harness.reports.run import load_run


def report(*words: str) -> int:
    return main.main(["report", *words])


class TestRecording:
    def test_a_run_is_recorded_where_the_user_says_and_the_place_is_printed(self, shop, capsys):
        assert shop.run("target.toml", "--record", "run.jsonl") == 0
        assert "\nrecord: run.jsonl\n" in capsys.readouterr().out
        run = load_run(Path("run.jsonl"))
        assert len(run.results) == len(run.started.checks) == 4
        assert run.finished is not None

    def test_a_run_is_recorded_on_the_users_shelf_where_no_file_is_named(self, shop, capsys):
        assert shop.run("target.toml") == 0
        line = capsys.readouterr().out.splitlines()[-1]
        path = Path(line.removeprefix("record: "))
        assert (path.parent, path.suffix) == (shelf.shelf(), ".jsonl")
        assert len(load_run(path).results) == 4
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_shelf_that_cannot_be_made_is_a_note_and_the_run_goes_on(self, shop, capsys, monkeypatch):
        monkeypatch.setenv("XDG_STATE_HOME", str(shop.path / "target.toml"))
        assert shop.run("target.toml") == 0
        out, err = capsys.readouterr()
        assert "\nnote: the run is not recorded: " in out
        assert out.endswith(": cannot be made (Not a directory); name a file with --record\n")
        assert err == ""

    def test_what_judged_nothing_leaves_nothing_on_the_shelf(self, shop, monkeypatch):
        monkeypatch.setenv("XDG_STATE_HOME", str(shop.path / "state"))
        shop.run("target.toml", "--list")
        shop.server(dead=True)
        shop.run("target.toml")
        assert list(shelf.shelf().iterdir()) == []

    def test_a_list_can_be_recorded(self, shop, capsys):
        shop.server(lacks={"smtp": "no smtp"})
        assert shop.run("target.toml", "--list", "--record", "list.jsonl") == 0
        capsys.readouterr()
        assert report("list.jsonl") == 0
        assert "3 checks would run, 1 would not" in capsys.readouterr().out

    @pytest.mark.parametrize("option", ["--record", "--json", "--junit", "--html", "--md"])
    def test_a_place_that_cannot_be_written_is_found_before_anything_runs(self, shop, capsys, option):
        assert shop.run("target.toml", option, "no/such/file") == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"mailproof check: {option} no/such/file: cannot be written: ")
        assert err.count("\n") == 1

    def test_a_disk_that_is_full_in_the_end_is_said_and_fails(self, shop, capsys):
        words = ("--record", "/dev/full", "--json", "/dev/full", "--md", "run.md")
        assert shop.run("target.toml", *words) == 3
        out, err = capsys.readouterr()
        assert "note: the record is not complete: /dev/full: cannot be written any more" in out
        assert err == (
            "mailproof check: --json /dev/full: cannot be written (No space left on device); "
            "name another file\n"
        )
        assert Path("run.md").read_text().startswith("## mailproof: fake: conforms")


class TestReporting:
    @pytest.fixture
    def recorded(self, shop, capsys) -> str:
        """The path of a record with a violation."""
        shop.server(NOOP="500 no")
        files = [word for form in ("json", "junit", "html", "md") for word in (f"--{form}", f"first.{form}")]
        assert shop.run("target.toml", "--record", "run.jsonl", *files) == 1
        self.printed = capsys.readouterr().out
        return "run.jsonl"

    def test_without_options_it_prints_what_check_printed(self, recorded, capsys):
        assert report(recorded) == 0
        assert capsys.readouterr().out == self.printed.removesuffix("record: run.jsonl\n")

    def test_every_form_is_the_same_as_check_writes(self, recorded, capsys):
        for form in ("json", "junit", "html", "md"):
            assert report(recorded, f"--{form}", f"second.{form}") == 0
            assert Path(f"second.{form}").read_bytes() == Path(f"first.{form}").read_bytes()
        assert capsys.readouterr().out == ""

    def test_a_killed_run_is_reported_on_with_what_was_judged(self, recorded, capsys):
        lines = Path(recorded).read_text().splitlines()
        Path(recorded).write_text("\n".join([*lines[:4], lines[4][:100]]))
        assert report(recorded) == 0
        out = capsys.readouterr().out
        assert "the run was broken off: 1 of 4 checks were judged; rfc5321/2/should had begun" in out
        assert report(recorded, "--json", "run.json") == 0
        data = json.loads(Path("run.json").read_text())
        assert (data["exit_code"], data["unfinished"]) == (1, ["rfc5321/2/should"])

    def test_what_is_no_record_ends_with_2_and_one_line(self, shop, capsys):
        assert report("target.toml", "--md", "run.md") == 2
        out, err = capsys.readouterr()
        assert (out, err) == (
            "",
            "mailproof report: target.toml: is no record of a run; mailproof check --record FILE makes one\n",
        )
        assert not Path("run.md").exists()


class TestGithub:
    @pytest.fixture
    def on_github(self, shop, monkeypatch) -> Path:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shop.path / "summary.md"))
        shop.server(NOOP="500 ::error::no")
        return shop.path / "summary.md"

    def test_there_the_job_is_annotated_and_its_summary_written(self, shop, on_github, capsys):
        assert shop.run("target.toml") == 1
        lines = capsys.readouterr().out.splitlines()
        pause = next(line for line in lines if line.startswith("::stop-commands::"))
        resume = lines.index(f"::{pause.removeprefix('::stop-commands::')}::")
        assert lines.index(pause) < lines.index("RFC 5321  Simple Mail Transfer Protocol") < resume
        assert all("::error::no" not in line for line in lines[resume:])
        assert lines[resume + 1].startswith("::error title=violates%3A rfc5321/1/must::NOOP is answered")
        assert on_github.read_text().startswith("## mailproof: fake: does not conform")

    def test_nothing_of_it_with_no_github_or_elsewhere(self, shop, on_github, capsys, monkeypatch):
        assert shop.run("target.toml", "--no-github") == 1
        monkeypatch.delenv("GITHUB_ACTIONS")
        assert shop.run("target.toml") == 1
        assert "\n::" not in capsys.readouterr().out
        assert not on_github.exists()

    def test_a_record_is_annotated_where_the_user_says_so(self, shop, on_github, capsys):
        shop.run("target.toml", "--no-github", "--record", "run.jsonl")
        capsys.readouterr()
        assert report("run.jsonl", "--github") == 0
        assert capsys.readouterr().out.startswith("::error title=violates%3A rfc5321/1/must::")
        assert on_github.exists()

    def test_a_summary_that_cannot_be_written_is_a_note(self, shop, on_github, capsys, monkeypatch):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shop.path))
        assert shop.run("target.toml") == 1
        assert "note: GITHUB_STEP_SUMMARY " in capsys.readouterr().out


class Gone(ConsoleReport):
    """A reader that goes away at the end, as in `mailproof check | head`."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            raise KeyboardInterrupt
        super().__call__(event)


def test_a_reader_that_goes_away_does_not_keep_the_reports_from_being_written(shop, monkeypatch):
    monkeypatch.setattr(check, "ConsoleReport", Gone)
    shop.run("target.toml", "--json", "run.json", "--record", "run.jsonl")
    assert len(json.loads(Path("run.json").read_text())["checks"]) == 4
    assert load_run(Path("run.jsonl")).finished is not None
