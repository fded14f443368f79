"""The record of a run: each event is a line of JSON in a file from the moment it happens.

What was judged is on record whatever ends the run: Ctrl-C, `kill -9`, a full disk.
"""

import fcntl
import json
import os
from pathlib import Path

from harness.conformance.codec import event_to_json
from harness.conformance.events import CheckFinished, Event, RunFinished
from harness.vocabulary.errors import UsageError


class Record:
    """Listens to a run and appends every event to a file.

    The file is locked for as long as the run lasts, and what an earlier run left in it goes when the first
    event comes: a file never holds parts of two runs. Each line is handed to the system in one piece.
    """

    def __init__(self, path: Path, *, mode: int = 0o666) -> None:
        self.path = path
        self.results = 0
        """How many checks were judged and are on record."""
        self.problem = ""
        """Why the record ends before the run did, in one line; empty if it does not."""
        self._begun = False
        self._file = _open_locked(path, mode)

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if self._file < 0:
            return
        line = json.dumps(event_to_json(event), ensure_ascii=True, separators=(",", ":"))
        try:
            if not self._begun:
                _empty(self._file)
                self._begun = True
            _write(self._file, f"{line}\n".encode("ascii"))
        except OSError as error:
            # More lines after one that was cut would be damage in the middle.
            self.problem = f"{self.path}: cannot be written any more ({error.strerror}); it ends early"
            self.close()
            return
        self.results += isinstance(event, CheckFinished)
        if isinstance(event, RunFinished):
            self.close()

    def close(self) -> None:
        """Let go of the file; the end of the run does it too."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def discard(self) -> None:
        """Let go of the file and remove it."""
        self.close()
        self.path.unlink(missing_ok=True)


def _open_locked(path: Path, mode: int) -> int:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another file") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise UsageError(f"{path}: another run is recorded there; name another file") from None
    return file


def _empty(file: int) -> None:
    """Take away what an earlier run has left; a pipe or a terminal keeps nothing."""
    if os.path.isfile(file):  # noqa: PTH113 - a descriptor, not a path
        os.ftruncate(file, 0)


def _write(file: int, octets: bytes) -> None:
    while octets:
        octets = octets[os.write(file, octets) :]
