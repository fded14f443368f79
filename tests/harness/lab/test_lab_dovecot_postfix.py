"""The lab's Dovecot and Postfix: what they are told, and one message through both."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.lab.dovecot_postfix import Ports, missing_packages, target_text
from harness.lab.dovecot_postfix.configuration import clear, demand_unused, lay_down
from harness.targets.embedded import await_file
from harness.targets.launch import Server, running, temporary_directory
from harness.targets.loader import load_target
from harness.targets.target import Target
from harness.vocabulary.errors import UsageError
from harness.vocabulary.services import Service

MESSAGE = b"From: <a@b.test>\r\nTo: <c@example.test>\r\nSubject: x\r\n\r\n.dots\r\n..\r\n"
MISSING = missing_packages() or ([] if os.geteuid() == 0 else ["root's rights"])
needs_servers = pytest.mark.skipif(bool(MISSING), reason=f"not run: it takes {', '.join(MISSING)}")


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.lab", *arguments], capture_output=True, text=True, check=False
    )


def test_the_target_file_follows_the_ports(tmp_path: Path) -> None:
    ports = Ports.free()
    assert len({port for _, port in ports.items()}) == 8
    (tmp_path / "tls").mkdir()
    text = target_text(ports, directory=tmp_path, outbound=False).replace("ca_file", "# ca_file")
    file = tmp_path / "target.toml"
    file.write_text(text)
    target = load_target(file)
    assert {endpoint.service.value: endpoint.port for endpoint in target.endpoints} == dict(ports.items())
    assert (target.launch, target.outbound) == (None, None)
    assert len(target.accounts.pool) == 34
    assert len(target.accounts.pop3) == 9


def test_the_labs_own_target_file_is_good() -> None:
    file = Path(sys.modules[target_text.__module__].__file__ or "").with_name("target.toml")
    target = load_target(file)
    assert target.needs_launch
    assert target.outbound is not None
    assert all(waiver.reason for waiver in target.waivers)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for UNIX sockets below it, however deep pytest's own one is."""
    with temporary_directory() as directory:
        yield directory


@needs_servers
def test_only_an_unused_directory_is_filled_and_only_that_is_cleared(short_path: Path) -> None:
    (short_path / "mine").write_text("keep")
    demand_unused(short_path)
    lay_down(short_path, Ports())
    with pytest.raises(UsageError, match="holds 'dovecot' already; give an empty directory"):
        demand_unused(short_path)
    assert "$" not in (short_path / "postfix" / "etc" / "main.cf").read_text()
    assert (short_path / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
    clear(short_path)
    assert [path.name for path in short_path.iterdir()] == ["mine"]


def test_a_path_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too long a path for UNIX sockets"):
        demand_unused(tmp_path / ("x" * 80))


def test_an_unknown_lab_is_wrong_usage() -> None:
    done = lab("qmail", "/tmp/never")  # noqa: S108 - nothing is made there
    assert done.returncode == 2
    assert "invalid choice: 'qmail'" in done.stderr


@pytest.fixture(scope="module")
def running_lab() -> Iterator[tuple[Server, Target, Path]]:
    with temporary_directory() as directory:
        written = directory.parent / "target.toml"
        argv = [sys.executable, "-m", "harness.lab", "dovecot-postfix", str(directory / "lab")]
        argv += ["--ports", "free", "--no-outbound", "--write-target", str(written)]
        with running(argv, log=directory / "log") as server:
            await_file(written, server)
            with Target(load_target(written)) as target:
                yield server, target, directory / "lab"


@needs_servers
def test_a_message_goes_through_postfix_into_dovecot(running_lab: tuple[Server, Target, Path]) -> None:
    _, target, _ = running_lab
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, MESSAGE, by=Service.SMTP)
        assert mailbox.only_message().without_trace == MESSAGE
    with target.fresh_mailbox() as mailbox, target.account() as account, target.submission(account) as client:
        assert client.submit(sender=account.address, to=mailbox.address, message=MESSAGE).code == 250
        assert mailbox.only_message().text == b".dots\r\n..\r\n"
    with target.maildrop() as drop:
        target.deliver(drop, MESSAGE, by=Service.LMTP)
        with drop.open() as pop3:
            assert pop3.retr(1).body.endswith(MESSAGE)
    with target.imap_mailbox() as box:
        assert box.append(MESSAGE).ok


@needs_servers
def test_strangers_do_not_relay_and_unknown_recipients_are_refused(
    running_lab: tuple[Server, Target, Path],
) -> None:
    _, target, _ = running_lab
    assert target.unknown_address is not None
    with target.smtp() as client:
        assert client.mail("a@b.test").code == 250
        assert client.rcpt("joe@remote.test").code // 100 == 5
        assert client.rcpt(target.unknown_address).code == 550
        assert client.rcpt("Postmaster").code == 250
        assert client.rcpt(target.alias or "").code == 250


@needs_servers
def test_it_ends_on_sigterm_and_leaves_nothing(running_lab: tuple[Server, Target, Path]) -> None:
    server, target, directory = running_lab
    target.close()
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait(15.0) == 0
    assert list(directory.iterdir()) == []
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(os.fsencode(directory) in command for command in commands)
