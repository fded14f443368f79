"""A small Internet of mail on one machine: two `mailproof serve`, and a zone file for each.

Every option is one that a user types; the standard library's clients hand in at one end and read at the
other.
"""

import imaplib
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
from itertools import takewhile
from pathlib import Path

import pytest
from foreign import free_port

MAILPROOF = (sys.executable, "-P", "-c", "import sys; from harness.cli.main import main; sys.exit(main())")
MESSAGE = (
    b"From: Alice <alice@one.test>\r\nTo: bob@two.test\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@one.test>\r\nSubject: a long\r\n  and folded subject\r\nX-Empty:\r\n\r\n"
    b".\r\n..\r\n.leading dot\r\n\r\n \r\ntrailing space \r\n\xe4\xf6\xfc \xff\r\n"
    b"From the start of a line\r\n" + b"x" * 998 + b"\r\n" + b"line\r\n" * 2_000 + b"\r\n\r\n"
)
TRACE = (b"return-path:", b"received:", b" ", b"\t")
"""What the lines begin with that servers on the way put on top."""
Serve = Callable[..., "Served"]


class Served:
    """A `mailproof serve` that is ready, and the places that it printed."""

    def __init__(self, process: "subprocess.Popen[str]", bind: str, target: Path) -> None:
        self.process = process
        self.bind = bind
        self.ca_file = target.with_name(f"{target.stem}.ca.pem")
        self.ports: dict[str, int] = {}
        assert process.stdout is not None
        for line in process.stdout:
            word, rest = line.split(maxsplit=1)
            if word == "target":
                return
            if word != "account":
                self.ports[word] = int(rest.rpartition(":")[2])
        raise AssertionError(f"the server ended with {process.wait()}")

    def place(self, service: str) -> tuple[str, int]:
        return self.bind, self.ports[service]

    def context(self) -> ssl.SSLContext:
        """Trust this server's CA and nobody else; the name is verified too."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def submit(self, login: str, sender: str, recipients: list[str], message: bytes = MESSAGE) -> None:
        with smtplib.SMTP(*self.place("submission"), timeout=20) as client:
            client.starttls(context=self.context())
            client.login(login, "secret")
            assert client.sendmail(sender, recipients, message, ["BODY=8BITMIME"]) == {}

    def by_pop3(self, login: str) -> list[bytes]:
        client = poplib.POP3(*self.place("pop3"), timeout=20)
        client.stls(context=self.context())
        client.user(login)
        client.pass_("secret")
        found = [
            b"".join(line + b"\r\n" for line in client.retr(number + 1)[1])
            for number in range(client.stat()[0])
        ]
        client.quit()
        return found

    def by_imap(self, login: str) -> list[bytes]:
        with imaplib.IMAP4(*self.place("imap"), timeout=20) as client:
            client.starttls(ssl_context=self.context())
            client.login(login, "secret")
            count = int(client.select("INBOX", readonly=True)[1][0] or b"0")
            if not count:
                return []
            parts = client.fetch(f"1:{count}", "(BODY.PEEK[])")[1]
            return [part[1] for part in parts if isinstance(part, tuple)]

    def wait_for(self, count: int, login: str) -> None:
        """Wait until the account has so many messages, by asking the server; 20 s at most."""
        deadline = time.monotonic() + 20
        while len(self.by_pop3(login)) < count:
            assert time.monotonic() < deadline, "the mail did not arrive"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        assert self.process.stdout.read() == ""
        return self.process.wait(timeout=20)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start `mailproof serve` with SMTP on a port of our choice, and all else wherever there is room."""
    with ExitStack() as stack:

        def start(bind: str, smtp_port: int, *options: str) -> Served:
            name = bind.replace(":", "-").replace(".", "-")
            target, config = tmp_path / f"at-{name}.toml", tmp_path / f"serve-{name}.toml"
            config.write_text(f"[service.smtp]\nport = {smtp_port}\n", encoding="ascii")
            words = (
                *("serve", f"--config={config}", f"--bind={bind}", "--ports=free", "--log-level=error"),
                *(f"--write-target={target}", f"--relay-port={smtp_port or 25}", *options),
            )
            process = stack.enter_context(
                subprocess.Popen([*MAILPROOF, *words], stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            return Served(process, bind, target)

        yield start


def zone_file(path: Path, domain: str, address: str) -> str:
    """Write a zone in the usual master-file form; returns the option that names it."""
    kind = "AAAA" if ":" in address else "A"
    path.write_text(
        f"$ORIGIN {domain}.\n$TTL 60\n@     IN SOA ns hostmaster 1 3600 600 86400 60\n"
        f"      IN NS  ns\n      IN MX  10 mx1\nns    IN {kind} {address}\nmx1   IN {kind} {address}\n",
        encoding="ascii",
    )
    return f"--zone={path}"


def split_trace(octets: bytes) -> tuple[bytes, bytes]:
    """Split off what servers put on top; a message of ours begins with another field."""
    lines = octets.splitlines(keepends=True)
    end = sum(1 for _ in takewhile(lambda line: line.lower().startswith(TRACE), lines))
    return b"".join(lines[:end]), b"".join(lines[end:])


@pytest.mark.parametrize("second", ["127.0.0.12", "::1"])
def test_mail_crosses_from_one_server_to_the_other(serve: Serve, tmp_path: Path, second: str) -> None:
    port = free_port("127.0.0.11", second)
    zones = (
        zone_file(tmp_path / "one.zone", "one.test", "127.0.0.11"),
        zone_file(tmp_path / "two.zone", "two.test", second),
    )
    one = serve("127.0.0.11", port, *zones, "--domain=one.test", "--account=alice@one.test:secret")
    two = serve(second, port, *zones, "--domain=two.test", "--account=bob@two.test:secret")

    one.submit("alice", "alice@one.test", ["bob@two.test"])
    two.wait_for(1, "bob")
    (by_pop3,) = two.by_pop3("bob")
    (by_imap,) = two.by_imap("bob")
    assert by_imap == by_pop3
    trace, below = split_trace(by_pop3)
    assert below == MESSAGE
    assert trace.startswith(b"Return-Path: <alice@one.test>\r\n")
    assert trace.count(b"\r\nReceived: ") == 2

    # And back, with a bounce for the recipient that the other server does not know.
    two.submit("bob@two.test", "bob@two.test", ["alice@one.test", "nobody@one.test"])
    one.wait_for(1, "alice")
    assert [split_trace(octets)[1] for octets in one.by_imap("alice")] == [MESSAGE]
    two.wait_for(2, "bob")
    bounce = two.by_imap("bob")[1]
    assert bounce.startswith(b"Return-Path: <>\r\n")
    assert b"Final-Recipient: rfc822; nobody@one.test\r\n" in bounce

    assert (one.stop(), two.stop()) == (0, 0)
    for server in (one, two):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(server.place("smtp"), timeout=5)


def expect_no_relay_for_strangers(through: Served, own: str, remote: str, address: str) -> None:
    """Ask a server, without logging in, to take mail for the other one, in every old spelling of a route."""
    local, _, domain = remote.partition("@")
    here = own.partition("@")[2]
    with smtplib.SMTP(*through.place("smtp"), timeout=20) as client:
        client.ehlo("stranger.test")
        for sender in ("mallory@three.test", own, ""):
            assert client.mail(sender)[0] == 250
            for recipient in (
                *(remote, f"{local}@{domain.upper()}", f"<@{here}:{remote}>", f"{local}%{domain}@{here}"),
                *(f"{domain}!{local}@{here}", f'"{remote}"@{here}', f"{local}@[{address}]"),
            ):
                code, text = client.rcpt(recipient)
                assert (code, text[:2]) in {(550, b"5."), (553, b"5."), (554, b"5.")}, recipient
            code, text = client.docmd("DATA")
            assert (code, text[:2]) in {(503, b"5."), (554, b"5.")}
            assert client.rset()[0] == 250
    with smtplib.SMTP(*through.place("submission"), timeout=20) as client:
        client.ehlo("stranger.test")
        assert client.mail(own)[0] == 530


def test_a_stranger_cannot_relay(serve: Serve, tmp_path: Path) -> None:
    port = free_port("127.0.0.11", "127.0.0.12")
    zones = (
        zone_file(tmp_path / "one.zone", "one.test", "127.0.0.11"),
        zone_file(tmp_path / "two.zone", "two.test", "127.0.0.12"),
    )
    one = serve("127.0.0.11", port, *zones, "--account=alice@one.test:secret")
    two = serve("127.0.0.12", port, *zones, "--account=bob@two.test:secret")
    expect_no_relay_for_strangers(one, "alice@one.test", "bob@two.test", "127.0.0.12")
    expect_no_relay_for_strangers(two, "bob@two.test", "alice@one.test", "127.0.0.11")
    # What would have been relayed would have been first: the same queue, the same route.
    one.submit("alice", "alice@one.test", ["bob@two.test"])
    two.submit("bob", "bob@two.test", ["alice@one.test"])
    for server, login in ((two, "bob"), (one, "alice")):
        server.wait_for(1, login)
        assert [split_trace(octets)[1] for octets in server.by_imap(login)] == [MESSAGE]
    assert (one.stop(), two.stop()) == (0, 0)


def test_a_server_alone_on_ipv6(serve: Serve) -> None:
    server = serve("::1", 0, "--account=alice@one.test:secret")
    with smtplib.SMTP(*server.place("smtp"), timeout=20) as client:
        client.sendmail("x@remote.test", ["alice@one.test"], MESSAGE)
    (octets,) = server.by_imap("alice")
    assert server.by_pop3("alice") == [octets]
    assert split_trace(octets)[1] == MESSAGE
    assert b"([IPv6:::1])" in octets
    assert server.stop() == 0
