"""The reference server on a disk that can be cut off, filled and broken: `python faulty_disk.py DIR ...`.

SQLite reaches the disk through a VFS, a table of C functions. This program puts its own `xWrite`, `xTruncate`
and `xSync` before the system's for the database and its write-ahead log, as the process' default VFS, then
runs `python -m reference_server` with the other arguments. In DIR it

- appends every call to `journal`: so a reader knows what a power cut at any moment would have left;
- reads `order`: `write CODE` or `sync CODE` has such calls fail with SQLite's CODE; `hold` has each sync
  announce itself in the FIFO `reached` and wait for an octet in the FIFO `go`.

`--synchronous WORD` seeds the mistake that the journal is to reveal: the writer does not sync as it should.
"""

import ctypes
import os
import sqlite3
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from reference_server import __main__ as server
from reference_server.store import database

RECORD: Final = struct.Struct(">cBQI")
"""Kind (W, T or S), file (0 the database, 1 its log), offset, and how many octets follow."""
SUFFIXES: Final = ("mailproof.sqlite", "mailproof.sqlite-wal")
_KEPT: Final[list[Any]] = []
"""What C points to must not be collected."""
_OPEN = ctypes.CFUNCTYPE(
    *(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_longlong)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_ = (
        *(("version", ctypes.c_int), ("file_size", ctypes.c_int), ("max_path", ctypes.c_int)),
        *(("next", ctypes.c_void_p), ("name", ctypes.c_char_p), ("data", ctypes.c_void_p)),
        *(("open", ctypes.c_void_p), ("rest", ctypes.c_void_p * 15)),
    )


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_ = (
        *(("version", ctypes.c_int), ("close", ctypes.c_void_p), ("read", ctypes.c_void_p)),
        *(("write", ctypes.c_void_p), ("truncate", ctypes.c_void_p), ("sync", ctypes.c_void_p)),
        ("rest", ctypes.c_void_p * 13),
    )


def library_of_sqlite() -> str:
    """Return the path of the very library that Python's sqlite3 uses."""
    assert sqlite3.sqlite_version
    paths = {
        line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "sqlite3" in line
    }
    shared = [path for path in paths if "libsqlite3" in path]
    return shared[0] if shared else next(path for path in paths if "_sqlite3" in path)


class FaultyDisk:
    """The VFS."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._order = directory / "order"
        self._journal = os.open(directory / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._library = ctypes.CDLL(library_of_sqlite())
        self._library.sqlite3_vfs_find.restype = ctypes.c_void_p

    def install(self) -> None:
        """Make it the default of every connection to come."""
        system = _Vfs.from_address(self._library.sqlite3_vfs_find(None))
        system_open = _OPEN(system.open)
        ours = _Vfs.from_buffer_copy(system)
        ours.name = b"faulty"

        def open_file(vfs: int, name: int, file: int, flags: int, out_flags: int) -> int:
            code = int(system_open(vfs, name, file, flags, out_flags))
            path = ctypes.string_at(name).decode() if name else ""
            for number, suffix in enumerate(SUFFIXES):
                if code == 0 and path.endswith(suffix):
                    self._interpose(file, number)
            return code

        callback = _OPEN(open_file)
        ours.open = ctypes.cast(callback, ctypes.c_void_p).value
        _KEPT.extend((ours, callback))
        assert self._library.sqlite3_vfs_register(ctypes.byref(ours), 1) == 0

    def _interpose(self, file: int, number: int) -> None:
        """Put our functions into the file's table."""
        pointer = ctypes.c_void_p.from_address(file)
        assert pointer.value is not None
        system = _Methods.from_address(pointer.value)
        ours = _Methods.from_buffer_copy(system)
        system_write, system_truncate, system_sync = (
            _WRITE(system.write), _TRUNCATE(system.truncate), _SYNC(system.sync),
        )  # fmt: skip

        def write(this: int, octets: int, size: int, offset: int) -> int:
            if code := self._ordered("write"):
                return code
            self._note(b"W", number, offset, ctypes.string_at(octets, size))
            return int(system_write(this, octets, size, offset))

        def truncate(this: int, size: int) -> int:
            self._note(b"T", number, size, b"")
            return int(system_truncate(this, size))

        def sync(this: int, flags: int) -> int:
            if code := self._ordered("sync"):
                return code
            code = int(system_sync(this, flags))
            self._note(b"S", number, 0, b"")
            return code

        callbacks = (_WRITE(write), _TRUNCATE(truncate), _SYNC(sync))
        ours.write, ours.truncate, ours.sync = (
            ctypes.cast(callback, ctypes.c_void_p).value for callback in callbacks
        )
        _KEPT.extend((ours, callbacks, system_write, system_truncate, system_sync))
        pointer.value = ctypes.addressof(ours)

    def _ordered(self, call: str) -> int:
        """Return the code that the call is to fail with, 0 for none; waits where that is ordered."""
        try:
            words = self._order.read_text().split()
        except FileNotFoundError:
            return 0
        if words[0] == call:
            return int(words[1])
        if words[0] == "hold" and call == "sync":
            with (self._directory / "reached").open("wb", buffering=0) as reached:
                reached.write(b"x")
            with (self._directory / "go").open("rb", buffering=0) as go:
                go.read(1)
        return 0

    def _note(self, kind: bytes, number: int, offset: int, octets: bytes) -> None:
        os.write(self._journal, RECORD.pack(kind, number, offset, len(octets)) + octets)


def what_a_power_cut_leaves(journal: bytes, files: Sequence[bytes]) -> list[bytes]:
    """Return each file with the calls that a sync of that very file came after, and with no others."""
    disk = [bytearray(octets) for octets in files]
    pending: list[list[tuple[bytes, int, bytes]]] = [[] for _ in files]
    position = 0
    while position < len(journal):
        kind, number, offset, size = RECORD.unpack_from(journal, position)
        position += RECORD.size + size
        if kind != b"S":
            pending[number].append((kind, offset, journal[position - size : position]))
            continue
        for call, place, octets in pending[number]:
            image = disk[number]
            if call == b"T":
                del image[place:]
            else:
                image.extend(bytes(max(0, place - len(image))))
                image[place : place + len(octets)] = octets
        pending[number].clear()
    return [bytes(image) for image in disk]


def main(arguments: Sequence[str]) -> int:
    """Install the disk, then be the server."""
    directory, *rest = arguments
    FaultyDisk(Path(directory)).install()
    if rest and rest[0] == "--synchronous":
        word, rest = rest[1], rest[2:]
        open_writer = database.open_writer

        def mistaken(path: Path, tables: Iterable[str]) -> sqlite3.Connection:
            connection = open_writer(path, tables)
            connection.execute(f"PRAGMA synchronous = {word}")
            return connection

        database.open_writer = mistaken
    return server.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
