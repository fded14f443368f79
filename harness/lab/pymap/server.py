"""Runs pymap on Maildirs in the foreground until it is told to stop."""

import base64
import hashlib
import secrets
import shutil
import socket
import sys
import time
from pathlib import Path

from harness.lab.supervision import Child, StopRequest
from harness.vocabulary.errors import MailproofError, UsageError

HOST = "127.0.0.1"
PORT = 3643
ACCOUNTS = ("alice", "bob", *(f"u{n:02}" for n in range(1, 17)))
PASSWORD = "secret"  # noqa: S105 - of accounts that live for one run on loopback

_ROUNDS = 1000
"""Of the password's hash; few, since the password is no secret and a login should cost the server little."""
_READY_WITHIN_S = 15.0
_OWN_PARTS = ("pymap-etc-passwd", "pymap-etc-shadow", *ACCOUNTS)


class PymapError(MailproofError):
    """pymap does not start or does not stay."""


def missing_program() -> str | None:
    """Return how to install pymap where it is not beside this interpreter."""
    return None if _program() else "pip install pymap"


def run(directory: Path) -> None:
    """Serve from `directory` until SIGTERM or SIGINT, then stop the server and remove what it made."""
    program = _program()
    if program is None:
        message = f"pymap is not installed; {missing_program()}"
        raise UsageError(message)
    if _answers():
        message = f"port {PORT} of {HOST} is in use; is another lab running?"
        raise PymapError(message)
    if occupied := [part for part in _OWN_PARTS if (directory / part).exists()]:
        message = f"{directory} holds {occupied[0]!r} already; give an empty directory"
        raise UsageError(message)
    with StopRequest() as stop:
        children: list[Child] = []
        try:
            _lay_down(directory)
            options = ("--host", HOST, "--port", str(PORT), "--no-tls")
            child = Child("pymap", [program, *options, "maildir", str(directory)])
            children.append(child)
            _await_port(child, stop)
            if not stop.requested:
                sys.stdout.write(f"ready: pymap serves from {directory}\n")
                sys.stdout.flush()
            while not stop.wait(0.5):
                _demand_alive(child)
        finally:
            for child in children:
                child.ask_to_stop()
                child.stop()
            _clear(directory)


def _program() -> str | None:
    return shutil.which("pymap", path=str(Path(sys.executable).parent)) or shutil.which("pymap")


def _lay_down(directory: Path) -> None:
    """Write the accounts, in the form of passwd(5) and shadow(5) with a colon escaped."""
    directory.mkdir(parents=True, exist_ok=True)
    users = "".join(f"{name}:x:1000:1000::{name}:\n" for name in ACCOUNTS)
    (directory / "pymap-etc-passwd").write_text(users)
    shadow = directory / "pymap-etc-shadow"
    shadow.touch(mode=0o600)
    shadow.write_text("".join(f"{name}:{_hash(PASSWORD)}:::::::\n" for name in ACCOUNTS))


def _hash(password: str) -> str:
    """Return a PBKDF2 hash as pymap writes and reads it."""
    salt = secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    return f"$pbkdf2-sha256${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _clear(directory: Path) -> None:
    for part in _OWN_PARTS:
        path = directory / part
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _await_port(child: Child, stop: StopRequest) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not _answers() and not stop.wait(0.05):
        _demand_alive(child)
        if time.monotonic() > deadline:
            message = f"pymap does not answer on port {PORT} within {_READY_WITHIN_S:g} s"
            raise PymapError(message)


def _answers() -> bool:
    try:
        with socket.create_connection((HOST, PORT), timeout=1):
            return True
    except OSError:
        return False


def _demand_alive(child: Child) -> None:
    if (status := child.status()) is not None:
        message = f"pymap ended with status {status}; its words are on standard error above"
        raise PymapError(message)
