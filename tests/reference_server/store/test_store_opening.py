"""Opening a data directory: one clear line when it cannot be, and nothing touched."""

import sqlite3
from pathlib import Path

import pytest

from reference_server.store import Account, NewMessage, Store, StoreError
from reference_server.store.changes import Append
from reference_server.store.database import DATABASE_NAME, LOCK_NAME
from reference_server.store.passwords import CHEAP
from reference_server.store.schema import PAGE_OCTETS, VERSION


def make(directory: Path) -> Path:
    """Return the database file of a store that holds a little, closed."""
    store = Store.open(directory, cost=CHEAP)
    account = store.add_account("alice@one.test", "x")
    assert isinstance(account, Account)
    store.commit(Append(account.account_id, "INBOX", tuple(NewMessage(b"x" * 20_000) for _ in range(20))))
    store.close()
    return directory / DATABASE_NAME


def refused(directory: Path) -> str:
    before = {path.name: path.read_bytes() for path in directory.iterdir() if path.name != LOCK_NAME}
    with pytest.raises(StoreError) as caught:
        Store.open(directory, cost=CHEAP)
    after = {path.name: path.read_bytes() for path in directory.iterdir() if path.name != LOCK_NAME}
    assert after == before
    text = str(caught.value)
    assert "\n" not in text
    assert str(directory) in text
    return text


def test_open_makes_the_directory_for_its_owner_only(tmp_path: Path) -> None:
    path = make(tmp_path / "a" / "b")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o077 == 0


def test_nothing_is_left_beside_a_closed_database(tmp_path: Path) -> None:
    make(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {DATABASE_NAME, LOCK_NAME}


def test_a_crash_while_the_database_was_made_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).with_suffix(".new").write_bytes(b"half")
    make(tmp_path)


@pytest.mark.parametrize("octets", [b"", b"x", b"no database at all, but quite a long file" * 100])
def test_what_is_no_database(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(octets)
    assert "damaged" in refused(tmp_path)


@pytest.mark.parametrize("start", [0, 100, PAGE_OCTETS // 2, 2 * PAGE_OCTETS])
def test_damaged_database(tmp_path: Path, start: int) -> None:
    path = make(tmp_path)
    octets = bytearray(path.read_bytes())
    octets[start : start + 8192] = bytes(b ^ 0x5A for b in octets[start : start + 8192])
    path.write_bytes(octets)
    assert "damaged" in refused(tmp_path)


def test_truncated_database(tmp_path: Path) -> None:
    path = make(tmp_path)
    path.write_bytes(path.read_bytes()[:50_000])
    assert "damaged" in refused(tmp_path)


def test_database_of_another_program(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE_NAME)
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY)")
    connection.commit()
    connection.close()
    assert "another program" in refused(tmp_path)


def test_database_of_a_newer_version(tmp_path: Path) -> None:
    connection = sqlite3.connect(make(tmp_path))
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.commit()
    connection.close()
    assert "newer" in refused(tmp_path)


def test_database_without_one_of_its_tables(tmp_path: Path) -> None:
    connection = sqlite3.connect(make(tmp_path))
    connection.execute("DROP TABLE entry")
    connection.commit()
    connection.close()
    assert "no table entry" in refused(tmp_path)


def test_one_process_per_directory(tmp_path: Path) -> None:
    first = Store.open(tmp_path, cost=CHEAP)
    with pytest.raises(StoreError, match="in use by process"):
        Store.open(tmp_path, cost=CHEAP)
    first.close()
    Store.open(tmp_path, cost=CHEAP).close()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_directory_that_cannot_be(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(StoreError, match="give a directory that can be written"):
        Store.open(file / below if below else file, cost=CHEAP)


def test_a_failed_opening_leaves_the_directory_unlocked(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_NAME
    path.write_bytes(b"x")
    refused(tmp_path)
    path.unlink()
    make(tmp_path)


def test_close_twice(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    store.close()
    store.close()


def test_what_a_crash_left_in_the_log_is_checked_and_read(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "crashed", cost=CHEAP)
    alice = store.add_account("alice@one.test", "x")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "crashed").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    store.close()
    assert (copy / f"{DATABASE_NAME}-wal").stat().st_size > 0
    again = Store.open(copy, cost=CHEAP)
    assert again.accounts() == (alice,)
    again.close()
