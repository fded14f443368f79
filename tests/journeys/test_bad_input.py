"""Mistakes of the user, from the outside: one clear line, the right exit code, no traceback, nothing lost.

Each command runs as a child, as the user runs it: what a library or the child of a child prints beside the
line is seen here and in no test of a part.
"""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.targets.embedded import embedded_target
from harness.targets.file import TargetFile
from harness.vocabulary.services import Service

USAGE, FAULT = 2, 3
MAILPROOF = [sys.executable, "-c", "import sys; from harness.cli.main import main; sys.exit(main())"]
HEAD = 'schema = 1\nname = "some"\n'
SERVICE = '[service.smtp]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n'
ACCOUNTS = '[accounts]\ndomain = "b.test"\npool = [{ address = "u@b.test", password = "hush-hush" }]\n'
TARGET = HEAD + SERVICE + ACCOUNTS
ZONE = "$ORIGIN two.test.\n$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n"


def complaint(directory: Path, code: int, *words: str) -> str:
    """Run the command, demand its exit code and exactly one line on standard error, and return the line."""
    ended = subprocess.run(
        [*MAILPROOF, *words], cwd=directory, capture_output=True, text=True, timeout=60, check=False
    )
    lines = ended.stderr.splitlines()
    assert (ended.returncode, len(lines)) == (code, 1), f"{ended.returncode}\n{ended.stderr}{ended.stdout}"
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "hush-hush" not in ended.stderr + ended.stdout
    return lines[0]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target.toml").write_text(TARGET)
    return tmp_path / "target.toml"


@pytest.fixture(scope="module")
def server() -> Iterator[TargetFile]:
    """A reference server for all that needs one that answers."""
    with embedded_target(accounts=2) as file:
        yield file


@contextmanager
def served(data: Path) -> Iterator[None]:
    """`mailproof serve` on a data directory, until the end of the block."""
    words = ["serve", "--ports", "free", "--data", str(data), "--account", "a@one.test:secret"]
    child = subprocess.Popen(
        [*MAILPROOF, *words, "--log-level", "error"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert any(line.startswith("account") for line in child.stdout)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=20)
    assert (child.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["load", "smtp-inbond", "target.toml"], ["smtp-inbond", "smtp-inbound"]),
        (["check", "target.toml", "--json", "no/such/run.json"], ["no/such/run.json", "cannot be written"]),
        (["load", "smtp-inbound", "target.toml", "--json", "no/such/run.json"], ["no/such/run.json"]),
        (["probe", "missing.toml"], ["missing.toml", "cannot be read"]),
        (["load", "smtp-inbound", "missing.toml"], ["missing.toml", "cannot be read"]),
        (["dns", "--zone", "missing.zone"], ["missing.zone", "no such file"]),
        (["serve", "--zone", "bad.zone", "--ports", "free"], ["bad.zone:4:"]),
        (["dns", "--zone", "bad.zone", "--bind", "127.0.0.1:0"], ["bad.zone:4:"]),
    ],
)
def test_wrong_usage_is_one_line(target: Path, words: list[str], parts: list[str]) -> None:
    (target.parent / "bad.zone").write_text(ZONE + "broken IN A 1.2.3\n")
    line = complaint(target.parent, USAGE, *words)
    assert line.startswith(f"mailproof {words[0]}: ")
    for part in parts:
        assert part in line


WRONG_WORDS: list[tuple[list[str], list[str]]] = [
    (["chekc"], ["'chekc'", "check", "mailproof --help"]),
    (["check", "--fast"], ["--fast", "mailproof check --help"]),
    (["check", "--junit", "."], ["--junit .", "folder"]),
    (["load", "target.toml"], ["target.toml", "not a load profile", "before the target file"]),
    (["load", "smtp-inbound", "target.toml", "--json", "."], ["--json .", "folder"]),
    (["load", "smtp-inbound", "target.toml", "--csv", "no/x"], ["--csv no/x", "no folder no"]),
    (["probe", "localhost", "--ports", "low"], ["--ports", "'low'", "high"]),
    (["dns"], ["--zone", "mailproof dns --help"]),
    (["dns", "--zone", "ok.zone", "--bind", "nowhere:53"], ["--bind", "'nowhere'", "127.0.0.1"]),
    (["dns", "--zone", "no-ttl.zone"], ["no-ttl.zone:2:", "$TTL"]),
    (["serve", "--zone", "ok.zone", "--bind", "nowhere"], ["--bind", "'nowhere'", "127.0.0.1"]),
    (["serve", "--account", "a@one.test"], ["--account", "'a@one.test'", "ADDRESS:PASSWORD"]),
    (["serve", "--account", "a@one.test:hush-hush", "--domain", "two.test"], ["--domain one.test"]),
    (["serve", "--fault", "smtp-dot-kep"], ["--fault", "'smtp-dot-kep'", "'smtp-dot-kept'"]),
]


def test_each_command_says_which_of_its_words_is_wrong(target: Path) -> None:
    """In two processes at a time: what these tests cost is the start of the interpreter."""
    directory = target.parent
    (directory / "ok.zone").write_text(ZONE)
    (directory / "no-ttl.zone").write_text("$ORIGIN two.test.\n@ IN NS ns\n")
    before = sorted(directory.iterdir())
    with ThreadPoolExecutor(2) as pool:
        lines = list(pool.map(lambda case: complaint(directory, USAGE, *case[0]), WRONG_WORDS))
    for line, (words, parts) in zip(lines, WRONG_WORDS, strict=True):
        assert line.startswith("mailproof"), line
        assert [part for part in parts if part not in line] == [], (words, line)
    assert sorted(directory.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "old", "new", "parts"),
    [
        (["check"], "port = 1", "prot = 1", ["service.smtp", "prot", "port"]),
        (["probe"], "port = 1", 'port = "25"', ["service.smtp.port", "'25'"]),
        (["load", "smtp-inbound"], "port = 1", "port = 70000", ["service.smtp.port", "70000", "65535"]),
        (
            ["check"],
            "[accounts]",
            '[trust]\nca_file = "no-ca.pem"\n[accounts]',
            ["trust.ca_file", "no-ca.pem"],
        ),
        (
            ["probe"],
            "[accounts]",
            '[[waiver]]\nrequirement = "rfc1939/5"\nreason = "known"\nuntil = "soon"\n[accounts]',
            ["waiver[1].until", "'soon'", "2027-03-31"],
        ),
        (["check"], '"127.0.0.1"', '"192.0.2.1"', ["permits", "192.0.2.1", "outside the loopback range"]),
        (["load", "smtp-inbound"], SERVICE, 'permits = ["conformance"]\n' + SERVICE, ["permits", '"load"']),
        (["check"], SERVICE, 'permits = ["load"]\n' + SERVICE, ["permits", '"conformance"']),
    ],
)
def test_a_wrong_target_file_names_file_key_and_mend(
    target: Path, command: list[str], old: str, new: str, parts: list[str]
) -> None:
    target.write_text(TARGET.replace(old, new))
    line = complaint(target.parent, USAGE, *command, "target.toml")
    for part in ("target.toml", *parts):
        assert part in line


def test_an_unknown_requirement(tmp_path: Path, server: TargetFile) -> None:
    line = complaint(tmp_path, USAGE, "check", str(server.path), "rfc9999/1")
    assert "'rfc9999/1' selects no check" in line


@pytest.mark.parametrize("command", [["check"], ["probe"], ["load", "smtp-inbound", "-t", "1"]])
def test_an_unreachable_host(target: Path, command: list[str]) -> None:
    line = complaint(target.parent, FAULT, *command, "target.toml")
    assert "127.0.0.1:1: connection refused; start the server, or " in line


@pytest.mark.parametrize("command", [["check", "imap"], ["load", "smtp-inbound", "-u", "1", "-t", "1"]])
def test_a_wrong_password_in_the_target_file(tmp_path: Path, server: TargetFile, command: list[str]) -> None:
    text = server.path.read_text()
    for account in server.accounts.pool:
        assert account.password is not None
        text = text.replace(account.password, "hush-hush")
    ca = server.trust.ca_file
    assert ca is not None
    (tmp_path / "t.toml").write_text(text)
    (tmp_path / ca.name).write_bytes(ca.read_bytes())
    line = complaint(tmp_path, FAULT, *command, "t.toml")
    assert server.accounts.pool[0].login in line
    assert "password" in line


@pytest.mark.parametrize("command", [["check", "imap"], ["load", "imap-reading", "-u", "1", "-t", "1"]])
def test_a_certificate_that_nobody_trusts(tmp_path: Path, server: TargetFile, command: list[str]) -> None:
    place = next(one for one in server.endpoints if one.service is Service.IMAPS)
    service = f'[service.imaps]\nhost = "127.0.0.1"\nport = {place.port}\n'
    (tmp_path / "t.toml").write_text(HEAD + service + ACCOUNTS)
    line = complaint(tmp_path, FAULT, *command, "t.toml")
    assert f"127.0.0.1:{place.port}" in line
    assert "certificate does not verify" in line
    assert line.endswith("to trust it")


@pytest.mark.parametrize("command", ["serve", "dns"])
def test_a_port_in_use(tmp_path: Path, command: str) -> None:
    (tmp_path / "two.zone").write_text(ZONE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "serve.toml").write_text(f"[service.smtp]\nport = {port}\n")
        words = {
            "serve": ["--config", "serve.toml", "--ports", "free", "--data", "data"],
            "dns": ["--zone", "two.zone", "--bind", f"127.0.0.1:{port}"],
        }[command]
        line = complaint(tmp_path, FAULT, command, *words)
    assert "127.0.0.1" in line
    assert str(port) in line
    assert "in use" in line


def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    line = complaint(tmp_path, FAULT, "serve", "--ports", "free", "--data", "file/data")
    assert "file/data" in line
    assert (tmp_path / "file").read_text() == "precious"
    line = complaint(tmp_path, FAULT, "serve", "--ports", "free", "--data", "data", "--write-target", ".")
    assert "cannot be written" in line
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == ["file"]


@pytest.fixture(scope="module")
def good_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a server that ended well."""
    data = tmp_path_factory.mktemp("data")
    with served(data):
        pass
    (found,) = (
        path
        for path in data.iterdir()
        if path.is_file() and path.read_bytes().startswith(b"SQLite format 3\0")
    )
    return found


@pytest.mark.parametrize("damage", ["noise", "truncated", "foreign", "newer"])
def test_a_database_that_is_none_of_ours_stays_as_it_is(
    tmp_path: Path, good_database: Path, damage: str
) -> None:
    database = tmp_path / "data" / good_database.name
    database.parent.mkdir()
    octets = good_database.read_bytes()
    if damage == "noise":
        database.write_bytes(bytes(number * 37 % 251 for number in range(20_000)))
    elif damage == "truncated":
        database.write_bytes(octets[: len(octets) // 2])
    else:
        database.write_bytes(octets if damage == "newer" else b"")
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA user_version = 9999" if damage == "newer" else "CREATE TABLE song (name)")
        connection.close()
    before = database.read_bytes()
    words = ["serve", "--ports", "free", "--data", "data", "--account", "b@one.test:secret"]
    line = complaint(tmp_path, FAULT, *words)
    assert f"data/{database.name}" in line
    assert database.read_bytes() == before


def test_a_second_server_on_one_data_directory(tmp_path: Path) -> None:
    with served(tmp_path / "data"):
        line = complaint(tmp_path, FAULT, "serve", "--ports", "free", "--data", "data")
        assert "data" in line
        assert "another" in line
