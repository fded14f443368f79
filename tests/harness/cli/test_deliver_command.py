"""`mailproof deliver` and `mailproof account` with a running server."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import deliver
from harness.cli.deliver import as_mail_text
from harness.cli.main import main
from harness.clients.pop3 import Pop3Client
from harness.targets.embedded import embedded_target
from harness.targets.file import TargetFile
from harness.transport.tcp import connect_tcp
from harness.vocabulary.services import Service

MESSAGE = b"From x Thu Jan  1 12:00:00 2026\nSubject: \xc3\xa4\n\n.dot\n"


@pytest.fixture(scope="module")
def target() -> TargetFile:
    with embedded_target(accounts=3, outbound=False) as file:
        yield file


@pytest.fixture(autouse=True)
def message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MESSAGE)))


def last_message(target: TargetFile, number: int) -> bytes:
    account = target.accounts.pool[number]
    endpoint = target.endpoint(Service.POP3)
    assert endpoint is not None
    with Pop3Client(connect_tcp(endpoint.host, endpoint.port, 5.0)) as client:
        client.greeting()
        assert client.login(account.login, account.password or "").ok
        return client.retr(client.stat().messages).body


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a\nb\r\nc", b"a\r\nb\r\nc"),
        (b"From x\na\n", b"a\r\n"),
        (b"From: x\n\nFrom y\n", b"From: x\r\n\r\nFrom y\r\n"),
        (b"", b""),
        (b"a\rb\n", b"a\rb\r\n"),
    ],
)
def test_mail_text(octets: bytes, text: bytes) -> None:
    assert as_mail_text(octets) == text


@pytest.mark.parametrize("service", [Service.LMTP, Service.SMTP])
def test_a_message_arrives(target: TargetFile, service: Service) -> None:
    endpoint = target.endpoint(service)
    words = ["deliver", f"--{service}={endpoint}", "--sender=carol@else.test", "u01@example.test"]
    assert main(words) == 0
    octets = last_message(target, 0)
    assert octets.startswith(b"Return-Path: <carol@else.test>\r\n")
    assert octets.endswith(b"\r\nSubject: \xc3\xa4\r\n\r\n.dot\r\n")


def test_each_recipient_has_an_outcome(target: TargetFile, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--target={target.path}", "nobody@example.test", "u02@example.test"]
    assert main(["deliver", *words, "full@example.test"]) == 69
    unknown, full = capsys.readouterr().err.splitlines()
    assert unknown == "mailproof deliver: nobody@example.test: 550 5.1.1 no such user here"
    assert full.startswith("mailproof deliver: full@example.test: 552 5.2.2 ")
    assert last_message(target, 1).endswith(b".dot\r\n")


def test_an_alias_is_an_account_of_the_target_file(target: TargetFile) -> None:
    accounts = target.accounts
    assert (accounts.alias, accounts.over_quota) == ("alias@example.test", "full@example.test")
    assert "full@example.test" not in [account.address for account in (*accounts.pool, *accounts.pop3)]
    assert main(["deliver", f"--target={target.path}", "--sender=x@y.test", "alias+z@example.test"]) == 0
    assert last_message(target, 2).startswith(b"Return-Path: <x@y.test>\r\n")


def test_nobody_there_is_for_later(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deliver", "--lmtp=127.0.0.1:1", "u01@example.test"]) == 75
    assert main(["deliver", "--lmtp=/nowhere/lmtp.sock", "u01@example.test"]) == 75
    assert capsys.readouterr().err.count("\n") == 2


def test_what_is_for_later_outweighs_what_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    class Reply:
        def __init__(self, code: int) -> None:
            self.code, self.is_positive, self.text = code, code < 300, b"why\nnot"

    for codes, wanted in (((250,), 0), ((452, 550), 75), ((550, 452), 75), ((250, 550), 69)):
        assert deliver._told([f"a{code}" for code in codes], [Reply(code) for code in codes]) == wanted
    assert "why not" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["a b@c"], ["--smtp=here", "a@b"], ["--sender=<x>", "a@b"], ["--target=/nowhere.toml", "a@b"]]
)
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deliver", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_accounts_of_a_running_server(target: TargetFile) -> None:
    data = f"--data={Path(target.path).parent / 'data'}"

    def account(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        run = "import sys; from harness.cli.main import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-P", "-c", run, "account", *words, data],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    added = account("add", "dave@example.test", "--password-stdin", "--quota-messages=1", stdin="secret\n")
    assert (added.returncode, added.stdout) == (0, "dave@example.test: added\n"), added.stderr
    assert main(["deliver", f"--target={target.path}", "dave@example.test"]) == 0
    assert "dave@example.test  1 of 1 messages, " in account("list").stdout
    assert account("remove", "dave@example.test").returncode == 0
    gone = account("remove", "dave@example.test")
    assert (gone.returncode, gone.stderr) == (3, "mailproof: dave@example.test: no such account\n")
    elsewhere = account("add", "x@else.test", stdin="secret\n")
    assert (elsewhere.returncode, elsewhere.stderr.count("\n")) == (3, 1)
