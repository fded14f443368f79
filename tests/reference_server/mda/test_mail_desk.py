"""The desk with a real store: who is served, and one change for all recipients."""

from collections.abc import Callable

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.mda.desk import Desk
from reference_server.relay.queue import TABLES, Queue
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.store import Account, Store, StoreUnavailable
from reference_server.store.passwords import CHEAP

MakeDesk = Callable[..., Desk]


@pytest.fixture
def store(tmp_path, clock):
    opened = Store.open(tmp_path / "data", clock=clock, cost=CHEAP, tables=TABLES)
    yield opened
    opened.close()


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def make_desk(store: Store, clock: ManualClock, queue: Queue, alice: Account, bob: Account) -> MakeDesk:
    def make(*faults: str) -> Desk:
        return Desk(
            accounts=store,
            queue=queue,
            clock=clock,
            defects=Defects(faults),
            hostname="mx.one.test",
            domains=["one.test"],
            literals=["[127.0.0.1]"],
            postmaster="alice@one.test",
        )

    return make


def found(desk: Desk, address: str, role: Role = Role.MX) -> "str | Refusal":
    local, _, domain = address.rpartition("@")
    recipient = desk.recipient(Mailbox(local, domain), role)
    if isinstance(recipient, Recipient):
        return recipient.account.address if recipient.account else "remote"
    return recipient


def stored(store: Store, account: Account) -> list[bytes]:
    mailbox = store.mailbox(account.account_id, "INBOX")
    assert mailbox is not None
    return [store.octets(message_id) for message_id in mailbox.columns.message_ids]


def envelope(desk: Desk, *addresses: str, role: Role = Role.MX, sender: str = "x@remote.test") -> Envelope:
    local, _, domain = sender.rpartition("@")
    recipients = []
    for address in addresses:
        name, _, at = address.rpartition("@")
        recipient = desk.recipient(Mailbox(name, at), role)
        assert isinstance(recipient, Recipient)
        recipients.append(recipient)
    return Envelope(
        Mailbox(local, domain) if sender else None,
        recipients=recipients,
        hello_name="client.test",
        peer_address="192.0.2.1",
        protocol="ESMTP",
        role=role,
    )


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("alice@one.test", "alice@one.test"),
        ("ALICE@ONE.TEST", "alice@one.test"),
        ("alice+detail@one.test", "alice@one.test"),
        ("alice@[127.0.0.1]", "alice@one.test"),
        ("postmaster@one.test", "alice@one.test"),
        ("Postmaster@", "alice@one.test"),
    ],
)
def test_local_recipients(make_desk: MakeDesk, address: str, wanted: str) -> None:
    for role in Role:
        assert found(make_desk(), address, role) == wanted


def test_others(make_desk: MakeDesk) -> None:
    desk = make_desk()
    unknown = found(desk, "nobody@one.test")
    assert isinstance(unknown, Refusal)
    assert (unknown.code, unknown.enhanced) == (550, "5.1.1")
    elsewhere = found(desk, "alice@two.test")
    assert isinstance(elsewhere, Refusal)
    assert (elsewhere.code, elsewhere.enhanced) == (550, "5.7.1")
    assert isinstance(found(desk, "alice@two.test", Role.LMTP), Refusal)
    assert found(desk, "alice@two.test", Role.SUBMISSION) == "remote"
    assert found(make_desk("relay-open"), "alice@two.test") == "remote"


def test_users_send_as_themselves(make_desk: MakeDesk, alice: Account) -> None:
    desk = make_desk()
    mine, other = Mailbox("alice+x", "one.test"), Mailbox("bob", "one.test")
    assert desk.sender_refusal(mine, alice, Role.SUBMISSION) is None
    assert desk.sender_refusal(None, alice, Role.SUBMISSION) is None
    assert desk.sender_refusal(other, alice, Role.SUBMISSION) is not None
    assert desk.sender_refusal(Mailbox("alice", "two.test"), alice, Role.SUBMISSION) is not None
    assert desk.sender_refusal(other, None, Role.MX) is None


def test_one_message_for_two_accounts_and_the_queue(
    make_desk: MakeDesk, store: Store, queue: Queue, alice: Account, bob: Account
) -> None:
    desk = make_desk()
    parcel = envelope(
        desk,
        "alice@one.test",
        "bob@one.test",
        "Alice@one.test",
        "x@two.test",
        "X@two.test",
        role=Role.SUBMISSION,
    )
    store.commit(desk.change_for(parcel, b"Date: d\r\nMessage-ID: <m>\r\n\r\nbody\r\n"))
    (to_alice,), (to_bob,) = stored(store, alice), stored(store, bob)
    assert to_alice == to_bob
    assert to_alice.startswith(b"Return-Path: <x@remote.test>\r\nReceived: from client.test")
    assert b"for <" not in to_alice
    assert to_alice.endswith(b"\r\nDate: d\r\nMessage-ID: <m>\r\n\r\nbody\r\n")
    assert len(queue) == 1
    (batch,) = queue.take_due(1e12)
    assert [str(recipient.mailbox) for recipient in batch.recipients] == ["x@two.test", "X@two.test"]


def test_only_submission_adds_more_than_trace_fields(
    make_desk: MakeDesk, store: Store, alice: Account
) -> None:
    desk = make_desk()
    for role in (Role.MX, Role.LMTP, Role.SUBMISSION):
        store.commit(desk.change_for(envelope(desk, "alice@one.test", role=role), b"Subject: x\r\n\r\n"))
    relayed, delivered, submitted = stored(store, alice)
    for octets in (relayed, delivered):
        assert b"Message-ID" not in octets
        assert b"Date" not in octets
        assert b"for <alice@one.test>" in octets
    assert b"\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <" in submitted


def test_a_loop_is_refused(make_desk: MakeDesk) -> None:
    desk = make_desk()
    parcel = envelope(desk, "alice@one.test")
    refusal = desk.change_for(parcel, b"Received: x\r\n" * 100 + b"\r\n")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.enhanced) == (554, "5.4.6")
    assert not isinstance(desk.change_for(parcel, b"Received: x\r\n" * 99 + b"\r\n"), Refusal)


def test_all_or_nothing(
    make_desk: MakeDesk, store: Store, queue: Queue, alice: Account, bob: Account
) -> None:
    desk = make_desk()
    parcel = envelope(desk, "alice@one.test", "bob@one.test", "x@two.test", role=Role.SUBMISSION)
    change = desk.change_for(parcel, b"\r\n")
    store.remove_account(bob.account_id)
    with pytest.raises(StoreUnavailable):
        store.commit(change)
    assert stored(store, alice) == []
    assert len(queue) == 0


def test_notifications(make_desk: MakeDesk, store: Store, queue: Queue, alice: Account) -> None:
    desk = make_desk()
    change = desk.notify(Mailbox("alice", "one.test"), b"bounce\r\n")
    assert change is not None
    store.commit(change)
    assert stored(store, alice) == [b"Return-Path: <>\r\nbounce\r\n"]
    assert desk.notify(Mailbox("nobody", "one.test"), b"bounce\r\n") is None
    remote = desk.notify(Mailbox("x", "two.test"), b"bounce\r\n")
    assert remote is not None
    store.commit(remote)
    assert queue.take_due(1e12)[0].mail.reverse_path is None


def test_defects(make_desk: MakeDesk, store: Store, alice: Account) -> None:
    for fault in ("mda-return-path-missing", "mta-received-missing"):
        desk = make_desk(fault)
        store.commit(desk.change_for(envelope(desk, "alice@one.test"), b"Subject: x\r\n\r\n"))
    no_path, no_received = stored(store, alice)
    assert no_path.startswith(b"Received: ")
    assert no_received == b"Return-Path: <x@remote.test>\r\nSubject: x\r\n\r\n"
