"""What becomes of a message for each recipient: aliases, full mailboxes, files; and who is told."""

import mailbox
from collections.abc import Callable
from pathlib import Path

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox, parse_mailbox
from reference_server.defects import Defects
from reference_server.mda.aliases import Aliases
from reference_server.mda.desk import Desk
from reference_server.mda.files import Maildir, Mbox, Spool
from reference_server.relay.queue import TABLES, Queue
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.store import Account, Store, StoreUnavailable
from reference_server.store.passwords import CHEAP
from reference_server.store.values import Quota

TEXT = b"Subject: x\r\n\r\nbody\r\n"
MakeDesk = Callable[..., Desk]


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> "Store":
    opened = Store.open(tmp_path / "data", clock=clock, cost=CHEAP, tables=TABLES)
    yield opened
    opened.close()


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def make_desk(store: Store, clock: ManualClock, queue: Queue, alice: Account, bob: Account) -> MakeDesk:
    def make(aliases: dict[str, str] | None = None, spools: dict[str, Spool] | None = None) -> Desk:
        return Desk(
            accounts=store,
            queue=queue,
            clock=clock,
            defects=Defects(()),
            hostname="mx.one.test",
            domains=["one.test"],
            postmaster="alice@one.test",
            aliases=Aliases(
                {
                    f"{name}@one.test": tuple(parse_mailbox(one.encode()) for one in targets.split())
                    for name, targets in (aliases or {}).items()
                }
            ),
            spools=spools,
        )

    return make


def accepted(desk: Desk, address: str, role: Role = Role.MX) -> Recipient:
    recipient = desk.recipient(parse_mailbox(address.encode()), role)
    assert isinstance(recipient, Recipient)
    return recipient


def refused(desk: Desk, address: str) -> tuple[int, str]:
    recipient = desk.recipient(parse_mailbox(address.encode()), Role.MX)
    assert isinstance(recipient, Refusal)
    return recipient.code, recipient.enhanced


def take(
    desk: Desk, store: Store, *addresses: str, role: Role = Role.MX, sender: str = "alice@one.test"
) -> list[str]:
    """Hand a message in; the enhanced code for each recipient, empty for 250."""
    envelope = Envelope(
        parse_mailbox(sender.encode()) if sender else None,
        recipients=[accepted(desk, address, role) for address in addresses],
        hello_name="client.test",
        peer_address="192.0.2.1",
        role=role,
    )
    change = desk.change_for(envelope, TEXT)
    assert not isinstance(change, Refusal)
    return [outcome.enhanced if outcome else "" for outcome in store.commit(change).outcomes]


def stored(store: Store, account: Account) -> list[bytes]:
    inbox = store.mailbox(account.account_id, "INBOX")
    assert inbox is not None
    return [store.octets(message_id) for message_id in inbox.columns.message_ids]


def queued(queue: Queue) -> list[str]:
    return sorted(str(recipient.mailbox) for batch in queue.take_due(1e12) for recipient in batch.recipients)


def test_an_alias_here_and_elsewhere(
    make_desk: MakeDesk, store: Store, queue: Queue, alice: Account, bob: Account
) -> None:
    desk = make_desk({"sales": "alice@one.test bob@one.test x@else.test"})
    assert take(desk, store, "sales@one.test", "bob@one.test", sender="x@y.test") == ["", ""]
    (to_alice,), (to_bob,) = stored(store, alice), stored(store, bob)
    # The sender stays (RFC 5321 §3.9.1), and bob gets one copy for both names.
    assert to_alice == to_bob
    assert to_alice.startswith(b"Return-Path: <x@y.test>\r\n")
    assert queued(queue) == ["x@else.test"]


def test_an_alias_is_refused_where_nobody_stands_behind_it(make_desk: MakeDesk) -> None:
    desk = make_desk(
        {"loop": "loop@one.test", "gone": "nobody@one.test", "some": "nobody@one.test bob@one.test"}
    )
    assert refused(desk, "loop@one.test") == (550, "5.4.6")
    assert refused(desk, "gone@one.test") == (550, "5.1.1")
    assert accepted(desk, "some@one.test").account is None


def test_of_a_target_that_is_nobody_the_sender_is_told(
    make_desk: MakeDesk, store: Store, alice: Account, bob: Account
) -> None:
    desk = make_desk({"some": "nobody@one.test bob@one.test"})
    for role in (Role.MX, Role.LMTP):
        assert take(desk, store, "some@one.test", role=role) == [""]
    assert len(stored(store, bob)) == 2
    for told in stored(store, alice):
        assert told.startswith(b"Return-Path: <>\r\n")
        assert b"nobody@one.test" in told
        assert b"Status: 5.1.1\r\n" in told


def test_members_for_expn(make_desk: MakeDesk) -> None:
    desk = make_desk({"sales": "alice@one.test x@else.test", "loop": "loop@one.test"})
    assert desk.members(Mailbox("Sales", "one.test")) == (
        Mailbox("alice", "one.test"),
        Mailbox("x", "else.test"),
    )
    assert desk.members(Mailbox("alice", "one.test")) is None
    assert desk.members(Mailbox("loop", "one.test")) is None


def test_users_send_as_an_alias_of_theirs(make_desk: MakeDesk, alice: Account, bob: Account) -> None:
    desk = make_desk({"sales": "alice@one.test x@else.test"})
    sales = Mailbox("Sales", "one.test")
    assert desk.sender_refusal(sales, alice, Role.SUBMISSION) is None
    assert desk.sender_refusal(sales, bob, Role.SUBMISSION) is not None
    assert desk.sender_refusal(Mailbox("x", "else.test"), alice, Role.SUBMISSION) is not None


def test_a_full_account_is_refused_at_rcpt(make_desk: MakeDesk, store: Store, alice: Account) -> None:
    desk = make_desk({"sales": "alice@one.test"})
    store.set_quota(alice.account_id, Quota(messages=1))
    assert take(desk, store, "alice@one.test", sender="x@y.test") == [""]
    assert refused(desk, "alice+x@one.test") == (452, "4.2.2")
    assert refused(desk, "sales@one.test") == (452, "4.2.2")
    store.set_quota(alice.account_id, Quota(messages=2))
    assert accepted(desk, "alice@one.test").account is not None


def test_lmtp_refuses_the_full_one_alone(
    make_desk: MakeDesk, store: Store, alice: Account, bob: Account
) -> None:
    desk = make_desk()
    store.set_quota(bob.account_id, Quota(octets=10))
    outcomes = take(desk, store, "bob@one.test", "alice@one.test", "bob+x@one.test", role=Role.LMTP)
    assert outcomes == ["5.2.2", "", "5.2.2"]
    assert len(stored(store, alice)) == 1
    assert stored(store, bob) == []


def test_too_much_for_now_is_not_too_much_for_ever(make_desk: MakeDesk, store: Store, bob: Account) -> None:
    desk = make_desk()
    store.set_quota(bob.account_id, Quota(octets=300))
    assert take(desk, store, "bob@one.test", role=Role.LMTP) == [""]
    assert take(desk, store, "bob@one.test", role=Role.LMTP) == ["4.2.2"]


def test_smtp_takes_the_message_on_and_tells_the_sender(
    make_desk: MakeDesk, store: Store, alice: Account, bob: Account
) -> None:
    desk = make_desk()
    store.set_quota(bob.account_id, Quota(octets=10))
    carol = store.add_account("carol@one.test", "secret")
    assert isinstance(carol, Account)
    assert take(desk, store, "bob@one.test", "carol@one.test") == ["", ""]
    assert len(stored(store, carol)) == 1
    (told,) = stored(store, alice)
    assert b"Final-Recipient: rfc822; bob@one.test\r\n" in told
    assert b"Status: 5.2.2\r\n" in told


def test_smtp_keeps_nothing_of_what_reaches_nobody(
    make_desk: MakeDesk, store: Store, alice: Account, bob: Account
) -> None:
    desk = make_desk()
    store.set_quota(bob.account_id, Quota(octets=10))
    assert take(desk, store, "bob@one.test", "bob+x@one.test") == ["5.2.2", "5.2.2"]
    assert stored(store, alice) == stored(store, bob) == []


def test_a_notification_that_does_not_fit_is_told_to_nobody(
    make_desk: MakeDesk, store: Store, alice: Account, bob: Account
) -> None:
    desk = make_desk()
    store.set_quota(bob.account_id, Quota(octets=10))
    store.set_quota(alice.account_id, Quota(octets=10))
    carol = store.add_account("carol@one.test", "secret")
    assert isinstance(carol, Account)
    assert take(desk, store, "bob@one.test", "carol@one.test") == ["", ""]
    assert take(desk, store, "bob@one.test", "carol@one.test", sender="") == ["", ""]
    assert len(stored(store, carol)) == 2
    assert stored(store, alice) == []


def test_into_a_maildir_and_an_mbox(
    make_desk: MakeDesk, store: Store, tmp_path: Path, alice: Account, bob: Account
) -> None:
    spools: dict[str, Spool] = {
        "alice@one.test": Maildir(tmp_path / "dir"),
        "bob@one.test": Mbox(tmp_path / "box"),
    }
    desk = make_desk(spools=spools)
    store.set_quota(bob.account_id, Quota(messages=0))
    carol = store.add_account("carol@one.test", "secret")
    assert isinstance(carol, Account)
    everybody = ("alice@one.test", "Bob@one.test", "carol@one.test")
    assert take(desk, store, *everybody, sender="x@y.test") == ["", "", ""]
    (file,) = (tmp_path / "dir" / "new").iterdir()
    (in_store,) = stored(store, carol)
    assert file.read_bytes() == in_store.replace(b"\r\n", b"\n")
    assert stored(store, alice) == stored(store, bob) == []
    box = mailbox.mbox(tmp_path / "box")
    assert len(box) == 1
    box.close()


def test_a_file_that_cannot_be_written(
    make_desk: MakeDesk, store: Store, tmp_path: Path, alice: Account, bob: Account
) -> None:
    (tmp_path / "file").touch()
    desk = make_desk(spools={"bob@one.test": Maildir(tmp_path / "file" / "dir")})
    assert take(desk, store, "bob@one.test", "alice@one.test", role=Role.LMTP) == ["4.2.0", ""]
    assert len(stored(store, alice)) == 1
    with pytest.raises(StoreUnavailable):
        take(desk, store, "bob@one.test", "alice@one.test", sender="x@y.test")
    assert len(stored(store, alice)) == 1


def test_a_notification_goes_into_a_file_too(
    make_desk: MakeDesk, store: Store, tmp_path: Path, alice: Account, bob: Account
) -> None:
    desk = make_desk(spools={"alice@one.test": Maildir(tmp_path / "dir")})
    store.set_quota(bob.account_id, Quota(octets=10))
    carol = store.add_account("carol@one.test", "secret")
    assert isinstance(carol, Account)
    assert take(desk, store, "bob@one.test", "carol@one.test") == ["", ""]
    (file,) = (tmp_path / "dir" / "new").iterdir()
    assert b"Status: 5.2.2\n" in file.read_bytes()
