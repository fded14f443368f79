"""Views of a mailbox: whatever sessions do, each client's numbering follows from what it was told."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reference_server.store import Account, MailboxView, NewMessage, News, Store, StoreUnavailable
from reference_server.store.changes import Append, DeleteMailbox, Expunge, StoreFlags, StoreMode
from reference_server.store.changes import CreateMailbox as Create
from reference_server.store.mailbox import Mailbox
from reference_server.store.passwords import CHEAP

NOTHING = News(expunged=(), exists=None, recent=None, flags=(), keywords=False)


def append(store: Store, account: Account, *octets: bytes) -> None:
    store.commit(Append(account.account_id, "INBOX", tuple(map(NewMessage, octets))))


def inbox(store: Store, account: Account) -> Mailbox:
    mailbox = store.mailbox(account.account_id, "INBOX")
    assert mailbox is not None
    return mailbox


@contextmanager
def view_of(store: Store, mailbox: Mailbox, *, claims_recent: bool = False) -> Iterator[MailboxView]:
    view = store.view(mailbox, claims_recent=claims_recent)
    try:
        yield view
    finally:
        view.close()


def test_numbering_waits_for_the_report(store: Store, alice: Account) -> None:
    append(store, alice, b"1", b"2", b"3")
    mailbox = inbox(store, alice)
    with view_of(store, mailbox) as view:
        store.commit(Expunge(mailbox.entry.mailbox_id, [1, 3], only_deleted=False))
        append(store, alice, b"4")
        assert list(view.uids) == [1, 2, 3]
        assert view.take_news(expunge=False) == News((), 4, 4, (), keywords=False)
        assert [view.uid(n) for n in range(1, 5)] == [1, 2, 3, 4]
        assert view.is_expunged(1)
        assert not view.is_expunged(2)
        assert store.octets(view.message(3).message_id) == b"3"
        assert list(view.columns().uids) == [1, 2, 3, 4]
        assert view.take_news() == News((1, 2), None, None, (), keywords=False)
        assert list(view.uids) == [2, 4]
        assert view.take_news() == NOTHING


def test_octets_are_held_until_every_view_has_reported(store: Store, alice: Account) -> None:
    append(store, alice, b"1")
    mailbox = inbox(store, alice)
    with view_of(store, mailbox) as slow, view_of(store, mailbox) as quick:
        message_id = slow.message(1).message_id
        store.commit(Expunge(mailbox.entry.mailbox_id, only_deleted=False))
        quick.take_news()
        store.settle()
        assert store.octets(message_id) == b"1"
    store.settle()
    with pytest.raises(StoreUnavailable):
        store.octets(message_id)


def test_flags_that_others_change_are_news(store: Store, alice: Account) -> None:
    append(store, alice, b"1", b"2")
    mailbox = inbox(store, alice)
    with view_of(store, mailbox) as mine, view_of(store, mailbox) as theirs:
        change = StoreFlags(mailbox.entry.mailbox_id, [2], StoreMode.ADD, ("\\Seen", "new"), by=mine)
        store.commit(change)
        assert mine.take_news() == News((), None, None, (), keywords=True)
        assert theirs.take_news() == News((), None, None, (2,), keywords=True)
        assert theirs.take_news() == NOTHING


def test_many_changes_fold_into_few(store: Store, alice: Account) -> None:
    append(store, alice, b"1", b"2")
    mailbox = inbox(store, alice)
    with view_of(store, mailbox) as view:
        for n in range(600):
            mode = (StoreMode.ADD, StoreMode.REMOVE)[n % 2]
            store.submit(StoreFlags(mailbox.entry.mailbox_id, [1], mode, ("\\Seen",)))
        store.settle()
        assert len(view._touched) <= 300
        assert view.take_news().flags == (1,)


def test_news_ring_once_per_group(store: Store, alice: Account) -> None:
    append(store, alice, b"1")
    mailbox = inbox(store, alice)
    rung = []
    with view_of(store, mailbox) as view:
        assert not view.has_news()
        view.on_news = lambda: rung.append(1)
        append(store, alice, b"2", b"3")
        assert view.has_news()
        assert rung == [1]
        view.on_news = None
        append(store, alice, b"4")
        assert rung == [1]


def test_recent_messages_belong_to_the_first_session(store: Store, alice: Account) -> None:
    append(store, alice, b"1", b"2")
    mailbox = inbox(store, alice)
    with (
        view_of(store, mailbox) as looking,
        view_of(store, mailbox, claims_recent=True) as first,
        view_of(store, mailbox, claims_recent=True) as second,
    ):
        assert (looking.recent, first.recent, second.recent) == (2, 2, 0)
        append(store, alice, b"3")
        assert mailbox.recent == 1
        assert second.take_news().recent == 1
        assert first.take_news().recent == 2
        assert (second.is_recent(3), first.is_recent(3)) == (True, False)
        assert mailbox.recent == 0


def test_recent_is_not_given_again_after_a_restart(store: Store, alice: Account) -> None:
    append(store, alice, b"1")
    with view_of(store, inbox(store, alice), claims_recent=True):
        pass
    store.settle()
    assert store.run_query(_recent_from) == 2


def _recent_from(connection: object) -> int:
    return int(connection.execute("SELECT recent_from FROM mailbox").fetchone()[0])  # type: ignore[attr-defined]


def test_first_unseen(store: Store, alice: Account) -> None:
    append(store, alice, b"1", b"2")
    mailbox = inbox(store, alice)
    with view_of(store, mailbox) as view:
        assert view.first_unseen == 1
        store.commit(StoreFlags(mailbox.entry.mailbox_id, [1], StoreMode.ADD, ("\\Seen",)))
        assert view.first_unseen == 2
        store.commit(StoreFlags(mailbox.entry.mailbox_id, [2], StoreMode.ADD, ("\\Seen",)))
        assert view.first_unseen is None


def test_sessions_hear_that_their_mailbox_is_gone(store: Store, alice: Account) -> None:
    store.commit(Create(alice.account_id, "a"))
    mailbox = store.mailbox(alice.account_id, "a")
    assert mailbox is not None
    rung = []
    with view_of(store, mailbox) as view:
        view.on_news = lambda: rung.append(1)
        store.commit(DeleteMailbox(alice.account_id, "a"))
        assert mailbox.gone
        assert rung


@pytest.mark.parametrize("number", [0, -1, 2])
def test_numbers_outside_the_view(store: Store, alice: Account, number: int) -> None:
    append(store, alice, b"1")
    with view_of(store, inbox(store, alice)) as view:
        with pytest.raises(IndexError):
            view.uid(number)
        with pytest.raises(IndexError):
            view.message(number)


class Clients(RuleBasedStateMachine):
    """Clients that know only what they are told, against the store."""

    directory: pytest.TempPathFactory

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.open(self.directory.mktemp("views"), cost=CHEAP)
        account = self.store.add_account("a@one.test", "x")
        assert isinstance(account, Account)
        self.account = account
        self.views: list[MailboxView] = []
        self.told: list[list[int]] = []
        """What each client believes: the UIDs in the order of its sequence numbers."""
        self.claimed: dict[int, int] = {}
        self.highest = 0

    def teardown(self) -> None:
        for view in self.views:
            view.close()
        self.store.close()

    @property
    def mailbox(self) -> Mailbox:
        return inbox(self.store, self.account)

    @rule(count=st.integers(1, 3))
    def append(self, count: int) -> None:
        append(self.store, self.account, *[b"m"] * count)
        uids = list(self.mailbox.columns.uids)[-count:]
        assert min(uids) > self.highest
        self.highest = uids[-1]

    @rule(uids=st.sets(st.integers(1, 15), max_size=4))
    def expunge(self, uids: set[int]) -> None:
        self.store.commit(Expunge(self.mailbox.entry.mailbox_id, sorted(uids), only_deleted=False))

    @rule(uids=st.sets(st.integers(1, 15), max_size=4), flag=st.sampled_from(["\\Seen", "\\Deleted", "k"]))
    def flag(self, uids: set[int], flag: str) -> None:
        self.store.commit(StoreFlags(self.mailbox.entry.mailbox_id, sorted(uids), StoreMode.ADD, (flag,)))

    @precondition(lambda self: len(self.views) < 3)
    @rule(claims=st.booleans())
    def select(self, claims: bool) -> None:
        view = self.store.view(self.mailbox, claims_recent=claims)
        self.views.append(view)
        self.told.append(list(view.uids))
        assert self.told[-1] == list(self.mailbox.columns.uids)

    @precondition(lambda self: self.views)
    @rule(data=st.data(), expunge=st.booleans())
    def report(self, data: st.DataObject, expunge: bool) -> None:
        number = data.draw(st.integers(0, len(self.views) - 1))
        view, told = self.views[number], self.told[number]
        expected = view.has_news() if expunge else None
        news = view.take_news(expunge=expunge)
        assert expected is None or expected == bool(news) or not news.flags
        for sequence_number in news.expunged:
            del told[sequence_number - 1]
        if news.exists is not None:
            assert news.exists > len(told)
            told += list(view.uids)[len(told) :]
        assert all(1 <= sequence_number <= len(told) for sequence_number in news.flags)
        if expunge:
            assert told == list(self.mailbox.columns.uids)
            assert not view.has_news()

    @precondition(lambda self: self.views)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.views) - 1))
        self.views.pop(number).close()
        self.told.pop(number)

    @invariant()
    def every_client_is_right(self) -> None:
        for view, told in zip(self.views, self.told, strict=True):
            assert len(view) == len(told)
            assert list(view.uids) == told
            columns = view.columns()
            assert list(columns.uids) == told
            for sequence_number, uid in enumerate(told, 1):
                assert view.sequence_number(uid) == sequence_number
                message = view.message(sequence_number)
                assert message == columns.message(sequence_number - 1)
                assert message.uid == uid
                assert self.store.octets(message.message_id) == b"m"

    @invariant()
    def nothing_is_held_for_nobody(self) -> None:
        if not any(view.holds_expunged for view in self.views):
            assert not self.mailbox.departed


def test_clients_that_know_only_what_they_are_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    machine = type("ClientsHere", (Clients,), {"directory": tmp_path_factory})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=20, stateful_step_count=20, deadline=None)
    )


def test_recent_is_one_range_however_often_mail_comes(store: Store, alice: Account) -> None:
    with view_of(store, inbox(store, alice), claims_recent=True) as view:
        for _ in range(20):
            append(store, alice, b"x")
            view.take_news()
        assert view._recent == [(1, 21)]
        assert view.recent == 20
