"""The writer: one sync for all who wait, an answer for everybody, whatever goes wrong."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reference_server.store import Account, Change, NewMessage, Store, StoreUnavailable, Together
from reference_server.store.change import Table, Transaction
from reference_server.store.changes import Append, Appended, CreateMailbox
from reference_server.store.passwords import CHEAP


@dataclass(frozen=True, slots=True)
class Bad(Change[None]):
    """Touches the mailbox's counters and the disk, then fails."""

    account: Account
    error: Exception

    def apply(self, transaction: Transaction) -> None:
        Append(self.account.account_id, "INBOX", (NewMessage(b"never"),)).apply(transaction)
        CreateMailbox(self.account.account_id, "never").apply(transaction)
        transaction.flush()
        raise self.error


@dataclass(frozen=True, slots=True)
class Held(Change[None]):
    """Keeps the writer busy until it is let go, so that what follows is one group."""

    started: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def apply(self, transaction: Transaction) -> None:
        self.started.set()
        assert self.release.wait(20)


def append(account: Account, octets: bytes = b"x") -> Append:
    return Append(account.account_id, "INBOX", (NewMessage(octets),))


def submit_as_one_group(store: Store, *changes: Change[Any]) -> list[Any]:
    """Submit all while the writer is busy; their outcomes, in order."""
    outcomes: list[Any] = [None] * len(changes)
    held = Held()
    store.submit(held)
    assert held.started.wait(20)
    for number, change in enumerate(changes):
        store.submit(change, _put(outcomes, number))
    held.release.set()
    store.settle()
    return outcomes


def _put(outcomes: list[Any], number: int) -> Callable[[Any], None]:
    def put(outcome: Any) -> None:
        outcomes[number] = outcome

    return put


def test_what_waits_together_is_synced_together(store: Store, alice: Account) -> None:
    connection = store._writing
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    outcomes = submit_as_one_group(store, *[append(alice, b"%d" % n) for n in range(30)])
    connection.set_trace_callback(None)
    assert [outcome.uids for outcome in outcomes] == [(n,) for n in range(1, 31)]
    group = [s for s in statements if s.startswith("INSERT INTO message")]
    assert len(group) == 1
    assert sum(s.startswith("UPDATE mailbox") for s in statements) == 1


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), KeyError("a bug")])
def test_a_bad_change_spoils_no_other(
    store: Store, alice: Account, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = submit_as_one_group(store, append(alice), Bad(alice, error), append(alice))
    assert isinstance(outcomes[1], StoreUnavailable)
    assert [outcomes[0].uids, outcomes[2].uids] == [(1,), (2,)]
    assert store.entry(alice.account_id, "never") is None
    assert "Bad" in caplog.text


def test_counters_that_ran_ahead_are_taken_back(store: Store, alice: Account) -> None:
    assert store.commit(append(alice)).uids == (1,)  # type: ignore[union-attr]
    with pytest.raises(StoreUnavailable):
        store.commit(Bad(alice, KeyError("a bug")))
    mailbox = store.mailbox(alice.account_id, "INBOX")
    assert mailbox is not None
    before = mailbox.modseq
    result = store.commit(append(alice))
    assert isinstance(result, Appended)
    assert (result.uids, result.modseq) == ((2,), before + 1)
    assert store.commit(CreateMailbox(alice.account_id, "never")).entry.name == "never"  # type: ignore[union-attr]


def test_disk_full_is_an_answer_and_passes(store: Store, alice: Account) -> None:
    pages = store._writing.execute("PRAGMA page_count").fetchone()[0]
    store._writing.execute(f"PRAGMA max_page_count = {pages}")
    outcomes = submit_as_one_group(store, *[append(alice, b"x" * 100_000) for _ in range(3)])
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    store._writing.execute("PRAGMA max_page_count = 1000000")
    assert store.commit(append(alice)).uids == (1,)  # type: ignore[union-attr]


class _EndOfThread(BaseException):
    """Something that no code is meant to survive."""


@dataclass(frozen=True, slots=True)
class Deadly(Change[None]):
    def apply(self, transaction: Transaction) -> None:
        raise _EndOfThread


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_writer_answers_everybody(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    alice = store.add_account("alice@one.test", "x")
    assert isinstance(alice, Account)
    outcomes: list[Any] = []
    held = Held()
    store.submit(held, outcomes.append)
    assert held.started.wait(20)
    for change in (append(alice), Deadly(), append(alice)):
        store.submit(change, outcomes.append)
    held.release.set()
    store._writer.join(20)
    store._run_finished()
    assert outcomes[0] is None
    assert [type(outcome) for outcome in outcomes[1:]] == [StoreUnavailable] * 3
    with pytest.raises(StoreUnavailable):
        store.commit(append(alice))
    store.close()
    again = Store.open(tmp_path, cost=CHEAP)
    mailbox = again.mailbox(alice.account_id, "INBOX")
    assert mailbox is not None
    assert len(mailbox) == 0
    again.close()


QUEUE = Table("queue_test", ("id", "octets"))


@dataclass(frozen=True, slots=True)
class Enqueue(Change[int]):
    """What a package with a table of its own does."""

    octets: bytes

    def apply(self, transaction: Transaction) -> int:
        transaction.insert(QUEUE, (None, self.octets))
        return int(transaction.sql.execute("SELECT count(*) FROM queue_test").fetchone()[0])


def test_tables_of_others_and_changes_together(tmp_path: Path) -> None:
    tables = ("CREATE TABLE IF NOT EXISTS queue_test (id INTEGER PRIMARY KEY, octets BLOB)",)
    for expected in (1, 2):
        store = Store.open(tmp_path, cost=CHEAP, tables=tables)
        store.add_account("alice@one.test", "x")
        alice = store.account("alice")
        assert alice is not None
        appended, queued = store.commit(Together((append(alice), Enqueue(b"m"))))
        assert (appended.uids, queued) == ((expected,), expected)
        with pytest.raises(StoreUnavailable):
            store.commit(Together((append(alice), Enqueue(b"m"), Bad(alice, KeyError("a bug")))))
        mailbox = store.mailbox(alice.account_id, "INBOX")
        assert mailbox is not None
        assert len(mailbox) == expected
        store.close()


def test_on_an_event_loop_each_turn_is_one_hand_over(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    alice = store.add_account("alice@one.test", "x")
    assert isinstance(alice, Account)

    async def serve() -> list[Any]:
        loop = asyncio.get_running_loop()
        delivered = 0

        def deliver(batch: Callable[[], object]) -> None:
            nonlocal delivered
            delivered += 1
            loop.call_soon_threadsafe(batch)

        store.attach(soon=loop.call_soon, deliver=deliver)
        outcomes: list[Any] = []
        finished = loop.create_future()

        def done(outcome: Any) -> None:
            assert asyncio.get_running_loop() is loop
            outcomes.append(outcome)
            if len(outcomes) == 10:
                finished.set_result(None)

        for n in range(10):
            store.submit(append(alice, b"%d" % n), done)
        await finished
        assert delivered == 1
        queried = loop.create_future()
        store.query(
            lambda connection: connection.execute("SELECT count(*) FROM entry").fetchone()[0],
            queried.set_result,
        )
        assert await queried == 10
        await loop.run_in_executor(None, store.close)
        return outcomes

    outcomes = asyncio.run(serve())
    assert [outcome.uids for outcome in outcomes] == [(n,) for n in range(1, 11)]


def test_close_after_the_loop_has_ended_still_writes(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    alice = store.add_account("alice@one.test", "x")
    assert isinstance(alice, Account)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        store.attach(soon=loop.call_soon, deliver=loop.call_soon_threadsafe)
        store.submit(append(alice))

    asyncio.run(serve())
    store.close()
    again = Store.open(tmp_path, cost=CHEAP)
    mailbox = again.mailbox(alice.account_id, "INBOX")
    assert mailbox is not None
    assert len(mailbox) == 1
    again.close()


def test_waiting_on_a_loop_is_an_error_and_no_hang(tmp_path: Path) -> None:
    store = Store.open(tmp_path, cost=CHEAP)
    store.attach(soon=lambda call: call(), deliver=lambda batch: None)
    with pytest.raises(RuntimeError):
        store.commit(Together(()))
    store.close()


def test_a_failed_read_is_unavailable(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StoreUnavailable):
        store.run_query(lambda connection: connection.execute("SELECT * FROM nowhere"))
    with pytest.raises(StoreUnavailable):
        store.run_query(lambda connection: connection.execute("DELETE FROM message"))
    outcomes: list[Any] = []
    store.query(lambda connection: connection.execute("SELECT * FROM nowhere"), outcomes.append)
    while not outcomes:
        store._finished.get(timeout=20)()
    assert isinstance(outcomes[0], StoreUnavailable)
    assert "nowhere" in caplog.text
