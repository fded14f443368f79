"""`account` on a data directory without a server, and what its handlers refuse."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from harness.vocabulary.exit_codes import ExitCode
from reference_server.__main__ import main
from reference_server.mda.administration import Accounts
from reference_server.net.control import ControlError
from reference_server.store import Account, Store
from reference_server.store.change import Change


@pytest.fixture
def accounts(store: Store, alice: Account) -> Accounts:
    async def commit(change: Change[Any]) -> Any:
        return store.commit(change)

    return Accounts(store, commit, ["One.test"])


def ask(accounts: Accounts, command: str, **request: Any) -> Any:
    return asyncio.run(accounts.handlers[f"account {command}"](request))


def test_a_life(accounts: Accounts, store: Store) -> None:
    ask(accounts, "add", address="carol@one.test", password="first", quota_messages=3)
    assert ask(accounts, "list")[-1] == {
        "address": "carol@one.test",
        "messages": 0,
        "octets": 0,
        "quota_octets": None,
        "quota_messages": 3,
    }
    ask(accounts, "passwd", address="Carol@one.test", password="second")
    assert store.verify("carol@one.test", "first") is None
    assert store.verify("carol@one.test", "second") is not None
    ask(accounts, "remove", address="carol@one.test")
    assert [one["address"] for one in ask(accounts, "list")] == ["alice@one.test"]


@pytest.mark.parametrize(
    ("command", "request_", "complaint"),
    [
        ("add", {"address": "Alice@one.test", "password": "x"}, "such an account already"),
        ("add", {"address": "x@two.test", "password": "x"}, "two.test is no domain"),
        ("add", {"address": "x", "password": "x"}, "is no address"),
        ("add", {"address": "x@one.test", "password": ""}, "cannot be empty"),
        ("passwd", {"address": "x@one.test", "password": "x"}, "no such account"),
        ("remove", {"address": "x@one.test"}, "no such account"),
    ],
)
def test_refusals(accounts: Accounts, command: str, request_: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ControlError, match=complaint):
        ask(accounts, command, **request_)


def test_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = f"--data={tmp_path / 'mail'}"

    def command(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(["account", *words])
        out, error = capsys.readouterr()
        return code, out, error

    code, _, error = command("list", data)
    assert (code, error.count("\n")) == (ExitCode.USAGE, 1)
    assert command("add", "alice@one.test", data, stdin="secret\n")[:2] == (0, "alice@one.test: added\n")
    monkeypatch.setenv("PASSWORD", "from the environment")
    assert command("add", "bob@one.test", data, "--password-env=PASSWORD", "--quota-octets=9")[0] == 0
    assert command("list", data)[1].splitlines() == [
        "alice@one.test  0 messages, 0 octets",
        "bob@one.test    0 messages, 0 of 9 octets",
    ]
    assert json.loads(command("list", data, "--json")[1])[1]["quota_octets"] == 9
    assert command("passwd", "bob@one.test", data, stdin="\n")[0] == ExitCode.USAGE
    assert command("remove", "bob@one.test", data)[1] == "bob@one.test: removed with 0 messages\n"
    code, _, error = command("remove", "bob@one.test", data)
    assert (code, error) == (ExitCode.INCONCLUSIVE, "mailproof: bob@one.test: no such account\n")
    assert command("remove", "bob", data)[0] == ExitCode.USAGE
