"""The reference server as a child of ours: the target of `mailproof check` where none is named."""

import secrets
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tomli_w

from harness.targets.file import TargetFile, write_private
from harness.targets.launch import LaunchFailed, Server, running, temporary_directory
from harness.targets.loader import load_target

DOMAIN = "example.test"
OUTBOUND_DOMAIN = "remote.test"
DEFAULT_ACCOUNTS = 24
_RETRY_PAUSES_S = (0.3, 0.5, 1.0, 2.0)
"""A check cannot wait as long as the Internet does (RFC 5321 §4.5.4.1 says 30 minutes)."""
_READY_WITHIN_S = 20.0
_PAUSE_S = 0.005
_PORTS = range(10_000, 30_000)
_MOST_TRIES = 100


@contextmanager
def embedded_target(
    *,
    faults: Sequence[str] = (),
    accounts: int = DEFAULT_ACCOUNTS,
    outbound: bool = True,
    arguments: Sequence[str] = (),
) -> Iterator[TargetFile]:
    """Run a reference server on free loopback ports for the time of the context; its target file.

    `faults` are names of `harness.vocabulary.faults`. With `outbound` the server asks a free port of
    loopback for names, on which `Target.outbound` answers. Further `arguments` go to the server as they are.
    """
    with temporary_directory() as directory:
        target = directory / "target.toml"
        config = directory / "server.toml"
        write_private(
            config, tomli_w.dumps(_configuration(directory, target, faults, accounts, outbound=outbound))
        )
        argv = [sys.executable, "-P", "-m", "reference_server", "--config", str(config), *arguments]
        with running(argv, log=directory / "log") as server:
            await_file(target, server)
            yield load_target(target)


def _configuration(
    directory: Path, target: Path, faults: Sequence[str], accounts: int, *, outbound: bool
) -> dict[str, object]:
    """What the server is told; a file of its own keeps the password out of the list of processes."""
    password = secrets.token_urlsafe(9)
    configuration: dict[str, object] = {
        "domains": [DOMAIN],
        "ports": "free",
        "data": str(directory / "data"),
        "write_target": str(target),
        "faults": list(faults),
        "account": [
            *(
                {"address": f"u{number:02}@{DOMAIN}", "password": password}
                for number in range(1, accounts + 1)
            ),
            # RCPT takes it, since nothing is there yet; no message ever fits.
            {"address": f"full@{DOMAIN}", "password": password, "quota_octets": 1},
        ],
        "aliases": {f"alias@{DOMAIN}": f"u{accounts:02}@{DOMAIN}"},
    }
    if outbound:
        configuration["relay"] = {
            "resolver": f"127.0.0.1:{_free_port()}",
            "port": _free_port(),
            "outbound_domains": [OUTBOUND_DOMAIN],
            "retry_pauses_s": list(_RETRY_PAUSES_S),
        }
    return configuration


def await_file(path: Path, server: Server) -> None:
    """Wait for the target file that a server of ours writes when it is ready."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while not path.exists():
        if (status := server.status()) is not None:
            raise LaunchFailed(f"the server ended with status {status}: {server.tail()}")
        if time.monotonic() > deadline:
            raise LaunchFailed(f"the server is not ready after {_READY_WITHIN_S:g} s: {server.tail()}")
        time.sleep(_PAUSE_S)


def _free_port() -> int:
    """A port of loopback that is free just now for UDP and TCP, and that no outgoing connection will take.

    It is bound only later, when the server runs already: what the system gives out by itself (from 32768 on,
    as a rule) could be somebody's by then.
    """
    for _ in range(_MOST_TRIES):
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        if all(_is_free(port, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            return port
    raise LaunchFailed(f"no free port among {_PORTS.start} to {_PORTS.stop - 1}")


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
