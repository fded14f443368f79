"""The database file below the data directory: made in one step, checked untouched, used by one process."""

import fcntl
import os
import secrets
import sqlite3
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from reference_server.store.errors import StoreError
from reference_server.store.schema import APPLICATION_ID, PAGE_OCTETS, SCHEMA, UPGRADES, VERSION

DATABASE_NAME: Final = "mailproof.sqlite"
LOCK_NAME: Final = "mailproof.lock"

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_OCTETS: Final = 100
_CHECKED_OCTETS: Final = 64 * 1024 * 1024
"""Up to this size the whole file is checked when it is opened; that costs a fraction of a second."""
_STATEMENTS: Final = 512


class Lock:
    """The data directory's lock file; the kernel frees it however the process ends."""

    def __init__(self, directory: Path) -> None:
        path = directory / LOCK_NAME
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"{directory}: cannot write there ({error.strerror}); give a directory that can be written"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StoreError(
                f"{directory}: in use by process {owner or 'unknown'}; stop it or give another directory"
            ) from None
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process open the directory."""
        os.close(self._descriptor)


def make_directory(directory: Path) -> None:
    """Create the data directory if need be, closed to other users, and sync its name to disk."""
    if directory.is_dir():
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_directory(directory.absolute().parent)
    except OSError as error:
        raise StoreError(
            f"{directory}: cannot be made ({error.strerror}); give a directory that can be written"
        ) from None


def prepare(directory: Path, *, first_uid_validity: int) -> Path:
    """Return the path of a database that is ours, whole and of our version, making it if there is none."""
    path = directory / DATABASE_NAME
    try:
        if path.exists():
            check(path)
        else:
            _create(path, first_uid_validity)
    except sqlite3.Error as error:
        raise damaged(path, error) from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; give a data directory that can be written") from None
    return path


def damaged(path: Path, why: object) -> StoreError:
    """Return the one line about a file that cannot be read."""
    one_line = " ".join(str(why).replace("*", "").split())
    return StoreError(
        f"{path}: damaged ({one_line}); put a backup in its place or give an empty data directory"
    )


def check(path: Path) -> None:
    """Read the file without changing it, and raise `StoreError` unless it can be used."""
    with path.open("rb") as file:
        header = file.read(_HEADER_OCTETS)
    if len(header) < _HEADER_OCTETS or not header.startswith(_MAGIC):
        raise damaged(path, "no database header")
    (version,) = struct.unpack_from(">I", header, 60)
    (application_id,) = struct.unpack_from(">I", header, 68)
    if application_id != APPLICATION_ID:
        raise StoreError(f"{path}: a database of another program; give another data directory")
    if version > VERSION:
        raise StoreError(
            f"{path}: written by a newer mailproof (format {version}, not {VERSION}); upgrade mailproof"
        )
    if version < min(UPGRADES):
        raise StoreError(f"{path}: format {version} was never released; give an empty data directory")
    # Without a write-ahead log all is in the file itself, and `immutable` leaves not even a lock beside it.
    log = path.with_name(path.name + "-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
    try:
        names = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        missing = sorted({"account", "mailbox", "message", "entry", "counter"} - names)
        if missing:
            raise damaged(path, f"no table {missing[0]}")
        if path.stat().st_size <= _CHECKED_OCTETS:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise damaged(path, verdict)
    finally:
        connection.close()


def _create(path: Path, first_uid_validity: int) -> None:
    """Make the database beside its place and rename it, so that a crash leaves none or a whole one."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_OCTETS}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        connection.executemany(
            "INSERT INTO counter (name, value) VALUES (?, ?)",
            [("last_uid_validity", first_uid_validity), ("login_secret", secrets.token_bytes(32))],
        )
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.rename(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Sync the names in a directory to disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_writer(path: Path, tables: Iterable[str]) -> sqlite3.Connection:
    """Open the one connection that writes; a commit is synced to disk when it returns."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = OFF")
        _upgrade(connection)
        for statement in tables:
            connection.execute(statement)
    except sqlite3.Error as error:
        connection.close()
        raise damaged(path, error) from None
    return connection


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring a database of an earlier format up to ours, in one transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for format_ in range(version, VERSION):
        for statement in UPGRADES[format_]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that only reads, each statement seeing the latest commit."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    return connection
