import argparse
import json
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.cli import load as command
from harness.cli.load_report import print_report
from harness.targets.file import TargetFile
from harness.targets.loader import load_target
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode

MAIN = "import sys; from harness.cli.main import main; sys.exit(main())"
TARGET = """\
schema = 1
name = "some"
permits = ["load"]
[service.smtp]
host = "127.0.0.1"
port = 1
tls = "none"
[accounts]
domain = "b.test"
pool = [{ address = "u@b.test", password = "hush-hush" }]
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target.toml").write_text(TARGET, encoding="utf-8")
    return tmp_path / "target.toml"


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["load", *words])


def profile(name: str = "smtp-inbound") -> command.ProfileEntry:
    return command.choose(name, command.read_profiles())


def line(words: Sequence[str], file: TargetFile) -> str:
    return " ".join(command.command_line(parse(*words), profile(), file)) + " "


def test_every_profile_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parse("--list")) is ExitCode.CONFORMS
    shown = capsys.readouterr().out
    for entry in command.read_profiles():
        assert entry.name in shown
        assert f"default {entry.users} users for {entry.duration_s} s" in shown


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "name a profile: imap-reading, mail-flow, "),
        (["imap-readin"], "no load profile 'imap-readin'; did you mean \"imap-reading\"?"),
        (["mine.toml"], "mine.toml: no such profile file"),
        (["mail-flow", "target"], "target: a target file ends in .toml"),
        (["mail-flow", "--worker"], "--master and --worker need the TARGET.toml"),
        (["mail-flow", "t.toml", "--master", "--processes", "2"], "--processes makes its own master"),
        (["mail-flow", "t.toml", "--expect-workers", "2"], "--expect-workers is for --master"),
        (["mail-flow", "t.toml", "--master-host", "x"], "--master-host is for --worker"),
        (
            ["mail-flow", "t.toml", "--json", "missing/report.json"],
            "--json missing/report.json: cannot be written: there is no folder missing",
        ),
    ],
)
def test_wrong_usage_is_one_line(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        command.run(parse(*words))
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


def test_load_needs_its_permit(target: Path) -> None:
    target.write_text(TARGET.replace('["load"]', '["conformance"]'), encoding="utf-8")
    with pytest.raises(UsageError, match="permits: load is not permitted"):
        command.run(parse("smtp-inbound", str(target)))


def test_own_profile_file_gives_the_defaults(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        (command.LOADTESTS / "profiles" / "mail-flow.toml").read_text().replace("users = 5", "users = 77")
    )
    assert profile(str(own)).users == 77
    assert profile(str(own)).name == str(own)
    own.write_text("schema = 1\n")
    with pytest.raises(UsageError, match="not a load profile"):
        profile(str(own))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1h2m3s", 3723)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse("-t", text).duration == seconds


@pytest.mark.parametrize(
    "words", ["-t 0", "-t 1.5s", "-t s", "-u 0", "-u many", "-r 0", "-r nan", "--processes -1"]
)
def test_wrong_numbers_are_wrong_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*words.split())
    assert caught.value.code == ExitCode.USAGE
    assert " is no " in capsys.readouterr().err


def test_command_line_of_the_child(target: Path) -> None:
    file = load_target(target)
    alone = line([], file)
    assert "--users 10 --spawn-rate 10.0 --run-time 60s " in alone
    assert f"--profile smtp-inbound --target {target} " in alone
    assert "hush-hush" not in alone
    asked = line(["-u", "3", "-r", "0.5", "-t", "9", "--csv", "out"], file)
    assert "--users 3 --spawn-rate 0.5 --run-time 9s --csv out " in asked
    spread = line(["--processes", "2"], file)
    found = re.search(
        r"--processes 2 .*--master-bind-host 127.0.0.1 --master-bind-port (\d+) --master-port \1 ", spread
    )
    assert found is not None
    master = line(["--master", "--expect-workers", "3", "--master-port", "7"], file)
    assert "--master --expect-workers 3 --master-bind-port 7 " in master
    worker = line(["--worker", "--master-host", "other", "--master-port", "7"], file)
    assert worker.endswith("--worker --master-host other --master-port 7 ")
    assert "--users" not in worker


REPORT: dict[str, Any] = {
    "profile": "mail-flow",
    "target": "some [target]",
    "seconds": 9.5,
    "users": 4,
    "workers": 2,
    "requests": [
        {
            "protocol": "SMTP",
            "name": "text",
            "count": 12,
            "failures": 2,
            "per_s": 1.25,
            "octets": 99,
            "ms": {
                "min": 1,
                "mean": 2.25,
                "p50": 2.0,
                "p90": 3.0,
                "p95": 4.0,
                "p99": 5.0,
                "p99_9": 6.0,
                "max": 7.5,
            },
        }
    ],
    "failures": [{"protocol": "SMTP", "name": "text", "error": "Refusal: NO [LIMIT]", "count": 2}],
    "ledger": {
        **dict.fromkeys(("refused", "in_doubt", "doubled", "damaged", "delivered_though_refused"), 0),
        "sent": 12,
        "accepted": 10,
        "seen": 9,
        "missing": 1,
        "read_back": True,
    },
    "verdict": {
        "outcome": "service level missed",
        "exit_code": 1,
        "reasons": ["1 messages lost"],
        "gates": [
            {"request": "SMTP text", "percentile": 0.95, "limit_ms": 3.0, "measured_ms": 4.0, "met": False},
            {"request": "IMAP LOGIN", "percentile": 0.99, "limit_ms": 3.0, "measured_ms": None, "met": False},
        ],
    },
}


def test_summary_says_all_that_matters(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(Console(width=120), REPORT)
    shown = capsys.readouterr().out
    for words in (
        "mail-flow on some [target]: 9.5 s, up to 4 users, 2 workers",
        r"SMTP text +12 +2 +1\.2 +2\.2 +2 +4 +5 +7\.5",
        r"2 +SMTP text +Refusal: NO \[LIMIT\]",
        "12 sent: 10 accepted, 0 refused, 0 in doubt",
        "9 seen, 1 lost, 0 doubled, 0 damaged, 0 delivered though refused",
        r"SMTP text +95\.0% +3 +4 +missed",
        r"IMAP LOGIN +99\.0% +3 +- +not measured",
        "service level missed\n  1 messages lost\n",
    ):
        assert words in shown or re.search(words, shown), f"{words!r} is not in\n{shown}"


def test_summary_of_a_run_that_was_not_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(
        Console(width=120), {**REPORT, "failures": [], "ledger": {**REPORT["ledger"], "read_back": False}}
    )
    shown = capsys.readouterr().out
    assert "not read back" in shown
    assert "lost, " not in shown
    assert "failures by kind" not in shown


def test_run_on_the_embedded_server(tmp_path: Path) -> None:
    words = [
        "load",
        "mail-flow",
        "-t",
        "2",
        "-u",
        "2",
        "--processes",
        "2",
        "--json",
        "r.json",
        "--csv",
        "out",
    ]
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == ExitCode.CONFORMS, done.stdout + done.stderr
    assert done.stderr == ""
    assert "service level met" in done.stdout
    report = json.loads((tmp_path / "r.json").read_text())
    (text,) = [request for request in report["requests"] if request["name"] == "text"]
    assert f"SMTP,text,{text['count']},0," in (tmp_path / "out_stats.csv").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_run_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    words = ["load", "mail-flow", "-t", "50", "-u", "1", "--json", "r.json"]
    child = subprocess.Popen(
        [sys.executable, "-c", ENDED_BY.replace("NUMBER", str(int(number))), *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, _ = child.communicate(timeout=60)
    assert child.returncode == ExitCode.CONFORMS, said
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["seconds"] < 40
    assert report["ledger"]["accepted"] == report["ledger"]["seen"] > 0


# Sends itself the signal as soon as the run has sent mail, which its progress tells.
ENDED_BY = """\
import os, sys
from harness.cli import load, main
shown = load._shown
def watch(told):
    if told["requests"] > 20:
        os.kill(os.getpid(), NUMBER)
    return shown(told)
load._shown = watch
sys.exit(main.main())
"""
