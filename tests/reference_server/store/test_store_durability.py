"""Kill -9 at any moment: what was acknowledged is there, once, and nothing is there that was not sent."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reference_server.store import Account, Store
from reference_server.store.passwords import CHEAP

ROUNDS = 3
FLOOR = 60
"""Acknowledgements that a round must reach before the kill; a store that stores nothing proves nothing."""

CHILD = """
import sys
from pathlib import Path
from reference_server.store import NewMessage, Store
from reference_server.store.changes import Append, Copy, Expunge

store = Store.open(Path(sys.argv[1]))
alice = store.account("alice")
inbox = store.entry(alice.account_id, "INBOX").mailbox_id
number = int(sys.argv[2])

def submit():
    global number
    number += 1
    octets = b"Message-ID: <%d@test>\\r\\n\\r\\n" % number + b"x" * (number % 5000)
    store.submit(Append(alice.account_id, "INBOX", (NewMessage(octets),)), acknowledge(number))

def acknowledge(number):
    def done(result):
        sys.stdout.write(f"{number} {result.uids[0]}\\n")
        sys.stdout.flush()
        submit()
    return done

for _ in range(8):
    submit()
while True:
    store._finished.get()()
"""


def rows(store: Store, account: Account) -> dict[int, int]:
    """Return the number in each message's Message-ID, by UID."""
    mailbox = store.mailbox(account.account_id, "INBOX")
    assert mailbox is not None
    columns = mailbox.columns
    found = {}
    for uid, message_id, size in zip(columns.uids, columns.message_ids, columns.sizes, strict=True):
        octets = store.octets(message_id)
        assert len(octets) == size
        found[uid] = int(octets.partition(b"@")[0].removeprefix(b"Message-ID: <"))
    assert mailbox.uid_next > max(columns.uids, default=0)
    return found


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    alice = store.add_account("alice@one.test", "x")
    assert isinstance(alice, Account)
    store.close()
    acknowledged: dict[int, int] = {}
    for round_number in range(1, ROUNDS + 1):
        lines = _run_until_killed(tmp_path, round_number, after=FLOOR + 37 * round_number)
        assert len(lines) >= FLOOR
        for number, uid in lines:
            assert uid not in acknowledged
            acknowledged[uid] = number
        store = Store.open(tmp_path, cost=CHEAP)
        found = rows(store, alice)
        store.close()
        assert len(set(found.values())) == len(found)
        for uid, number in acknowledged.items():
            assert found[uid] == number


def _run_until_killed(directory: Path, round_number: int, *, after: int) -> list[tuple[int, int]]:
    """Let the child append until so many were acknowledged, kill it, and return all acknowledgements."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory), str(round_number * 1_000_000)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert child.stdout is not None
    watchdog = threading.Timer(60, child.kill)
    watchdog.start()
    try:
        lines = []
        for line in child.stdout:
            lines.append(line)
            if len(lines) == after:
                child.send_signal(signal.SIGKILL)
    finally:
        watchdog.cancel()
        child.kill()
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    return [(int(number), int(uid)) for number, uid in whole]


def test_a_commit_is_synced(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    settings = [
        store._writing.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    ]
    store.close()
    assert settings == ["wal", 2]


@pytest.mark.parametrize("lost", ["-wal", "-shm"])
def test_files_beside_a_closed_database_are_not_needed(tmp_path: Path, lost: str) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    alice = store.add_account("alice@one.test", "x")
    store.close()
    for path in tmp_path.glob(f"*{lost}"):
        path.unlink()
    again = Store.open(tmp_path, cost=CHEAP)
    assert again.accounts() == (alice,)
    again.close()


def test_the_name_of_a_new_data_directory_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[int] = set()
    fsync = os.fsync

    def remember(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", remember)
    Store.open(tmp_path / "data", cost=CHEAP).close()
    assert {tmp_path.stat().st_ino, (tmp_path / "data").stat().st_ino} <= synced
