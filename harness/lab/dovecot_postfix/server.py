"""Runs the lab's Dovecot and Postfix in the foreground until it is told to stop."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from harness.lab.dovecot_postfix.configuration import (
    HOST,
    Layout,
    Ports,
    clear,
    demand_unused,
    lay_down,
    target_text,
)
from harness.lab.supervision import Child, StopRequest, stop_all
from harness.vocabulary.errors import MailproofError

_PROGRAMS = {
    "dovecot": ("/usr/sbin/dovecot", "dovecot-core"),
    "Dovecot's IMAP server": ("/usr/lib/dovecot/imap", "dovecot-imapd"),
    "Dovecot's POP3 server": ("/usr/lib/dovecot/pop3", "dovecot-pop3d"),
    "Dovecot's LMTP server": ("/usr/lib/dovecot/lmtp", "dovecot-lmtpd"),
    "postfix": ("/usr/sbin/postfix", "postfix"),
}
"""Program by what it is, with Debian's package."""
_POSTFIX_MASTER = "/usr/lib/postfix/sbin/master"
_READY_WITHIN_S = 20.0


class LabError(MailproofError):
    """The lab's servers do not start or do not stay."""


def missing_packages() -> list[str]:
    """Debian's packages that the lab needs and this machine lacks."""
    return [package for path, package in _PROGRAMS.values() if not Path(path).exists()]


def run(
    directory: Path, *, ports: Ports | None = None, write_target: Path | None = None, outbound: bool = True
) -> None:
    """Serve from `directory` until SIGTERM or SIGINT, then stop both servers and remove what they made."""
    ports = ports or Ports()
    if taken := ports.in_use():
        name, port = taken[0]
        message = f"port {port} ({name}) of {HOST} is in use; is another lab running?"
        raise LabError(message)
    directory = directory.resolve()
    with StopRequest() as stop:
        demand_unused(directory)
        children: list[Child] = []
        try:
            layout = lay_down(directory, ports)
            children += _start(layout)
            _await_ports(ports, children, stop, layout)
            if not stop.requested:
                if write_target is not None:
                    _write_private(write_target, target_text(ports, directory=directory, outbound=outbound))
                _say(f"ready: Dovecot and Postfix serve from {directory}")
            while not stop.wait(0.5):
                _demand_alive(children, layout)
        finally:
            stop_all(children)
            clear(directory)


def _start(layout: Layout) -> list[Child]:
    # Makes the queue's directories with the owners that Postfix asks for.
    checked = subprocess.run(
        ["/usr/sbin/postfix", "-c", str(layout.postfix_etc), "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode != 0:
        message = f"postfix check refuses the configuration: {checked.stderr.strip() or _log_tail(layout)}"
        raise LabError(message)
    return [
        Child("dovecot", ["/usr/sbin/dovecot", "-F", "-c", str(layout.dovecot_conf)]),
        Child("postfix", [_POSTFIX_MASTER, "-d", "-c", str(layout.postfix_etc)]),
    ]


def _await_ports(ports: Ports, children: list[Child], stop: StopRequest, layout: Layout) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    waiting = dict(ports.items())
    while waiting:
        waiting = {name: port for name, port in waiting.items() if not _answers(port)}
        _demand_alive(children, layout)
        if not waiting or stop.wait(0.02):
            return
        if time.monotonic() > deadline:
            message = f"no answer on {', '.join(waiting)} within {_READY_WITHIN_S:g} s: {_log_tail(layout)}"
            raise LabError(message)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _demand_alive(children: list[Child], layout: Layout) -> None:
    for child in children:
        if (status := child.status()) is not None:
            message = f"{child.name} ended with status {status}: {_log_tail(layout)}"
            raise LabError(message)


def _log_tail(layout: Layout) -> str:
    """The last lines of both logs in one line, for an error message."""
    lines: list[str] = []
    for log in layout.logs:
        if log.exists():
            lines += log.read_text(errors="replace").splitlines()[-3:]
    return " | ".join(lines) or "the logs are empty"


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
