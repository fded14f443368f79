import argparse
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import dns.message
import dns.query
import pytest

from harness.cli import dns as command
from harness.vocabulary.errors import ConnectFailed, UsageError
from harness.vocabulary.exit_codes import ExitCode

ZONE = """\
$ORIGIN two.test.
$TTL 60
@  IN SOA ns hostmaster 1 3600 600 86400 60
   IN MX 10 mx
mx IN A 127.0.0.12
"""
RUN = "import sys; from harness.cli.main import main; sys.exit(main())"


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    (tmp_path / "two.zone").write_text(ZONE)
    return tmp_path / "two.zone"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["dns", *words])
    return command.run(arguments)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serves_until_a_signal(zone: Path, number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", RUN, "dns", "--zone", str(zone), "--bind", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        found = re.fullmatch(r"answering DNS on 127\.0\.0\.1:(\d+), UDP and TCP\n", child.stdout.readline())
        assert found is not None
        assert child.stdout.readline() == "zone two.test\n"
        reply = dns.query.udp(dns.message.make_query("two.test", "MX"), "127.0.0.1", 5.0, int(found[1]))
        assert [record.to_text() for record in reply.answer[0]] == ["10 mx.two.test."]
        child.send_signal(number)
        rest, errors = child.communicate(timeout=10)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == ExitCode.CONFORMS
    assert rest.endswith("1 questions answered\n")
    assert errors == ""


def test_port_in_use_is_one_line(zone: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConnectFailed) as caught:
            run("--zone", str(zone), "--bind", f"127.0.0.1:{port}")
    assert str(caught.value).startswith(f"cannot answer DNS on 127.0.0.1:{port}: address already in use; ")


def test_bad_zone_is_one_line_and_wrong_usage(zone: Path) -> None:
    zone.write_text(ZONE + "broken IN A 1.2.3\n")
    with pytest.raises(UsageError) as caught:
        run("--zone", str(zone))
    assert str(caught.value) == f"{zone}:6: Text input is malformed."


@pytest.mark.parametrize(
    "text", ["127.0.0.1", ":53", "127.0.0.1:", "127.0.0.1:70000", "::1:53", "host:x", "nowhere:53"]
)
def test_wrong_bind_address(text: str) -> None:
    with pytest.raises(UsageError, match=r"write |no IP address; give "):
        command.parse_bind(text)


def test_bind_addresses() -> None:
    assert command.parse_bind("127.0.0.1:0") == ("127.0.0.1", 0)
    assert command.parse_bind("[::1]:2053") == ("::1", 2053)
