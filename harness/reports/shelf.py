"""Where runs are recorded for which nobody names a file: a folder of the user's with the newest of them."""

import contextlib
import fcntl
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from platformdirs import user_state_path

from harness.reports.record import Record
from harness.vocabulary.errors import UsageError

KEPT = 20
"""How many records are kept; older ones go when a new one is begun."""

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 40
_PATTERN = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z-*.jsonl"


def shelf() -> Path:
    """Return the folder."""
    return user_state_path("mailproof") / "runs"


def new_record(target: str) -> Record:
    """Begin a record of a run against this target, which only the user can read.

    A `UsageError` says why there is no place for it.
    """
    folder = shelf()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made ({error.strerror}); name a file") from None
    record = Record(_free_path(folder, target), mode=0o600)
    _remove_oldest(folder.glob(_PATTERN))
    return record


def _free_path(folder: Path, target: str) -> Path:
    name = _UNFIT.sub("-", target)[:_LONGEST_NAME].strip("-.") or "target"
    stem = f"{datetime.now(tz=UTC):%Y%m%dT%H%M%SZ}-{name}"
    paths = (folder / f"{stem}{f'-{number}' if number > 1 else ''}.jsonl" for number in count(1))
    return next(path for path in paths if not path.exists())


def _remove_oldest(records: Iterable[Path]) -> None:
    """Remove what is too old, but nothing that is still being written."""
    for path in sorted(records, reverse=True)[KEPT:]:
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            path.unlink()
