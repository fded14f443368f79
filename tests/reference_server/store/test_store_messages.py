"""Messages in the store: octets, UIDs, flags, dates, copies; on disk and in memory alike."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_server.clock import ManualClock
from reference_server.store import Account, InternalDate, NewMessage, Refusal, Store, StoreUnavailable
from reference_server.store.changes import (
    Append,
    Appended,
    Copied,
    Copy,
    CreateMailbox,
    Expunge,
    Expunged,
    FlagsStored,
    StoreFlags,
    StoreMode,
)
from reference_server.store.flags import DELETED, FLAGGED, KEYWORD_LIMIT, SEEN, flag_names
from reference_server.store.header import header_size, sent_day
from reference_server.store.mailbox import Mailbox
from reference_server.store.passwords import CHEAP
from reference_server.store.values import NO_DAY


def append(store: Store, account: Account, *messages: NewMessage, to: str = "INBOX") -> Appended:
    result = store.commit(Append(account.account_id, to, messages))
    assert isinstance(result, Appended)
    return result


def opened(store: Store, account: Account, name: str = "INBOX") -> Mailbox:
    mailbox = store.mailbox(account.account_id, name)
    assert mailbox is not None
    return mailbox


def flags(store: Store, account: Account, uid: int, name: str = "INBOX") -> tuple[str, ...]:
    mailbox = opened(store, account, name)
    message = mailbox.message(uid)
    assert message is not None
    return flag_names(message.flags, mailbox.keywords)


def reopened(store: Store, path: Path) -> Store:
    store.close()
    return Store.open(path / "data", cost=CHEAP)


def test_octets_come_back_as_they_were(store: Store, alice: Account) -> None:
    octets = (b"", b"\r\n", b"a\nb\rc\0\xff\r\n.\r\n", bytes(range(256)) * 300)
    append(store, alice, *map(NewMessage, octets))
    columns = opened(store, alice).columns
    assert tuple(map(store.octets, columns.message_ids)) == octets
    assert list(columns.sizes) == [len(o) for o in octets]


def test_a_missing_message_is_unavailable(store: Store) -> None:
    with pytest.raises(StoreUnavailable):
        store.octets(12345)


def test_header_is_read_alone(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"A: 1\r\nB: 2\r\n\r\nbody"))
    assert store.header(opened(store, alice).columns.message_ids[0]) == b"A: 1\r\nB: 2\r\n\r\n"


def test_internal_date_keeps_its_zone(store: Store, alice: Account, tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=-7, minutes=-30))
    moment = datetime(1996, 7, 17, 2, 44, 25, tzinfo=zone)
    append(store, alice, NewMessage(b"a", internal_date=InternalDate.at(moment)))
    again = reopened(store, tmp_path)
    message = opened(again, alice).message(1)
    again.close()
    assert message is not None
    kept = InternalDate(message.internal_date, message.zone_min)
    assert kept.as_datetime() == moment
    assert kept.as_datetime().utcoffset() == zone.utcoffset(None)
    assert kept.local_day == (moment.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


def test_internal_date_is_the_moment_of_storing(store: Store, alice: Account, clock: ManualClock) -> None:
    clock.advance(3600)
    append(store, alice, NewMessage(b"a"))
    assert opened(store, alice).columns.internal_dates[0] == int(clock.now().timestamp())


def test_a_clock_that_goes_back_does_not_disturb_uids(
    store: Store, alice: Account, clock: ManualClock
) -> None:
    append(store, alice, NewMessage(b"a"))
    clock.step(-3600)
    assert append(store, alice, NewMessage(b"b")).uids == (2,)


def test_several_messages_get_consecutive_uids_or_none(store: Store, alice: Account) -> None:
    assert append(store, alice, NewMessage(b"a"), NewMessage(b"b")).uids == (1, 2)
    too_many = tuple(f"keyword{n}" for n in range(KEYWORD_LIMIT + 1))
    refused = store.commit(Append(alice.account_id, "INBOX", (NewMessage(b"c"), NewMessage(b"d", too_many))))
    assert refused is Refusal.TOO_MANY_KEYWORDS
    assert append(store, alice, NewMessage(b"e")).uids == (3,)
    assert len(opened(store, alice)) == 3


def test_append_to_nowhere(store: Store, alice: Account) -> None:
    assert store.commit(Append(alice.account_id, "none", (NewMessage(b"a"),))) is Refusal.NO_SUCH_MAILBOX


def test_append_finds_inbox_in_any_case(store: Store, alice: Account) -> None:
    assert append(store, alice, NewMessage(b"a"), to="inBox").uids == (1,)


def test_flags_and_keywords_survive_with_their_spelling(store: Store, alice: Account, tmp_path: Path) -> None:
    append(store, alice, NewMessage(b"a", ("\\SEEN", "$Work", "\\Recent", "$work")))
    again = reopened(store, tmp_path)
    assert flags(again, alice, 1) == ("\\Seen", "$Work")
    assert opened(again, alice).keywords == ("$Work",)
    again.close()


@pytest.mark.parametrize(
    ("mode", "named", "kept"),
    [
        (StoreMode.REPLACE, ("\\Flagged",), ("\\Flagged",)),
        (StoreMode.ADD, ("\\Flagged", "other"), ("\\Seen", "\\Flagged", "one", "other")),
        (StoreMode.REMOVE, ("\\seen", "ONE", "unknown"), ()),
    ],
)
def test_store_flags(
    store: Store, alice: Account, mode: StoreMode, named: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    append(store, alice, NewMessage(b"a", ("\\Seen", "one")), NewMessage(b"b"))
    mailbox = opened(store, alice)
    before = mailbox.modseq
    result = store.commit(StoreFlags(mailbox.entry.mailbox_id, [1, 99], mode, named))
    assert isinstance(result, FlagsStored)
    assert [uid for uid, _ in result.changed] == [1]
    assert flags(store, alice, 1) == kept
    assert flags(store, alice, 2) == ()
    assert mailbox.modseq == result.modseq > before


def test_store_that_changes_nothing_keeps_the_mod_sequence(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"a", ("\\Seen",)))
    mailbox = opened(store, alice)
    before = mailbox.modseq
    result = store.commit(StoreFlags(mailbox.entry.mailbox_id, [1], StoreMode.ADD, ("\\Seen",)))
    assert isinstance(result, FlagsStored)
    assert (result.changed, mailbox.modseq) == ((), before)


def test_store_unchanged_since(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"a"), NewMessage(b"b"))
    mailbox = opened(store, alice)
    mailbox_id, since = mailbox.entry.mailbox_id, mailbox.modseq
    store.commit(StoreFlags(mailbox_id, [1], StoreMode.ADD, ("\\Seen",)))
    result = store.commit(
        StoreFlags(mailbox_id, [1, 2], StoreMode.ADD, ("\\Flagged",), unchanged_since=since)
    )
    assert isinstance(result, FlagsStored)
    assert result.modified == (1,)
    assert result.changed == ((2, FLAGGED),)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_scattered_uids_are_these_and_no_others(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    count = data.draw(st.integers(1, 12))
    chosen = data.draw(st.lists(st.integers(1, count + 2)))
    with _fresh(tmp_path_factory) as (store, account):
        append(store, account, *[NewMessage(b"%d" % n) for n in range(count)])
        mailbox = opened(store, account)
        store.commit(StoreFlags(mailbox.entry.mailbox_id, chosen, StoreMode.ADD, ("\\Deleted",)))
        marked = [uid for uid in mailbox.columns.uids if flags(store, account, uid)]
        assert marked == sorted({uid for uid in chosen if uid <= count})
        store.commit(Expunge(mailbox.entry.mailbox_id))
        assert list(mailbox.columns.uids) == [uid for uid in range(1, count + 1) if uid not in chosen]


class _fresh:  # noqa: N801 - used as a statement
    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._store = Store.open(factory.mktemp("store"), cost=CHEAP)

    def __enter__(self) -> tuple[Store, Account]:
        account = self._store.add_account("a@one.test", "x")
        assert isinstance(account, Account)
        return self._store, account

    def __exit__(self, *_: object) -> None:
        self._store.close()


def test_expunge_takes_only_what_is_deleted_and_asked_for(store: Store, alice: Account) -> None:
    append(store, alice, *[NewMessage(b"%d" % n, ("\\Deleted",) * (n % 2)) for n in range(6)])
    mailbox = opened(store, alice)
    result = store.commit(Expunge(mailbox.entry.mailbox_id, [1, 2, 4]))
    assert isinstance(result, Expunged)
    assert result.uids == (2, 4)
    assert list(mailbox.columns.uids) == [1, 3, 5, 6]


def test_uids_are_never_reused(store: Store, alice: Account, tmp_path: Path) -> None:
    append(store, alice, NewMessage(b"a"), NewMessage(b"b"))
    store.commit(Expunge(opened(store, alice).entry.mailbox_id, only_deleted=False))
    again = reopened(store, tmp_path)
    assert opened(again, alice).uid_next == 3
    assert append(again, alice, NewMessage(b"c")).uids == (3,)
    again.close()


def test_expunged_octets_are_freed(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"a"))
    message_id = opened(store, alice).columns.message_ids[0]
    store.commit(Expunge(opened(store, alice).entry.mailbox_id, only_deleted=False))
    store.settle()
    with pytest.raises(StoreUnavailable):
        store.octets(message_id)
    assert store.run_query(_count_garbage) == 0


def _count_garbage(connection: object) -> int:
    return int(connection.execute("SELECT count(*) FROM garbage").fetchone()[0])  # type: ignore[attr-defined]


def test_copy_keeps_flags_date_and_octets(store: Store, alice: Account) -> None:
    store.commit(CreateMailbox(alice.account_id, "work"))
    append(store, alice, NewMessage(b"x", ("other",)), to="work")
    date = InternalDate(86400, 60)
    append(store, alice, NewMessage(b"a", ("\\Seen", "mine"), date), NewMessage(b"b"), NewMessage(b"c"))
    source = opened(store, alice)
    result = store.commit(Copy(source.entry.mailbox_id, [3, 1, 77], alice.account_id, "work"))
    assert isinstance(result, Copied)
    assert (result.source_uids, result.appended.uids) == ((1, 3), (2, 3))
    copy = opened(store, alice, "work").message(2)
    assert copy is not None
    assert (copy.internal_date, copy.zone_min) == (date.seconds, date.zone_min)
    assert flags(store, alice, 2, "work") == ("\\Seen", "mine")
    assert store.octets(copy.message_id) == b"a"
    assert len(source) == 3


@pytest.mark.parametrize("gone_first", ["INBOX", "work"])
def test_octets_stay_until_the_last_copy_is_gone(store: Store, alice: Account, gone_first: str) -> None:
    store.commit(CreateMailbox(alice.account_id, "work"))
    append(store, alice, NewMessage(b"a"))
    inbox_id = opened(store, alice).entry.mailbox_id
    for _ in range(2):
        store.commit(Copy(inbox_id, [1], alice.account_id, "work"))
    message_id = opened(store, alice).columns.message_ids[0]
    names = ["INBOX", "work"]
    names.remove(gone_first)
    store.commit(Expunge(opened(store, alice, gone_first).entry.mailbox_id, only_deleted=False))
    store.settle()
    assert store.octets(message_id) == b"a"
    store.commit(Expunge(opened(store, alice, names[0]).entry.mailbox_id, only_deleted=False))
    store.settle()
    with pytest.raises(StoreUnavailable):
        store.octets(message_id)


def test_move_is_one_step(store: Store, alice: Account) -> None:
    store.commit(CreateMailbox(alice.account_id, "work"))
    append(store, alice, NewMessage(b"a"), NewMessage(b"b", ("\\Flagged",)))
    source = opened(store, alice)
    result = store.commit(Copy(source.entry.mailbox_id, [2], alice.account_id, "work", move=True))
    assert isinstance(result, Copied)
    assert result.expunged is not None
    assert result.expunged.uids == (2,)
    assert list(source.columns.uids) == [1]
    moved = opened(store, alice, "work").message(1)
    assert moved is not None
    assert (store.octets(moved.message_id), moved.flags) == (b"b", FLAGGED)


def test_move_within_a_mailbox_gives_new_uids(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"a"), NewMessage(b"b"))
    mailbox = opened(store, alice)
    store.commit(Copy(mailbox.entry.mailbox_id, [1], alice.account_id, "INBOX", move=True))
    assert list(mailbox.columns.uids) == [2, 3]
    assert [store.octets(message_id) for message_id in mailbox.columns.message_ids] == [b"b", b"a"]


def test_copy_to_nowhere(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"a"))
    mailbox_id = opened(store, alice).entry.mailbox_id
    assert store.commit(Copy(mailbox_id, [1], alice.account_id, "none")) is Refusal.NO_SUCH_MAILBOX


def test_status_figures(store: Store, alice: Account) -> None:
    append(store, alice, NewMessage(b"abc", ("\\Seen",)), NewMessage(b"de"), NewMessage(b"f"))
    mailbox = opened(store, alice)
    assert (len(mailbox), mailbox.unseen, mailbox.octets, mailbox.recent) == (3, 2, 6, 3)
    assert mailbox.columns.flags[0] == SEEN != DELETED


def test_memory_and_disk_agree_after_everything(store: Store, alice: Account, tmp_path: Path) -> None:
    store.commit(CreateMailbox(alice.account_id, "work"))
    append(store, alice, *[NewMessage(b"%d" % n, (f"k{n % 3}",)) for n in range(20)])
    inbox = opened(store, alice)
    opened(store, alice, "work")
    mailbox_id = inbox.entry.mailbox_id
    store.commit(StoreFlags(mailbox_id, range(3, 9), StoreMode.ADD, ("\\Deleted",)))
    store.commit(Copy(mailbox_id, range(5, 12), alice.account_id, "work"))
    store.commit(Expunge(mailbox_id))
    store.commit(Copy(mailbox_id, [12, 15], alice.account_id, "work", move=True))
    before = [_figures(opened(store, alice, name)) for name in ("INBOX", "work")]
    again = reopened(store, tmp_path)
    assert [_figures(opened(again, alice, name)) for name in ("INBOX", "work")] == before
    again.close()


def _figures(mailbox: Mailbox) -> tuple[object, ...]:
    messages = [mailbox.message(uid) for uid in mailbox.columns.uids]
    return messages, mailbox.uid_next, mailbox.modseq, mailbox.keywords, mailbox.uid_validity


@pytest.mark.parametrize(
    ("octets", "size"),
    [
        (b"", 0),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"A: 1\r\n\r\nbody\r\n\r\n", 8),
        (b"A: 1\n\nbody\r\n\r\n", 6),
        (b"A: 1\r\n\nbody", 7),
        (b"A: 1\n\r\nbody", 7),
        (b"A: 1\r\n", 6),
    ],
)
def test_header_size(octets: bytes, size: int) -> None:
    assert header_size(octets) == size


@pytest.mark.parametrize(
    ("header", "day"),
    [
        (b"Date: Thu, 1 Jan 1970 23:59:59 -0800\r\n", 0),
        (b"From: a\r\nDATE:\r\n  2 jan 1970 00:00 +0000\r\n", 1),
        (b"Resent-Date: 2 Jan 1970 00:00 +0000\r\n", NO_DAY),
        (b"Date: 31 Feb 2020 00:00 +0000\r\n", NO_DAY),
        (b"Date: 1 Foo 2020 00:00 +0000\r\n", NO_DAY),
        (b"Date: yesterday\r\n", NO_DAY),
        (b"", NO_DAY),
    ],
)
def test_sent_day(header: bytes, day: int) -> None:
    assert sent_day(header) == day


def test_a_megabyte_of_blanks_in_the_date_is_read_in_one_pass() -> None:
    """Two repetitions that could share the blanks would take hours, on the one thread that writes."""
    assert sent_day(b"Date:" + b" \r\n" * 330_000 + b"1 Jan 1970 00:00 +0000\r\n") == 0
    assert sent_day(b"Date:" + b" " * 1_000_000 + b"x\r\n") == NO_DAY
