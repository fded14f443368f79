"""Delivery into Maildir and mbox, for accounts whose mail another program reads.

The files are written by the standard library's `mailbox`; what is added here is what durable delivery asks
for: lines end in LF as the conventions have it, the directory is synced too, and a lock that somebody holds
is waited for. When `deliver` returns, the message is on disk.
"""

import mailbox
import os
import threading
import time
from abc import ABC, abstractmethod
from datetime import datetime
from pathlib import Path

from reference_server.codec.smtp.path import ReversePath

_LOCK_WITHIN_S = 5.0
_LOCK_PAUSE_S = 0.02


class DeliveryFailed(Exception):
    """The message is not there; the text says why, for the log."""


class Spool(ABC):
    """A place in the file system that takes messages, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def deliver(self, octets: bytes, *, reverse_path: ReversePath, when: datetime) -> None:
        """Write the message and sync it; raises `DeliveryFailed`."""
        text = octets.replace(b"\r\n", b"\n")
        with self._lock:
            try:
                self._write(text, reverse_path, when)
            except (OSError, mailbox.Error) as error:
                raise DeliveryFailed(f"{self}: {error}") from error

    @abstractmethod
    def _write(self, text: bytes, reverse_path: ReversePath, when: datetime) -> None: ...


class Maildir(Spool):
    """One file a message: written in `tmp`, synced, then linked into `new`, so that no lock is needed."""

    def __str__(self) -> str:
        return f"maildir:{self.path}"

    def _write(self, text: bytes, reverse_path: ReversePath, when: datetime) -> None:  # noqa: ARG002
        made = not (self.path / "new").is_dir()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        mailbox.Maildir(self.path, create=True).add(text)
        if made:
            _sync_directory(self.path.parent)
            _sync_directory(self.path)
        _sync_directory(self.path / "new")


class Mbox(Spool):
    """All messages in one file, each after a `From ` line; lines like it are stuffed with `>` (mboxo).

    Written under both locks; each delivery reads the file through once, to know where it ends.
    """

    def __str__(self) -> str:
        return f"mbox:{self.path}"

    def _write(self, text: bytes, reverse_path: ReversePath, when: datetime) -> None:
        made = not self.path.exists()
        if made:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        box = self._locked()
        try:
            box.add(_from_line(reverse_path, when) + text)
            box.flush()
        finally:
            box.close()
        if made:
            _sync_directory(self.path.parent)

    def _locked(self) -> mailbox.mbox:
        """Open the file under fcntl's lock and the `.lock` file, as readers of mbox expect."""
        deadline_s = time.monotonic() + _LOCK_WITHIN_S
        while True:
            before = _identity(self.path)
            box = mailbox.mbox(self.path, create=True)
            try:
                box.lock()
                if before is None or before == _identity(self.path):
                    return box
                # A reader has put another file in its place while we waited.
            except mailbox.ExternalClashError:
                if time.monotonic() >= deadline_s:
                    box.close()
                    raise
            box.close()
            time.sleep(_LOCK_PAUSE_S)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _from_line(reverse_path: ReversePath, when: datetime) -> bytes:
    sender = "MAILER-DAEMON" if reverse_path is None else str(reverse_path).replace(" ", "-")
    return f"From {sender} {time.asctime(when.utctimetuple())}\n".encode()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
