"""`mailproof serve`: the server as a child, the responder beside it, signals handed on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.message
import dns.query
import pytest

from harness.cli.main import main
from harness.targets.loader import load_target
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import SERVER_FAULTS

ZONE = """\
$ORIGIN two.test.
$TTL 60
@  IN SOA ns hostmaster 1 3600 600 86400 60
   IN MX 10 mx
"""


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    file = tmp_path / "two.zone"
    file.write_text(ZONE)
    return file


@contextmanager
def serving(*words: str) -> "Iterator[subprocess.Popen[str]]":
    run = "import sys; from harness.cli.main import main; sys.exit(main())"
    argv = [sys.executable, "-P", "-c", run, "serve", "--ports=free", "--log-level=error", *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=20)


def lines_until(child: "subprocess.Popen[str]", first_word: str) -> dict[str, str]:
    """Read what is printed up to a line; what stands behind each first word."""
    found: dict[str, str] = {}
    assert child.stdout is not None
    for line in child.stdout:
        word, rest = line.split(maxsplit=1)
        found[word] = rest.strip()
        if word == first_word:
            return found
    raise AssertionError(f"ended: {child.stderr.read() if child.stderr else ''}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal(number: signal.Signals) -> None:
    with serving(
        "--account=alice@one.test:secret", "--fault=smtp-dot-kept", "--write-target=/dev/null/x"
    ) as child:
        assert child.wait(timeout=20) == ExitCode.INCONCLUSIVE
    with serving("--account=alice@one.test:secret") as child:
        printed = lines_until(child, "account")
        assert set(printed) == {
            *("smtp", "submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps", "account")
        }
        assert printed["account"] == "alice@one.test"
        child.send_signal(number)
        rest, errors = child.communicate(timeout=20)
        assert (child.returncode, rest, errors) == (ExitCode.CONFORMS, "", "")


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_the_server_asks_the_responder_beside_it(zone: Path, tmp_path: Path, bind: str) -> None:
    target = tmp_path / "target.toml"
    options = (
        f"--zone={zone}",
        "--outbound-domain=two.test",
        "--relay-port=2525",
        f"--write-target={target}",
    )
    with serving(f"--bind={bind}", "--account=alice@one.test:secret", *options) as child:
        printed = lines_until(child, "target")
        host, _, port = printed["dns"].rpartition(":")
        assert host.strip("[]") == bind
        reply = dns.query.udp(dns.message.make_query("two.test", "MX"), bind, 5.0, int(port))
        assert [record.to_text() for record in reply.answer[0]] == ["10 mx.two.test."]
        outbound = load_target(target).outbound
        assert outbound is not None
        assert (outbound.sink_port, outbound.domains) == (2525, ("two.test",))


def test_mistakes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["serve", "--zone", str(tmp_path / "none.zone")]) == ExitCode.USAGE
    assert main(["serve", "--zone", str(tmp_path / "none.zone"), "--config", "x.toml"]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 2


def test_the_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--list-faults"]) == ExitCode.CONFORMS
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(SERVER_FAULTS)


def test_the_server_ends_when_the_command_is_killed() -> None:
    """Nobody hands a signal on then; a server that stays would keep its ports and its data directory."""
    with serving("--account=alice@one.test:secret") as child:
        lines_until(child, "account")
        server = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text())
        try:
            child.kill()
            # The server has its end of the pipe too: only when both are gone, there is nothing more to read.
            assert child.communicate(timeout=20) == ("", "")
        finally:
            with suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
