"""What a run under plain pytest leaves behind: its record and its reports."""

import pytest
from conformance_sandbox import SAMPLES

from harness.reports.record import Record
from harness.reports.run import load_run


def test_the_record_and_every_report_are_written(sandbox):
    sandbox.checks(SAMPLES)
    words = ("--mailproof-record", "run.jsonl", "--mailproof-html", "run.html", "--mailproof-md", "run.md")
    result = sandbox.run(*words, "--mailproof-junit", "run.xml")
    assert result.ret == 0
    run = load_run(sandbox.path / "run.jsonl")
    assert len(run.results) == 4
    assert run.finished is not None
    assert (sandbox.path / "run.html").read_text().startswith("<!")
    assert (sandbox.path / "run.md").read_text().startswith("## mailproof: fake: conforms")
    assert (sandbox.path / "run.xml").read_text().startswith("<?xml")


def test_with_workers_the_first_process_records(sandbox):
    sandbox.checks(SAMPLES)
    result = sandbox.run("-n", "2", "--mailproof-record", "run.jsonl", subprocess=True)
    assert result.ret == 0
    run = load_run(sandbox.path / "run.jsonl")
    assert (len(run.results), run.started.workers) == (4, 2)


@pytest.mark.parametrize("form", ["record", "json", "junit", "html", "md"])
def test_a_place_that_cannot_be_written_is_wrong_usage(sandbox, form):
    sandbox.checks(SAMPLES)
    result = sandbox.run(f"--mailproof-{form}", "no/such/file")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--mailproof-{form} no/such/file: cannot be written: there is no folder*"])


def test_a_record_that_another_run_writes_is_wrong_usage(sandbox):
    sandbox.checks(SAMPLES)
    other = Record(sandbox.path / "run.jsonl")
    result = sandbox.run("--mailproof-record", "run.jsonl")
    other.close()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mailproof-record run.jsonl: another run is recorded there*"])


def test_a_disk_that_is_full_in_the_end_is_said(sandbox):
    sandbox.checks(SAMPLES)
    result = sandbox.run("--mailproof-record", "/dev/full", "--mailproof-md", "/dev/full")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["mailproof: /dev/full: cannot be written any more*"])
    result.stdout.fnmatch_lines(["mailproof: --mailproof-md /dev/full: cannot be written*"])
