"""Who is measured beside the reference server: aiosmtpd, Postfix's smtp-sink, and Dovecot's LMTP.

Only Dovecot stores what it takes, as the reference server does: the other two show what the protocol costs by
itself, in Python and in C.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import child_running
from harness.lab import dovecot_postfix
from harness.targets import embedded_target, load_target
from harness.vocabulary.services import Service

_READY_WITHIN_S = 30.0
_PATH = "/usr/sbin:/usr/bin:/bin"
_AIOSMTPD = """\
import asyncio, sys
from aiosmtpd.smtp import SMTP

class Sink:
    async def handle_DATA(self, server, session, envelope):
        return "250 2.6.0 taken"

async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Sink(), loop=loop), "127.0.0.1", int(sys.argv[1]))
    await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that takes mail, as it runs."""

    pid: int
    port: int
    address: str
    """A recipient that it knows."""
    lmtp: bool = False


class NotHere(Exception):
    """The server cannot be run on this machine; the text says why."""


@contextmanager
def reference() -> Iterator[Running]:
    """Run the reference server; SMTP."""
    yield from _reference(Service.SMTP)


@contextmanager
def reference_lmtp() -> Iterator[Running]:
    """Run the reference server; LMTP."""
    yield from _reference(Service.LMTP)


def _reference(service: Service) -> Iterator[Running]:
    with embedded_target(outbound=False) as target:
        endpoint = target.endpoint(service)
        assert endpoint is not None
        pid = child_running("reference_server")
        address = target.accounts.pool[0].address
        yield Running(pid, endpoint.port, address, lmtp=service is Service.LMTP)


@contextmanager
def aiosmtpd() -> Iterator[Running]:
    """Run aiosmtpd with a handler that drops what comes."""
    port = _free_port()
    with _child([sys.executable, "-c", _AIOSMTPD, str(port)], port) as pid:
        yield Running(pid, port, "somebody@example.test")


@contextmanager
def smtp_sink() -> Iterator[Running]:
    """Run Postfix's smtp-sink, which drops what comes."""
    program = shutil.which("smtp-sink", path=_PATH)
    if program is None:
        raise NotHere("smtp-sink is not installed (apt-get install postfix)")
    port = _free_port()
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    with _child([program, *user, f"127.0.0.1:{port}", "1000"], port) as pid:
        yield Running(pid, port, "somebody@example.test")


@contextmanager
def dovecot_lmtp() -> Iterator[Running]:
    """Run the lab, and take Dovecot for the server: it delivers into a Maildir, synced."""
    missing = dovecot_postfix.missing_packages()
    if missing or os.geteuid() != 0:
        raise NotHere(f"not installed: {', '.join(missing)}" if missing else "the lab needs root")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        # Dovecot's processes run as another user.
        directory.chmod(0o755)
        file = directory / "target.toml"
        words = ["-m", "harness.lab", "dovecot-postfix", str(directory / "lab"), "--ports", "free"]
        words += ["--no-outbound", "--write-target", str(file)]
        with subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL) as lab:
            try:
                _await(file.exists, lab)
                target = load_target(file)
                endpoint = target.endpoint(Service.LMTP)
                assert endpoint is not None
                pid = child_running("dovecot -F", of=lab.pid)
                yield Running(pid, endpoint.port, target.accounts.pool[0].address, lmtp=True)
            finally:
                lab.send_signal(signal.SIGTERM)


@contextmanager
def _child(argv: Sequence[str], port: int) -> Iterator[int]:
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as child:
        try:
            _await(lambda: _answers(port), child)
            yield child.pid
        finally:
            child.terminate()


def _await(is_ready: Callable[[], bool], child: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while not is_ready():
        if child.poll() is not None:
            raise NotHere(f"the server ended with status {child.returncode}")
        if time.monotonic() > deadline_s:
            raise NotHere(f"the server is not ready after {_READY_WITHIN_S:g} s")
        time.sleep(0.02)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
