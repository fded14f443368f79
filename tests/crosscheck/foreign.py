"""What the tests with foreign programs share: finding them, our server, and reading what arrived."""

import imaplib
import os
import poplib
import random
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

import pytest

from harness.targets.embedded import embedded_target
from harness.targets.file import Account, TargetFile
from harness.vocabulary.services import Service

WAIT_S = 30.0
TRACE = (b"return-path:", b"received:", b" ", b"\t")
"""What the lines begin with that servers on the way put on top."""


def without(reason: str) -> NoReturn:
    """Say what a machine lacks and skip; a machine for CI must have it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"not run: {reason}")
    pytest.skip(f"not run: {reason}")


def program(name: str, package: str) -> str:
    """Return where a program is."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        without(f"{name} is not installed (apt-get install {package})")
    return found


def below_trace(octets: bytes) -> bytes:
    """Leave out what servers put on top; a message of ours begins with another field."""
    lines = octets.splitlines(keepends=True)
    return b"".join(lines[sum(1 for _ in takewhile(lambda line: line.lower().startswith(TRACE), lines)) :])


class Server:
    """The reference server, and a fresh account of it for each test."""

    def __init__(self, file: TargetFile) -> None:
        assert file.trust.ca_file is not None
        self.ca_file = file.trust.ca_file
        self._file = file
        self._accounts = iter(file.accounts.pool)

    def account(self) -> Account:
        return next(self._accounts)

    def port(self, service: Service) -> int:
        endpoint = self._file.endpoint(service)
        assert endpoint is not None
        return endpoint.port

    def host(self) -> str:
        endpoint = self._file.endpoint(Service.SMTP)
        assert endpoint is not None
        return endpoint.host

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    def imaplib(self, account: Account) -> imaplib.IMAP4:
        """A session, under TLS and logged in."""
        client = imaplib.IMAP4(self.host(), self.port(Service.IMAP), timeout=20)
        client.starttls(ssl_context=self.context())
        client.login(account.login, str(account.password))
        return client

    def read(self, account: Account) -> list[bytes]:
        """Return what is in the account's INBOX, read by POP3 and, to the same octets, by IMAP."""
        maildrop = poplib.POP3_SSL(self.host(), self.port(Service.POP3S), timeout=20, context=self.context())
        maildrop.user(account.login)
        maildrop.pass_(str(account.password))
        by_pop3 = [
            b"".join(line + b"\r\n" for line in maildrop.retr(number + 1)[1])
            for number in range(maildrop.stat()[0])
        ]
        maildrop.quit()
        with self.imaplib(account) as client:
            client.select("INBOX", readonly=True)
            parts = client.fetch("1:*", "(BODY.PEEK[])")[1] if by_pop3 else []
            assert [part[1] for part in parts if isinstance(part, tuple)] == by_pop3
        return by_pop3

    def wait_for(self, account: Account, count: int) -> list[bytes]:
        """Read until so many messages are there, as the server itself says."""
        deadline = time.monotonic() + WAIT_S
        while len(found := self.read(account)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages arrived"
        return found


@contextmanager
def reference_server(*arguments: str, accounts: int = 6) -> Iterator[Server]:
    """Run the reference server; it takes no password in clear."""
    options = ("--clear-logins=no", *arguments)
    with embedded_target(accounts=accounts, outbound=False, arguments=options) as file:
        yield Server(file)


def write(path: Path, text: str, *, mode: int = 0o600) -> Path:
    """Write a configuration file that others do not read."""
    path.touch(mode=mode)
    path.write_text(text, encoding="ascii")
    return path


def free_port(*addresses: str) -> int:
    """Return a port that is free on each of the addresses, below those the system gives out by itself."""
    for port in random.sample(range(10_000, 30_000), 200):
        with ExitStack() as stack:
            try:
                for address in addresses:
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    stack.enter_context(socket.socket(family)).bind((address, port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port is free on {' and '.join(addresses)}")
