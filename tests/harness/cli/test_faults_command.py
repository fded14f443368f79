"""`mailproof faults`: a proxy in front of the reference server, as a developer of a mail client runs it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.cli.fault_script import load_script
from harness.cli.faults import parse_listen
from harness.cli.main import main
from harness.peers.fault_proxy import Address
from harness.peers.faults.plan import parse_order
from harness.targets.loader import load_target
from harness.targets.target import Target
from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import PROXY_FAULTS
from harness.vocabulary.services import Service


@contextmanager
def proxying(*words: str) -> "Iterator[subprocess.Popen[str]]":
    run = "import sys; from harness.cli.main import main; sys.exit(main())"
    argv = [sys.executable, "-P", "-c", run, "faults", *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                child.communicate(timeout=20)


def read_until(child: "subprocess.Popen[str]", word: str) -> list[str]:
    """The lines up to one with a word in it."""
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line.rstrip("\n"))
        if word in line:
            return lines
    raise AssertionError(lines + ([child.stderr.read()] if child.stderr else []))


def put(address: str, body: bytes) -> object:
    place = urlsplit(address)
    assert place.hostname is not None
    with closing(HTTPConnection(place.hostname, place.port, timeout=10)) as connection:
        connection.request("PUT", place.path, body)
        return json.load(connection.getresponse())


def test_a_session_with_the_reference_server(tmp_path: Path) -> None:
    """Every service, with TLS, by the target file that was written; faults by script, signal and HTTP."""
    script = tmp_path / "faults.toml"
    script.write_text('seed = 5\n[[fault]]\nname = "refuse-for-now"\nmatch = "^NOOP"\nservice = "pop3"\n')
    options = (f"--write-target={tmp_path / 'target.toml'}", f"--script={script}", "--control=127.0.0.1:0")
    with proxying("--listen=127.0.0.1:0", "--fault=delay:seconds=0.001", *options) as child:
        introduction = read_until(child, "target ")
        words = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in introduction}
        assert words["imap"].count(" -> ") == 1
        assert (
            words["faults"]
            == "transport-delay:seconds=0.001, transport-refuse-for-now:match=^NOOP,service=pop3"
        )
        file = load_target(tmp_path / "target.toml")
        assert {endpoint.service for endpoint in file.endpoints} == set(Service)
        assert words["imap"].startswith(f"{file.endpoint(Service.IMAP)} -> ")
        assert words["account"].split()[0] == file.accounts.pool[0].login
        with Target(file) as target, target.account() as account:
            with target.pop3(account) as pop3:
                assert not pop3.noop().ok
            with target.imap(account, service=Service.IMAPS) as imap:
                assert imap.noop().ok
            with target.submission(account) as smtp:
                assert smtp.noop().code == 250
            assert (
                "pop3 #1 transport-refuse-for-now struck at NOOP"
                in read_until(child, "refuse-for-now struck")[-1]
            )

            script.write_text("[[fault]]\nname = 'no-such'\n")
            child.send_signal(signal.SIGHUP)
            line = read_until(child, "stay as they are")[-1]
            assert line.endswith(
                "fault[1]: no fault of the proxy is named 'no-such'; mailproof faults --list shows them all"
            )
            script.write_text("[[fault]]\nname = 'garbage'\nservice = 'imap'\n")
            child.send_signal(signal.SIGHUP)
            read_until(child, "faults: transport-delay:seconds=0.001, transport-garbage:service=imap")
            with pytest.raises(MailproofError), target.imap(account) as imap:
                imap.noop()

            assert put(words["control"], b'{"faults": []}') == {"faults": []}
            with target.pop3(account) as pop3:
                assert pop3.noop().ok
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=20)
        assert (child.returncode, errors) == (ExitCode.CONFORMS, "")


def test_a_target_of_ones_own_and_lines_for_machines(tmp_path: Path) -> None:
    target = tmp_path / "own.toml"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        target.write_text(
            f'schema = 1\n[service.imap]\nhost = "127.0.0.1"\nport = {server.getsockname()[1]}\n'
            '[accounts]\ndomain = "example.test"\n'
            'pool = [{ address = "a@example.test", login = "a", password_env = "HOME" }]\n'
        )
        proxied = tmp_path / "proxied.toml"
        listen = ("--listen=127.0.0.1:0", "--listen=[::1]:0")
        with proxying(str(target), *listen, "--log-format=json", f"--write-target={proxied}") as child:
            lines = [json.loads(line) for line in read_until(child, '"target"')]
            assert [line["service"] for line in lines] == ["imap", "imap", "ca-file", "faults", "target"]
            assert load_target(proxied).accounts == load_target(target).accounts
            assert "password_env" in proxied.read_text()
            host, _, port = lines[1]["text"].partition(" -> ")[0].rpartition(":")
            assert host == "[::1]"
            with socket.create_connection(("::1", int(port)), 10) as client:
                upstream, _ = server.accept()
                with upstream:
                    upstream.sendall(b"* OK hi\r\n")
                assert client.recv(100) == b"* OK hi\r\n"
            opened = json.loads(read_until(child, "opened")[-1])
            assert (opened["event"], opened["service"], opened["connection"]) == ("opened", "imap", 1)
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=20)
            assert child.returncode == ExitCode.CONFORMS


def test_who_reads_no_more_stops_it() -> None:
    with proxying("--listen=127.0.0.1:0") as child:
        line = read_until(child, "imap ")[-1]
        read_until(child, "faults ")
        assert child.stdout is not None
        child.stdout.close()
        host, _, port = line.split()[1].rpartition(":")
        with socket.create_connection((host, int(port)), 10):
            assert child.wait(timeout=20) == ExitCode.CONFORMS


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "--list"]) == ExitCode.CONFORMS
    printed = capsys.readouterr().out
    assert [name for name in PROXY_FAULTS if f"  {name} " not in printed] == []
    assert "octets_per_s=10000" in printed


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--fault=dealy"], "no fault of the proxy is named 'dealy'; did you mean delay?"),
        (["--script=/no/such"], "--script /no/such: cannot be read: no such file or directory"),
        (
            ["--listen=localhosst"],
            "--listen localhosst: 'localhosst' is no IP address; give one as 127.0.0.1 or ::1",
        ),
        (["--listen=127.0.0.1:65000"], "--listen 127.0.0.1:65000: BASEPORT must be from 0 to 64536"),
        (["--control=8080"], "--control 8080: write ADDRESS:PORT"),
        (["--tls-cert=x"], "--tls-cert and --tls-key go together"),
        (["--tls-cert=/no", "--tls-key=/no"], "--tls-cert /no with --tls-key /no: no such file or directory"),
        (["--write-target=/no/such/x"], "--write-target /no/such/x: cannot be written"),
        (["/no/such.toml"], "/no/such.toml: cannot be read: no such file or directory"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: list[str], line: str) -> None:
    assert main(["faults", "--listen=127.0.0.1:0", *words]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert line in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("text", "host", "base"),
    [
        ("127.0.0.1", "127.0.0.1", 3000),
        ("127.0.0.2:0", "127.0.0.2", 0),
        ("[::1]:4000", "::1", 4000),
        ("[::1]", "::1", 3000),
        ("::1", "::1", 3000),
        ("localhost:4000", "127.0.0.1", 4000),
    ],
)
def test_where_to_listen(text: str, host: str, base: int) -> None:
    assert parse_listen(text) == (Address(host), base)


def test_scripts(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'seed = 7\n[[fault]]\nname = "drop"\nservice = ["imap", "imaps"]\n[[fault]]\nname = "split"\n'
    )
    script = load_script(file)
    assert script.seed == 7
    assert script.orders == (parse_order("drop:service=imap|imaps"), parse_order("split"))
    file.write_text("")
    assert load_script(file).orders == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seeed = 1", 'seeed: unknown key; did you mean "seed"?'),
        ("seed = 'x'", "seed: must be a whole number, not 'x'"),
        ("fault = 1", "fault: must be a list, not 1"),
        ("[[fault]]\nname = 'drop'\n[[fault]]\nseconds = 1", "fault[2]: a fault needs its name"),
        ("[[fault]]\nname = 'delay'\nsecond = 1", "fault[1]: transport-delay: has no parameter second"),
        ("[[fault]]\nname = 'stall'\nmatch = '('", "fault[1]: match=( is no regular expression"),
        ("seed = ", "is not TOML"),
        ("\udcff", "is not UTF-8 at octet 0"),
    ],
)  # fmt: skip
def test_mistakes_in_scripts(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "s.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(MailproofError) as raised:
        load_script(file)
    assert str(file) in str(raised.value)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert (
            main(["faults", "--listen=127.0.0.1:0", f"--control=127.0.0.1:{port}"]) == ExitCode.INCONCLUSIVE
        )
    assert "address already in use" in capsys.readouterr().err


def test_usage_errors_are_told_by_the_parser_of_addresses() -> None:
    with pytest.raises(UsageError):
        parse_listen("127.0.0.1:x")
