"""Two runs never have the same account of one server at once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.targets.loader import load_target
from harness.targets.sole_use import AccountsInUse, sole_use

HOLDER = """
import sys
from pathlib import Path
from harness.targets.loader import load_target
from harness.targets.sole_use import sole_use
with sole_use(load_target(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def target(path: Path, *accounts: str, port: int = 143) -> Path:
    pool = ", ".join(f'{{ address = "{one}@a.test", password = "x" }}' for one in accounts)
    path.write_text(
        f"""schema = 1
permits = ["conformance"]
[service.imap]
host = "127.0.0.1"
port = {port}
[accounts]
domain = "a.test"
pool = [{pool}]
"""
    )
    return path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process that has the accounts."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.kill()


def test_an_account_that_another_run_has_is_refused_until_that_run_has_ended(tmp_path: Path) -> None:
    one = target(tmp_path / "one.toml", "ann", "bob")
    two = load_target(target(tmp_path / "two.toml", "Bob", "cid"))
    complaint = r"two\.toml: another run of mailproof is using Bob@a\.test on"
    with held(one), pytest.raises(AccountsInUse, match=complaint), sole_use(two):
        pass
    with sole_use(two):
        pass


def test_other_accounts_and_other_servers_are_free(tmp_path: Path) -> None:
    with held(target(tmp_path / "one.toml", "ann", "bob")):
        for other in (
            target(tmp_path / "two.toml", "cid"),
            target(tmp_path / "three.toml", "ann", port=2143),
        ):
            with sole_use(load_target(other)):
                pass


def test_without_a_place_for_the_locks_a_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder would be")
    with sole_use(load_target(target(tmp_path / "one.toml", "ann"))):
        pass
