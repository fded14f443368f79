"""Quotas: what an account holds is counted along with every change, and never differs from a full count."""

import sqlite3
from pathlib import Path

import pytest
from conftest import PASSWORD
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_server.clock import ManualClock
from reference_server.store import Account, NewMessage, Refusal, Store, Together
from reference_server.store.changes import (
    Append,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    Expunge,
    RenameMailbox,
    StoreFlags,
    StoreMode,
)
from reference_server.store.database import DATABASE_NAME
from reference_server.store.errors import StoreUnavailable
from reference_server.store.passwords import CHEAP
from reference_server.store.values import Quota


def counted(store: Store, account: Account) -> tuple[int, int]:
    """Count by going through all entries."""
    return store.run_query(
        lambda connection: connection.execute(
            "SELECT coalesce(sum(size), 0), count(*) FROM entry JOIN mailbox ON mailbox.id = mailbox_id"
            " WHERE account_id = ?",
            (account.account_id,),
        ).fetchone()
    )


def used(store: Store, account: Account) -> tuple[int, int]:
    usage = store.usage(account.account_id)
    assert usage is not None
    return usage.octets, usage.messages


def append(store: Store, account: Account, name: str = "INBOX", *sizes: int) -> object:
    messages = tuple(NewMessage(b"x" * size) for size in sizes or (10,))
    return store.commit(Append(account.account_id, name, messages))


def box(store: Store, account: Account, name: str = "INBOX") -> int:
    entry = store.entry(account.account_id, name)
    assert entry is not None
    return entry.mailbox_id


def test_what_does_not_fit_is_refused_whole(store: Store, alice: Account) -> None:
    store.set_quota(alice.account_id, Quota(octets=25, messages=3))
    append(store, alice)
    assert append(store, alice, "INBOX", 10, 6) is Refusal.OVER_QUOTA
    assert used(store, alice) == (10, 1)
    append(store, alice, "INBOX", 15)
    assert store.is_full(alice.account_id)
    assert append(store, alice, "INBOX", 1) is Refusal.OVER_QUOTA
    assert append(store, alice, "INBOX", 0) is not Refusal.OVER_QUOTA
    assert append(store, alice, "INBOX", 0) is Refusal.OVER_QUOTA


def test_two_in_one_transaction_see_each_other(store: Store, alice: Account) -> None:
    store.set_quota(alice.account_id, Quota(messages=1))
    one = Append(alice.account_id, "INBOX", (NewMessage(b"x"),))
    first, second = store.commit(Together((one, one)))
    assert not isinstance(first, Refusal)
    assert second is Refusal.OVER_QUOTA


def test_room_comes_back(store: Store, alice: Account) -> None:
    store.set_quota(alice.account_id, Quota(messages=1))
    append(store, alice)
    assert store.is_full(alice.account_id)
    store.commit(Expunge(box(store, alice), only_deleted=False))
    assert not store.is_full(alice.account_id)
    assert used(store, alice) == (0, 0)


def test_copies_count_and_moves_do_not(store: Store, alice: Account) -> None:
    store.commit(CreateMailbox(alice.account_id, "Archive"))
    append(store, alice)
    store.set_quota(alice.account_id, Quota(messages=1))
    copy = Copy(box(store, alice), (1,), alice.account_id, "Archive")
    assert store.commit(copy) is Refusal.OVER_QUOTA
    assert not isinstance(
        store.commit(Copy(box(store, alice), (1,), alice.account_id, "Archive", move=True)), Refusal
    )
    assert used(store, alice) == (10, 1)


def test_the_servers_quota_is_for_those_without_their_own(store: Store, alice: Account, bob: Account) -> None:
    store.set_quota(None, Quota(messages=1))
    store.set_quota(bob.account_id, Quota(messages=2))
    for account in (alice, bob):
        append(store, account)
    assert (store.is_full(alice.account_id), store.is_full(bob.account_id)) == (True, False)
    store.set_quota(None, Quota())
    assert not store.is_full(alice.account_id)
    assert append(store, alice) is not Refusal.OVER_QUOTA


def test_a_smaller_quota_takes_nothing_away(store: Store, alice: Account) -> None:
    append(store, alice)
    store.set_quota(alice.account_id, Quota(octets=5))
    assert store.is_full(alice.account_id)
    assert used(store, alice) == (10, 1)


def test_it_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    store = Store.open(tmp_path / "again", clock=clock, cost=CHEAP)
    account = store.add_account("carol@one.test", PASSWORD)
    assert isinstance(account, Account)
    store.set_quota(account.account_id, Quota(messages=2))
    append(store, account)
    append(store, account)
    store.close()
    store = Store.open(tmp_path / "again", clock=clock, cost=CHEAP)
    assert store.is_full(account.account_id)
    assert append(store, account) is Refusal.OVER_QUOTA
    store.close()


def test_a_transaction_that_failed_counts_for_nothing(store: Store, alice: Account) -> None:
    class Failing(Append):
        def apply(self, transaction: object) -> object:
            super().apply(transaction)
            raise sqlite3.OperationalError("disk full")

    with pytest.raises(StoreUnavailable):
        store.commit(Failing(alice.account_id, "INBOX", (NewMessage(b"x"),)))
    append(store, alice)
    assert used(store, alice) == counted(store, alice) == (10, 1)


def test_a_database_of_the_first_format_is_counted_when_it_is_opened(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = Store.open(tmp_path / "old", clock=clock, cost=CHEAP)
    account = store.add_account("carol@one.test", PASSWORD)
    assert isinstance(account, Account)
    append(store, account, "INBOX", 10, 20)
    store.close()
    connection = sqlite3.connect(tmp_path / "old" / DATABASE_NAME)
    for table, column in (
        ("account", "quota_octets"),
        ("account", "quota_messages"),
        ("mailbox", "octets"),
        ("mailbox", "messages"),
    ):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = Store.open(tmp_path / "old", clock=clock, cost=CHEAP)
    assert used(store, account) == (30, 2)
    store.close()


NAMES = st.sampled_from(["INBOX", "A", "B", "A/C"])
UIDS = st.lists(st.integers(1, 6), min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), NAMES, st.lists(st.integers(0, 50), min_size=1, max_size=3)),
        st.tuples(st.just("copy"), NAMES, NAMES, UIDS),
        st.tuples(st.just("move"), NAMES, NAMES, UIDS),
        st.tuples(st.just("expunge"), NAMES, UIDS),
        st.tuples(st.just("flag"), NAMES, UIDS),
        st.tuples(st.just("create"), NAMES),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("rename"), NAMES, NAMES),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, quota=st.sampled_from([Quota(), Quota(octets=120), Quota(messages=5)]))
def test_counting_along_is_counting_all(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple], quota: Quota
) -> None:
    store = Store.open(tmp_path_factory.mktemp("store"), clock=ManualClock(), cost=CHEAP)
    try:
        account = store.add_account("carol@one.test", PASSWORD)
        assert isinstance(account, Account)
        store.set_quota(account.account_id, quota)
        for step in steps:
            _make(store, account, step)
            octets, messages = counted(store, account)
            assert used(store, account) == (octets, messages)
            assert quota.octets is None or octets <= quota.octets
            assert quota.messages is None or messages <= quota.messages
            usage = store.usage(account.account_id)
            assert usage is not None
            assert store.is_full(account.account_id) == usage.is_full
    finally:
        store.close()


def _make(store: Store, account: Account, step: tuple) -> None:
    word, name, *rest = step
    entry = store.entry(account.account_id, name)
    mailbox_id = entry.mailbox_id if entry else 999
    match word:
        case "append":
            append(store, account, name, *rest[0])
        case "copy" | "move":
            store.commit(Copy(mailbox_id, rest[1], account.account_id, rest[0], move=word == "move"))
        case "expunge":
            store.commit(Expunge(mailbox_id, rest[0], only_deleted=False))
        case "flag":
            store.commit(StoreFlags(mailbox_id, rest[0], StoreMode.ADD, ("kw",)))
        case "create":
            store.commit(CreateMailbox(account.account_id, name))
        case "delete":
            store.commit(DeleteMailbox(account.account_id, name))
        case "rename":
            store.commit(RenameMailbox(account.account_id, name, rest[0]))
