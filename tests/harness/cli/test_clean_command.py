"""`mailproof clean` after a run that was killed in the middle, as the user does it."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.targets.embedded import embedded_target
from harness.targets.file import TargetFile
from harness.targets.inbox import poll
from harness.targets.target import Target
from harness.wire.imap import ListData

PATIENCE_S = 60.0
MAILPROOF = [sys.executable, "-c", "import sys; from harness.cli.main import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def file() -> Iterator[TargetFile]:
    with embedded_target(accounts=6, outbound=False) as running:
        yield running


def mailboxes(target: Target) -> int:
    count = 0
    for account in target.accounts:
        with target.imap(account) as client:
            count += len(client.list("", "mailproof-*").all(ListData))
    return count


def messages(target: Target) -> int:
    count = 0
    for account in target.accounts:
        with target.imap(account) as client:
            assert client.examine("INBOX").ok
            count += (client.selected.exists or 0) if client.selected is not None else 0
    return count


def kill_in_the_middle(file: TargetFile, selector: str, left: Callable[[Target], int]) -> None:
    """Run checks until they have something in the accounts, and kill the process so that it stays."""
    words = [*MAILPROOF, "check", str(file.path), selector, "--depth", "deep"]
    with Target(file) as target:
        for _ in range(10):
            with subprocess.Popen(words, stdout=subprocess.DEVNULL) as run:
                assert poll(lambda: has_left_while_it_stands(run, target, left), PATIENCE_S)
                run.kill()
            if left(target):  # unless the last thing that it said was to remove it
                return
    pytest.fail("the run always cleaned up before it died")


def has_left_while_it_stands(
    run: subprocess.Popen[bytes], target: Target, left: Callable[[Target], int]
) -> bool:
    """Look while the run is stopped; it goes on where there is nothing."""
    run.send_signal(signal.SIGSTOP)
    found = bool(left(target))
    if not found:
        run.send_signal(signal.SIGCONT)
    return found


def test_what_a_killed_run_left_is_shown_then_removed_then_gone(
    file: TargetFile, capsys: pytest.CaptureFixture[str]
) -> None:
    kill_in_the_middle(file, "rfc3501/6.4", mailboxes)
    kill_in_the_middle(file, "rfc5321/4.5", messages)
    assert main(["clean", str(file.path), "--dry-run"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert any(line.startswith("found: ") and ": mailbox mailproof-" in line for line in shown)
    assert any(line.startswith("found: ") and ": message UID " in line for line in shown)
    assert shown[-1].endswith(" would be removed")
    with Target(file) as target:
        assert mailboxes(target)
        assert messages(target)
    assert main(["clean", str(file.path)]) == 0
    done = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in done[:-1]] == [line.partition(": ")[2] for line in shown[:-1]]
    assert done[-1].endswith(" removed")
    with Target(file) as target:
        assert mailboxes(target) == messages(target) == 0
    assert main(["clean", str(file.path)]) == 0
    assert capsys.readouterr().out.endswith(": nothing is left of earlier runs\n")


def test_an_account_that_cannot_be_looked_into_is_a_problem(
    file: TargetFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.path.read_text().replace("target.ca.pem", str(file.path.parent / "target.ca.pem"))
    other = tmp_path / "other.toml"
    other.write_text(text.replace('password = "', 'password = "not-'))
    assert main(["clean", str(other)]) == 3
    out = capsys.readouterr().out
    assert "problem: " in out
    assert "nothing is left" not in out


def test_what_no_run_was_permitted_is_refused(
    file: TargetFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = file.path.read_text().replace("target.ca.pem", str(file.path.parent / "target.ca.pem"))
    other = tmp_path / "other.toml"
    other.write_text(text.replace('"conformance"', '"load"'))
    assert main(["clean", str(other)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_where_no_account_can_be_looked_into_nothing_is_claimed(tmp_path, capsys):
    target = tmp_path / "target.toml"
    target.write_text(
        """schema = 1
permits = ["conformance"]
[service.smtp]
host = "127.0.0.1"
port = 25
[accounts]
domain = "a.test"
pool = [{ address = "ann@a.test", password = "x" }]
"""
    )
    assert main(["clean", str(target)]) == 3
    assert "names neither IMAP nor POP3, so that no account can be looked into" in capsys.readouterr().err
