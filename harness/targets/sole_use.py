"""Keeps two runs from having the same accounts of one server at once: each would judge the other."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from platformdirs import user_state_path

from harness.targets.file import TargetFile
from harness.vocabulary.errors import MailproofError

_LOCKS = "accounts.lock"
_DIGEST_OCTETS = 7
"""Enough to tell accounts apart, and little enough for an offset in a file."""


class AccountsInUse(MailproofError):
    """Another run has an account that this one needs."""


@contextmanager
def sole_use(file: TargetFile) -> Iterator[None]:
    """Have the target's accounts alone for the time of the context, as far as mailproof's own runs go.

    Each account at each of the target's addresses is a lock on one octet of a file, which the system takes
    away with the process. Where there is no place for the file, or the system has no locks, nothing is kept
    apart. Raises `AccountsInUse`.
    """
    descriptor = _open(user_state_path("mailproof") / _LOCKS)
    if descriptor is None:
        yield
        return
    try:
        for endpoint, account in product(file.endpoints, file.accounts.pool):
            where = hashlib.sha256(f"{endpoint}\0{account.address.lower()}".encode()).digest()
            try:
                offset = int.from_bytes(where[:_DIGEST_OCTETS])
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
            except (BlockingIOError, PermissionError):
                message = (
                    f"{file.path}: another run of mailproof is using {account.address} on {endpoint}; wait "
                    "for its end, or name other accounts"
                )
                raise AccountsInUse(message) from None
            except OSError:
                break
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
