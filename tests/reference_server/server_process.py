"""The reference server as a process of its own: its ports, a plain dialogue with it, what is in a mailbox."""

import base64
import contextlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

MODULE = ("-P", "-m", "reference_server")
ALICE = "alice@one.test"
BOB = "bob@one.test"
PASSWORD = "secret"
WAIT_S = 60.0
"""How long anything may take that takes a moment; a busy machine is no fault."""
LITERAL = re.compile(rb"\* [0-9]+ FETCH \(.*\{([0-9]+)\}\r\n")


class Dialogue:
    """One connection on which lines are said and replies are read."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection((host, port), WAIT_S)
        if context is not None:
            self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def reply(self) -> bytes:
        """Return the last line of the next SMTP reply; empty when the server has gone."""
        while line := self.file.readline():
            if line[3:4] != b"-":
                return line
        return b""

    def ask(self, line: bytes) -> bytes:
        self.send(line + b"\r\n")
        return self.reply()

    def code(self, line: bytes) -> int:
        return int(self.ask(line)[:3] or b"0")

    def hello(self, verb: bytes = b"EHLO") -> Self:
        assert self.reply().startswith(b"220 ")
        assert self.code(verb + b" client.test") == 250
        return self

    def login(self, user: str = ALICE, password: str = PASSWORD) -> int:
        token = base64.b64encode(f"\0{user}\0{password}".encode())
        return self.code(b"AUTH PLAIN " + token)

    def envelope(self, *recipients: str, sender: str = "x@remote.test") -> None:
        assert self.code(b"MAIL FROM:<%b>" % sender.encode()) == 250
        for recipient in recipients:
            assert self.code(b"RCPT TO:<%b>" % recipient.encode()) == 250

    def deliver(self, text: bytes, *recipients: str, sender: str = "x@remote.test") -> bytes:
        """Send one message; the reply to its final dot."""
        self.envelope(*recipients, sender=sender)
        assert self.code(b"DATA") == 354
        self.send(text + b".\r\n")
        return self.reply()

    def start_tls(self, context: ssl.SSLContext) -> None:
        assert self.code(b"STARTTLS") == 220
        self.file.close()
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class ServerProcess:
    """A server that is ready."""

    def __init__(self, process: "subprocess.Popen[str]", target: Path, host: str) -> None:
        self.process = process
        self.host = host
        self._target: dict[str, Any] = tomllib.loads(target.read_text())
        self._ca_file = target.with_name(f"{target.stem}.ca.pem")

    def port(self, service: str) -> int:
        port: int = self._target["service"][service]["port"]
        return port

    def context(self) -> ssl.SSLContext:
        """Trust this server's CA; the name is not what is tested here."""
        context = ssl.create_default_context(cafile=str(self._ca_file))
        context.check_hostname = False
        return context

    def smtp(self, service: str = "smtp", *, hello: bytes = b"EHLO") -> Dialogue:
        return Dialogue(self.port(service), host=self.host).hello(hello)

    def imap_command(self, command: bytes, *, login: str = ALICE) -> bytes:
        """Say one command in a session of its own, INBOX selected; its tagged line."""
        with Dialogue(self.port("imap"), host=self.host) as client:
            client.file.readline()
            _tagged(client, b"LOGIN %b %b" % (login.encode(), PASSWORD.encode()))
            _tagged(client, b"SELECT INBOX")
            return _tagged(client, command)[0]

    def wait_for(self, count: int, *servers: "ServerProcess") -> list[bytes]:
        """Ask until so many messages are in alice's INBOX here (or on these servers together)."""
        deadline = time.monotonic() + WAIT_S
        while True:
            found = [octets for server in servers or (self,) for octets in server.inbox().values()]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages came"

    def by_pop3(self, login: str = ALICE) -> list[bytes]:
        """Return what POP3 shows of the messages, transparency undone (RFC 1939 §3)."""
        with Dialogue(self.port("pop3"), host=self.host) as client:
            for line in (b"USER " + login.encode(), b"PASS " + PASSWORD.encode(), b"STAT"):
                client.file.readline()
                client.send(line + b"\r\n")
            found = []
            for number in range(int(client.file.readline().split()[1])):
                client.send(b"RETR %d\r\n" % (number + 1))
                assert client.file.readline().startswith(b"+OK")
                lines = iter(client.file.readline, b".\r\n")
                found.append(b"".join(line[line.startswith(b".") :] for line in lines))
            return found

    def empty_inbox(self, login: str = ALICE) -> None:
        with Dialogue(self.port("imap"), host=self.host) as client:
            client.file.readline()
            for command in (
                b"LOGIN %b %b" % (login.encode(), PASSWORD.encode()),
                b"SELECT INBOX",
                rb"UID STORE 1:* +FLAGS.SILENT (\Deleted)",
                b"EXPUNGE",
            ):
                assert _tagged(client, command)[0].startswith(b"t OK")

    def limit(self, what: int, soft: int) -> None:
        """Give the running process another limit of the kernel's; -1 lifts it."""
        _, hard = resource.prlimit(self.process.pid, what)
        resource.prlimit(self.process.pid, what, (hard if soft < 0 else soft, hard))

    def memory_kib(self) -> int:
        """Return what it has in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+([0-9]+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1])

    def descriptors(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def cpu_s(self) -> float:
        """Return the processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def inbox(self, login: str = ALICE, *, after: int = 0, part: str = "BODY.PEEK[]") -> dict[int, bytes]:
        """Return the messages of INBOX above a UID, by UID."""
        with Dialogue(self.port("imap"), host=self.host) as client:
            client.file.readline()
            assert b"OK" in _tagged(client, b"LOGIN %b %b" % (login.encode(), PASSWORD.encode()))[0]
            _, lines = _tagged(client, b"EXAMINE INBOX")
            if b"* 0 EXISTS\r\n" in lines:
                return {}
            _, lines = _tagged(client, b"UID FETCH %d:* (UID %b)" % (after + 1, part.encode()))
        found = {}
        for start, octets in pairwise(lines):
            uid = re.match(rb"\* [0-9]+ FETCH \(.*?UID ([0-9]+)", start)
            if uid is not None and int(uid[1]) > after:
                assert int(uid[1]) not in found
                found[int(uid[1])] = octets
        return found

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(WAIT_S) == -signal.SIGKILL

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_S)


def _tagged(client: Dialogue, command: bytes) -> tuple[bytes, list[bytes]]:
    """Say an IMAP command; its tagged line, and the others, a literal being a line of its own."""
    client.send(b"t " + command + b"\r\n")
    lines: list[bytes] = []
    while line := client.file.readline():
        if line.startswith(b"t "):
            return line, lines
        lines.append(line)
        if (literal := LITERAL.match(line)) is not None:
            lines.append(client.file.read(int(literal[1])))
    raise AssertionError("the server has gone")


@contextmanager
def serving(
    directory: Path,
    *options: str,
    config: str = "",
    program: Sequence[str] = MODULE,
    host: str = "127.0.0.1",
) -> Iterator[ServerProcess]:
    """Run a server for alice and bob on the directory for the time of the context."""
    directory.mkdir(exist_ok=True)
    target, file = directory / "target.toml", directory / "server.toml"
    file.write_text(config, encoding="utf-8")
    target.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            *(sys.executable, *program, "--ports=free", "--log-level=error", f"--config={file}"),
            *(f"--data={directory / 'data'}", f"--write-target={target}"),
            *(f"--account={address}:{PASSWORD}" for address in (ALICE, BOB)),
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("target"):
                break
        else:
            raise AssertionError(f"the server ended with {process.wait()}")
        yield ServerProcess(process, target, host)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.stdout.close()
        process.wait()
