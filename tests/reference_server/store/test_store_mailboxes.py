"""Names of mailboxes: the rules of RFC 3501 §6.3.3 to §6.3.7, and UIDVALIDITY that only goes up."""

from pathlib import Path

import pytest

from reference_server.store import Account, NewMessage, Refusal, Store
from reference_server.store.changes import (
    Append,
    Created,
    CreateMailbox,
    DeleteMailbox,
    RenameMailbox,
    Subscribe,
)
from reference_server.store.passwords import CHEAP


def create(store: Store, account: Account, *names: str) -> None:
    for name in names:
        assert isinstance(store.commit(CreateMailbox(account.account_id, name)), Created)


def names(store: Store, account: Account) -> list[str]:
    return [entry.name for entry in store.mailboxes(account.account_id)]


def uid_validity(store: Store, account: Account, name: str) -> int:
    entry = store.entry(account.account_id, name)
    assert entry is not None
    return entry.uid_validity


def count(store: Store, account: Account, name: str) -> int:
    mailbox = store.mailbox(account.account_id, name)
    assert mailbox is not None
    return len(mailbox)


def test_every_account_has_an_inbox(store: Store, alice: Account) -> None:
    assert names(store, alice) == ["INBOX"]


def test_create_makes_what_is_missing_above(store: Store, alice: Account) -> None:
    create(store, alice, "a/b/c", "inbox/x")
    assert names(store, alice) == ["INBOX", "INBOX/x", "a", "a/b", "a/b/c"]


def test_a_delimiter_at_the_end_is_only_a_hint(store: Store, alice: Account) -> None:
    create(store, alice, "a/")
    assert names(store, alice) == ["INBOX", "a"]


@pytest.mark.parametrize("name", ["inbox", "a", "a/"])
def test_create_what_exists(store: Store, alice: Account, name: str) -> None:
    create(store, alice, "a")
    assert store.commit(CreateMailbox(alice.account_id, name)) is Refusal.MAILBOX_EXISTS


@pytest.mark.parametrize("name", ["", "/", "/a", "a//b", "a\0", "a\n", "\x7f", "\ud800", "x" * 1001])
def test_names_that_cannot_be(store: Store, alice: Account, name: str) -> None:
    create(store, alice, "a")
    assert store.commit(CreateMailbox(alice.account_id, name)) is Refusal.BAD_NAME
    assert store.commit(RenameMailbox(alice.account_id, "a", name)) is Refusal.BAD_NAME


def test_delete(store: Store, alice: Account) -> None:
    create(store, alice, "a")
    store.commit(DeleteMailbox(alice.account_id, "a"))
    assert names(store, alice) == ["INBOX"]
    assert store.mailbox(alice.account_id, "a") is None
    assert store.commit(DeleteMailbox(alice.account_id, "a")) is Refusal.NO_SUCH_MAILBOX


def test_inbox_cannot_be_deleted(store: Store, alice: Account) -> None:
    assert store.commit(DeleteMailbox(alice.account_id, "Inbox")) is Refusal.NOT_ALLOWED


def test_delete_with_names_below_leaves_an_empty_node(store: Store, alice: Account, tmp_path: Path) -> None:
    create(store, alice, "a/b")
    store.commit(Append(alice.account_id, "a", (NewMessage(b"x"),)))
    before = uid_validity(store, alice, "a")
    store.commit(DeleteMailbox(alice.account_id, "a"))
    assert names(store, alice) == ["INBOX", "a", "a/b"]
    assert store.mailbox(alice.account_id, "a") is None
    assert store.commit(Append(alice.account_id, "a", (NewMessage(b"x"),))) is Refusal.NOT_SELECTABLE
    assert store.commit(DeleteMailbox(alice.account_id, "a")) is Refusal.HAS_CHILDREN
    store.close()
    again = Store.open(tmp_path / "data", cost=CHEAP)
    assert again.mailbox(alice.account_id, "a") is None
    create(again, alice, "a")
    assert count(again, alice, "a") == 0
    assert uid_validity(again, alice, "a") > before
    again.close()


def test_uid_validity_rises_when_a_name_comes_again(store: Store, alice: Account) -> None:
    seen = []
    for _ in range(3):
        create(store, alice, "a")
        seen.append(uid_validity(store, alice, "a"))
        store.commit(DeleteMailbox(alice.account_id, "a"))
    assert seen == sorted(set(seen))


def test_uid_validity_rises_over_restarts_with_a_clock_that_goes_back(
    store: Store, alice: Account, tmp_path: Path
) -> None:
    create(store, alice, "a")
    before = uid_validity(store, alice, "a")
    store.close()
    again = Store.open(tmp_path / "data", cost=CHEAP)
    create(again, alice, "b")
    assert uid_validity(again, alice, "b") > before
    again.close()


def test_rename_takes_the_names_below_along(store: Store, alice: Account) -> None:
    create(store, alice, "a/b/c", "ab")
    store.commit(Append(alice.account_id, "a/b", (NewMessage(b"x"),)))
    before = uid_validity(store, alice, "a/b")
    store.commit(RenameMailbox(alice.account_id, "a", "x/y"))
    assert names(store, alice) == ["INBOX", "ab", "x", "x/y", "x/y/b", "x/y/b/c"]
    assert count(store, alice, "x/y/b") == 1
    assert uid_validity(store, alice, "x/y/b") == before


def test_rename_to_a_name_that_had_a_higher_uid_validity(store: Store, alice: Account) -> None:
    create(store, alice, "old", "new")
    before = uid_validity(store, alice, "new")
    store.commit(DeleteMailbox(alice.account_id, "new"))
    store.commit(RenameMailbox(alice.account_id, "old", "new"))
    assert uid_validity(store, alice, "new") > before


def test_rename_there_and_back_never_goes_down(store: Store, alice: Account) -> None:
    create(store, alice, "a")
    first = uid_validity(store, alice, "a")
    store.commit(RenameMailbox(alice.account_id, "a", "b"))
    create(store, alice, "a")
    second = uid_validity(store, alice, "a")
    store.commit(DeleteMailbox(alice.account_id, "a"))
    store.commit(RenameMailbox(alice.account_id, "b", "a"))
    assert first < second < uid_validity(store, alice, "a")


@pytest.mark.parametrize(
    ("name", "new_name", "refusal"),
    [
        ("none", "x", Refusal.NO_SUCH_MAILBOX),
        ("a", "inbox", Refusal.MAILBOX_EXISTS),
        ("a", "b", Refusal.MAILBOX_EXISTS),
        ("a", "a", Refusal.MAILBOX_EXISTS),
        ("a", "a/x", Refusal.NOT_ALLOWED),
    ],
)
def test_renames_that_are_refused(
    store: Store, alice: Account, name: str, new_name: str, refusal: Refusal
) -> None:
    create(store, alice, "a", "b")
    assert store.commit(RenameMailbox(alice.account_id, name, new_name)) is refusal
    assert names(store, alice) == ["INBOX", "a", "b"]


def test_rename_of_inbox_moves_its_messages_and_leaves_it(store: Store, alice: Account) -> None:
    create(store, alice, "INBOX/x")
    store.commit(Append(alice.account_id, "INBOX", (NewMessage(b"1"), NewMessage(b"2"))))
    assert count(store, alice, "INBOX") == 2
    store.commit(RenameMailbox(alice.account_id, "inbox", "old/mail"))
    assert names(store, alice) == ["INBOX", "INBOX/x", "old", "old/mail"]
    assert (count(store, alice, "INBOX"), count(store, alice, "old/mail")) == (0, 2)
    result = store.commit(Append(alice.account_id, "INBOX", (NewMessage(b"3"),)))
    assert not isinstance(result, Refusal)
    assert result.uids == (3,)


def test_subscriptions_need_no_mailbox_and_survive_it(store: Store, alice: Account, tmp_path: Path) -> None:
    store.commit(Subscribe(alice.account_id, "a"))
    store.commit(Subscribe(alice.account_id, "a"))
    store.commit(Subscribe(alice.account_id, "inbox"))
    create(store, alice, "a")
    store.commit(DeleteMailbox(alice.account_id, "a"))
    assert store.subscriptions(alice.account_id) == {"a", "INBOX"}
    store.close()
    again = Store.open(tmp_path / "data", cost=CHEAP)
    assert again.subscriptions(alice.account_id) == {"a", "INBOX"}
    again.commit(Subscribe(alice.account_id, "a", subscribed=False))
    assert again.subscriptions(alice.account_id) == {"INBOX"}
    again.close()


def test_accounts_do_not_see_each_other(store: Store, alice: Account, bob: Account) -> None:
    create(store, alice, "a")
    assert names(store, bob) == ["INBOX"]
    assert uid_validity(store, alice, "INBOX") != uid_validity(store, bob, "INBOX")
