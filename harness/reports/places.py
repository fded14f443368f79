"""Files that a run writes at its end: refused at the beginning where they cannot be written."""

import os
from pathlib import Path

from harness.vocabulary.errors import UsageError


def verify_writable(path: Path, option: str) -> None:
    """Refuse a file that could not be written before an hour is spent on the run."""
    folder = path.absolute().parent
    if path.is_dir():
        raise UsageError(f"{option} {path}: cannot be written: it is a folder; name a file")
    if not folder.is_dir():
        raise UsageError(
            f"{option} {path}: cannot be written: there is no folder {path.parent}; make it first"
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{option} {path}: cannot be written by this user; name another file")
