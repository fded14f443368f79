"""The reference server as a program, with the standard library's clients as foreign witnesses."""

import email
import email.policy
import os
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.peers.dns import DnsResponder
from harness.targets.loader import load_target
from harness.vocabulary.services import Service

MESSAGE = (
    b"From: alice@one.test\r\nTo: bob@two.test\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@one.test>\r\nSubject: x\r\n\r\n.dots\r\n..\r\n\xff\r\n" + b"line\r\n" * 20_000
)
Start = Callable[..., "Running"]


class Running:
    """A server that runs, and where its services are."""

    def __init__(self, process: "subprocess.Popen[str]", target: Path) -> None:
        self.process = process
        self.file = target
        self._target = load_target(target)

    def place(self, service: Service) -> tuple[str, int]:
        endpoint = self._target.endpoint(service)
        assert endpoint is not None
        return endpoint.host, endpoint.port

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._target.trust.ca_file))
        context.check_hostname = False
        return context

    def submission(self) -> smtplib.SMTP:
        """Log in as alice, under TLS."""
        client = smtplib.SMTP(*self.place(Service.SUBMISSION), timeout=20)
        client.starttls(context=self.context())
        client.login("alice", "secret")
        return client

    def maildrop(self, login: str) -> poplib.POP3:
        client = poplib.POP3_SSL(*self.place(Service.POP3S), timeout=20, context=self.context())
        client.user(login)
        client.pass_("secret")
        return client

    def messages(self, login: str, count: int) -> list[bytes]:
        """Wait until so many messages are there, as the server itself says; at most 20 s."""
        deadline = time.monotonic() + 20
        while True:
            client = self.maildrop(login)
            found = [
                b"".join(line + b"\r\n" for line in client.retr(number + 1)[1])
                for number in range(client.stat()[0])
            ]
            client.quit()
            if len(found) >= count or time.monotonic() > deadline:
                return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def make(name: str, *options: str, config: str = "") -> Running:
            target, file = tmp_path / f"{name}-target.toml", tmp_path / f"{name}.toml"
            file.write_text(config, encoding="utf-8")
            process = stack.enter_context(
                subprocess.Popen(
                    [
                        *(
                            sys.executable,
                            "-P",
                            "-m",
                            "reference_server",
                            "--ports=free",
                            "--log-level=error",
                        ),
                        *(f"--config={file}", f"--write-target={target}", *options),
                    ],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("target"):
                    return Running(process, target)
            raise AssertionError(f"the server ended with {process.wait()}")

        yield make


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_mail_on_every_port_of_both_families(start: Start, bind: str) -> None:
    server = start(
        "one", f"--bind={bind}", "--account=alice@one.test:secret", "--account=bob@one.test:secret"
    )
    assert server.file.stat().st_mode & 0o777 == 0o600
    with smtplib.SMTP(*server.place(Service.SMTP), timeout=20) as client:
        client.sendmail("x@remote.test", ["alice@one.test", "bob@one.test"], MESSAGE)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("x@remote.test", ["stranger@elsewhere.test"], MESSAGE)
    with smtplib.SMTP_SSL(*server.place(Service.SUBMISSIONS), timeout=20, context=server.context()) as client:
        client.login("bob@one.test", "secret")
        client.sendmail("bob@one.test", ["alice@one.test"], MESSAGE)
    with server.submission() as client, pytest.raises(smtplib.SMTPSenderRefused):
        client.sendmail("bob@one.test", ["alice@one.test"], MESSAGE)
    with smtplib.LMTP(*server.place(Service.LMTP)) as client:
        client.sendmail("", ["alice@one.test"], MESSAGE)
    for login, count in (("alice", 3), ("bob", 1)):
        messages = server.messages(login, count)
        assert len(messages) == count
        assert all(octets.endswith(MESSAGE) for octets in messages)
        assert all(octets.startswith(b"Return-Path: <") for octets in messages)
    assert server.stop() == 0


def test_lmtp_on_a_local_socket_and_everything_on_all_addresses(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    config = f"[service.lmtp]\npath = '{path}'"
    server = start("one", "--bind=::", "--account=alice@one.test:secret", config=config)
    for host in ("127.0.0.1", "::1"):
        with smtplib.SMTP(host, server.place(Service.SMTP)[1], timeout=20) as client:
            client.sendmail("x@remote.test", ["alice@one.test"], MESSAGE)
    with smtplib.LMTP(str(path)) as client:
        client.sendmail("x@remote.test", ["alice@one.test"], MESSAGE)
    with smtplib.SMTP(*server.place(Service.SUBMISSION), timeout=20) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=server.context())
        client.login("alice", "secret")
    first, second, third = server.messages("alice", 3)
    assert b" ([127.0.0.1])\r\n" in first
    assert b" ([IPv6:::1])\r\n" in second
    assert b" with LMTP id " in third
    assert server.stop() == 0
    assert not path.exists()


def test_two_servers_relay_and_bounce(start: Start) -> None:
    port = free_port("127.0.0.12")
    with DnsResponder() as dns:
        dns.add_zone("two.test")
        dns.set("two.test", "MX", "10 mail.two.test.")
        dns.set("mail.two.test", "A", "127.0.0.12")
        dns.set("null.two.test", "MX", "0 .")
        options = (f"--resolver={dns.host}:{dns.port}", f"--relay-port={port}")
        one = start("one", *options, "--bind=127.0.0.11", "--account=alice@one.test:secret")
        two = start(
            "two",
            *options,
            "--bind=127.0.0.12",
            "--account=bob@two.test:secret",
            config=f"[service.smtp]\nport={port}",
        )
        with one.submission() as client:
            recipients = ["bob@two.test", "nobody@two.test", "x@null.two.test", "alice@one.test"]
            client.sendmail("alice@one.test", recipients, MESSAGE)
        (relayed,) = two.messages("bob", 1)
        assert relayed.endswith(MESSAGE)
        assert relayed.count(b"Received: ") == 2
        assert b" with ESMTPS id " in relayed
        own, *bounces = one.messages("alice", 3)
        assert own.endswith(MESSAGE)
        statuses = set()
        for bounce in bounces:
            report: Any = email.message_from_bytes(bounce, policy=email.policy.default)
            assert (report.get_content_type(), report["Return-Path"]) == ("multipart/report", "<>")
            assert report.get_param("report-type") == "delivery-status"
            status = next(
                part for part in report.walk() if part.get_content_type() == "message/delivery-status"
            )
            per_message, per_recipient = status.get_payload()
            assert per_message["Reporting-MTA"] == "dns; mail.one.test"
            statuses.add((per_recipient["Final-Recipient"], per_recipient["Status"]))
        assert statuses == {("rfc822; nobody@two.test", "5.1.1"), ("rfc822; x@null.two.test", "5.1.10")}
        assert (one.stop(), two.stop()) == (0, 0)


def test_the_queue_outlives_a_restart(start: Start) -> None:
    """The next hop is down at first; another process of ours delivers to it later."""
    port = free_port("127.0.0.12")
    with DnsResponder() as dns:
        dns.add_zone("two.test")
        dns.set("two.test", "A", "127.0.0.12")
        options = (
            *(f"--resolver={dns.host}:{dns.port}", f"--relay-port={port}"),
            *("--bind=127.0.0.11", "--account=alice@one.test:secret"),
        )
        config = "data = 'data'\n[relay]\nretry_pauses_s = [0.2]"
        first = start("one", *options, config=config)
        with first.submission() as client:
            client.sendmail("alice@one.test", ["bob@two.test"], MESSAGE)
        assert first.stop() == 0
        start("one", *options, config=config)
        two = start(
            "two", "--bind=127.0.0.12", "--account=bob@two.test:secret", config=f"[service.smtp]\nport={port}"
        )
        assert [octets.endswith(MESSAGE) for octets in two.messages("bob", 1)] == [True]


def test_sigterm_says_421(start: Start) -> None:
    server = start("one", "--account=alice@one.test:secret")
    with socket.create_connection(server.place(Service.SMTP), timeout=20) as client:
        reader = client.makefile("rb")
        assert reader.readline().startswith(b"220 ")
        assert server.stop() == 0
        assert reader.readline().startswith(b"421 ")
        assert reader.readline() == b""
        reader.close()


@pytest.mark.parametrize(
    ("options", "config", "code", "complaint"),
    [
        ((), "[service.smtp]\nport = {port}", 3, "is in use"),
        (("--data=/proc/none",), "", 3, "/proc/none"),
        (("--write-target=/proc/none/target.toml",), "", 3, "cannot be written"),
        (("--data={damaged}",), "", 3, "damaged"),
        (("--ports=low",), "", 2, "invalid choice"),
        ((), "nonsense = 1", 2, "unknown key"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, ...], config: str, code: int, complaint: str
) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "mailproof.sqlite").write_bytes(os.urandom(5000))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        file = tmp_path / "server.toml"
        file.write_text(config.format(port=taken.getsockname()[1]), encoding="utf-8")
        argv = [option.format(damaged=damaged) for option in ("--ports=free", f"--config={file}", *options)]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "reference_server", *argv],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == code
    assert done.stdout == ""
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    if code == 3:
        assert done.stderr.count("\n") == 1
