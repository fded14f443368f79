"""Programs that people send mail with, on the reference server: swaks, curl, msmtp, the library's smtplib.

Each way to send is tried with each way to be under TLS and to log in that the program knows; what arrives is
read by poplib and imaplib, and is the message, octet for octet, below the trace fields.
"""

import smtplib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foreign import Server, below_trace, program, reference_server, write

from harness.targets.file import Account
from harness.vocabulary.services import Service

HEADER = (
    b"From: <%b>\r\nTo: <%b>\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <%b@client.test>\r\n"
    b"Subject: a long\r\n  and folded subject\r\nX-Empty:\r\n\r\n"
)
BODY = (
    b".\r\n..\r\n.leading dot\r\n\r\n \r\ntrailing space \r\n\xc3\xa4 8-bit\r\nFrom the start of a line\r\n"
    + b"x" * 990 + b"\r\n" + b"a line of text\r\n" * 3_000 + b"\r\n\r\n"
)  # fmt: skip
STARTTLS, IMPLICIT = Service.SUBMISSION, Service.SUBMISSIONS
Send = Callable[["Letter"], None]


class Letter:
    """A message of an account to itself, and where it is handed in."""

    def __init__(self, server: Server, account: Account, folder: Path, service: Service) -> None:
        self.server = server
        self.account = account
        self.folder = folder
        self.service = service
        self.port = server.port(service)
        address = account.address.encode()
        self.octets = HEADER % (address, address, service.encode()) + BODY
        self.crlf_file = folder / "message.crlf"
        self.crlf_file.write_bytes(self.octets)
        self.lf_octets = self.octets.replace(b"\r\n", b"\n")

    def run(self, *argv: str, stdin: bytes = b"") -> str:
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=60)
        said = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == 0, said[-3000:]
        return said


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with reference_server(accounts=24) as running:
        yield running


def expect_one(letter: Letter, *, protocol: bytes) -> None:
    (octets,) = letter.server.wait_for(letter.account, 1)
    assert below_trace(octets) == letter.octets
    assert octets.startswith(b"Return-Path: <%b>\r\n" % letter.account.address.encode())
    # RFC 3848: what the transaction was under is said by the keyword.
    assert b" with %b id " % protocol in octets


# swaks


def swaks(letter: Letter, *words: str) -> str:
    # swaks would read "\n" and %TOKENS% in the data; the message has neither. It ends the last line itself.
    return letter.run(
        *(program("swaks", "swaks libnet-ssleay-perl"), "--server", f"127.0.0.1:{letter.port}"),
        *("--from", letter.account.address, "--to", letter.account.address, "--timeout", "20"),
        *("--helo", "client.test", "--data", "-", *words),
        stdin=letter.lf_octets[:-1],
    )


def swaks_login(letter: Letter, mechanism: str) -> tuple[str, ...]:
    login, password = letter.account.login, str(letter.account.password)
    trust = ("--tls-verify", "--tls-ca-path", str(letter.server.ca_file))
    return (*trust, "--auth", mechanism, "--auth-user", login, f"--auth-password={password}")


@pytest.mark.parametrize("service", [STARTTLS, IMPLICIT])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_submits(server: Server, tmp_path: Path, service: Service, mechanism: str) -> None:
    letter = Letter(server, server.account(), tmp_path, service)
    tls = "--tls" if service is STARTTLS else "--tls-on-connect"
    swaks(letter, tls, *swaks_login(letter, mechanism))
    expect_one(letter, protocol=b"ESMTPSA")


def test_swaks_hands_in_at_the_mx_and_by_lmtp(server: Server, tmp_path: Path) -> None:
    account = server.account()
    for service, words, protocol in (
        (Service.SMTP, ("--pipeline",), b"ESMTP"),
        (Service.SMTP, ("--tls",), b"ESMTPS"),
        (Service.SMTP, ("--protocol", "SMTP"), b"SMTP"),
        (Service.LMTP, ("--protocol", "LMTP"), b"LMTP"),
    ):
        letter = Letter(server, account, tmp_path, service)
        swaks(letter, *words)
        arrived = letter.server.wait_for(account, 1)[-1]
        assert below_trace(arrived) == letter.octets
        assert b" with %b id " % protocol in arrived
        empty(server, account)


def empty(server: Server, account: Account) -> None:
    with server.imaplib(account) as client:
        client.select("INBOX")
        client.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
        client.expunge()


# curl


@pytest.mark.parametrize("service", [STARTTLS, IMPLICIT])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_submits(server: Server, tmp_path: Path, service: Service, mechanism: str) -> None:
    letter = Letter(server, server.account(), tmp_path, service)
    scheme = "smtp" if service is STARTTLS else "smtps"
    letter.run(
        *(program("curl", "curl"), "-q", "--silent", "--show-error", "--max-time", "20", "--config", "-"),
        *("--ssl-reqd", "--cacert", str(server.ca_file), "--login-options", f"AUTH={mechanism}"),
        *("--url", f"{scheme}://127.0.0.1:{letter.port}/client.test"),
        *("--mail-from", letter.account.address, "--mail-rcpt", letter.account.address),
        *("--upload-file", str(letter.crlf_file)),
        stdin=f'user = "{letter.account.login}:{letter.account.password}"\n'.encode(),
    )
    expect_one(letter, protocol=b"ESMTPSA")


# msmtp


@pytest.mark.parametrize("service", [STARTTLS, IMPLICIT])
@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_msmtp_submits(server: Server, tmp_path: Path, service: Service, mechanism: str) -> None:
    letter = Letter(server, server.account(), tmp_path, service)
    config = write(
        tmp_path / "msmtprc",
        f"account ours\nhost localhost\nport {letter.port}\nfrom {letter.account.address}\n"
        "domain client.test\n"
        f"tls on\ntls_starttls {'on' if service is STARTTLS else 'off'}\ntls_trust_file {server.ca_file}\n"
        f"auth {mechanism}\nuser {letter.account.login}\npassword {letter.account.password}\n",
    )
    letter.run(
        *(program("msmtp", "msmtp"), f"--file={config}", "--account=ours", "--", letter.account.address),
        stdin=letter.lf_octets,
    )
    expect_one(letter, protocol=b"ESMTPSA")


def test_msmtp_trusts_and_logs_in_only_where_it_may(server: Server, tmp_path: Path) -> None:
    """The witness is awake: with a wrong password, or the CA of nobody, nothing is sent."""
    letter = Letter(server, server.account(), tmp_path, STARTTLS)
    for number, (trust, password, complaint) in enumerate(
        (
            (server.ca_file, "wrong", "authentication failed"),
            ("/etc/ssl/certs/ca-certificates.crt", str(letter.account.password), "certificate"),
        )
    ):
        config = write(
            tmp_path / f"msmtprc-{number}",
            f"account ours\nhost localhost\nport {letter.port}\nfrom {letter.account.address}\n"
            f"tls on\ntls_trust_file {trust}\nauth plain\nuser {letter.account.login}\npassword {password}\n",
        )
        done = subprocess.run(
            [program("msmtp", "msmtp"), f"--file={config}", "--account=ours", letter.account.address],
            input=letter.lf_octets,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode != 0
        assert complaint in done.stderr.decode()
    assert server.read(letter.account) == []


# smtplib


@pytest.mark.parametrize("service", [STARTTLS, IMPLICIT])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_smtplib_submits(server: Server, tmp_path: Path, service: Service, mechanism: str) -> None:
    letter = Letter(server, server.account(), tmp_path, service)
    client: smtplib.SMTP
    if service is STARTTLS:
        client = smtplib.SMTP("127.0.0.1", letter.port, "client.test", timeout=20)
        client.starttls(context=server.context())
    else:
        client = smtplib.SMTP_SSL(
            "127.0.0.1", letter.port, "client.test", timeout=20, context=server.context()
        )
    with client:
        client.ehlo()
        client.user, client.password = letter.account.login, str(letter.account.password)
        method = client.auth_plain if mechanism == "PLAIN" else client.auth_login
        assert client.auth(mechanism, method)[0] == 235
        client.sendmail(letter.account.address, letter.account.address, letter.octets, ["BODY=8BITMIME"])
    expect_one(letter, protocol=b"ESMTPSA")
