from hypothesis import given
from hypothesis import strategies as st

from loadtests.ledger import Ledger, Sighting, Totals
from loadtests.messages import Message, build

TRACE = b"Received: from x by y; now\r\n"


def sent(ledger: Ledger, mailbox: str = "a@b.test") -> Message:
    message = build(ledger.new_id(), sender="s@b.test", recipient=mailbox, date="now", octets=600)
    ledger.send(message, mailbox)
    return message


def test_ids_differ_between_messages_workers_and_runs() -> None:
    ledgers = [Ledger(nonce, worker, reads=True) for nonce in ("aa", "ab") for worker in (0, 1)]
    ids = [ledger.new_id() for ledger in ledgers for _ in range(3)]
    assert len(set(ids)) == len(ids)


def test_accepted_and_seen_is_in_order() -> None:
    ledger = Ledger("aa", 0, reads=True)
    message = sent(ledger)
    ledger.accept(message)
    assert ledger.awaited() == {message.message_id}
    assert ledger.see(message.message_id, "1", TRACE + message.octets) is Sighting.FIRST
    assert ledger.see(message.message_id, "1", TRACE + message.octets) is Sighting.KNOWN
    assert ledger.awaited() == set()
    assert ledger.totals() == Totals(sent=1, accepted=1, seen=1)
    assert ledger.totals().faults == {}


def test_accepted_and_never_seen_is_lost_where_it_is_read_for() -> None:
    for reads, lost in ((True, 1), (False, 0)):
        ledger = Ledger("aa", 0, reads=reads)
        ledger.accept(sent(ledger))
        assert ledger.totals().missing == lost
    assert Totals(missing=1).faults == {"lost": 1}


def test_second_copy_is_doubled() -> None:
    ledger = Ledger("aa", 0, reads=True)
    message = sent(ledger)
    ledger.accept(message)
    ledger.see(message.message_id, "1")
    assert ledger.see(message.message_id, "2") is Sighting.DOUBLE
    assert ledger.totals().faults == {"doubled": 1}


def test_other_octets_are_damage() -> None:
    ledger = Ledger("aa", 0, reads=True)
    message = sent(ledger)
    ledger.accept(message)
    ledger.see(message.message_id, "1", message.octets.replace(b"fox", b"cat", 1))
    assert ledger.is_damaged(message.message_id)
    assert ledger.totals().faults == {"damaged": 1}


def test_refused_must_not_arrive() -> None:
    ledger = Ledger("aa", 0, reads=True)
    message = sent(ledger)
    ledger.refuse(message)
    assert ledger.totals() == Totals(sent=1, refused=1)
    ledger.see(message.message_id, "1")
    assert ledger.totals().faults == {"delivered though refused": 1}


def test_in_doubt_may_arrive_or_not() -> None:
    ledger = Ledger("aa", 0, reads=True)
    arrives, _ = sent(ledger), sent(ledger)
    ledger.see(arrives.message_id, "1")
    assert ledger.totals() == Totals(sent=2, in_doubt=2)
    assert ledger.totals().faults == {}


def test_others_messages_are_none_of_ours() -> None:
    ledger = Ledger("aa", 0, reads=True)
    assert ledger.see("bb.0.1", "1") is Sighting.FOREIGN
    assert ledger.totals() == Totals()
    assert not ledger.is_damaged("bb.0.1")


def test_awaited_by_mailbox() -> None:
    ledger = Ledger("aa", 0, reads=True)
    one, two = sent(ledger, "one@b.test"), sent(ledger, "two@b.test")
    ledger.accept(one)
    ledger.accept(two)
    assert ledger.awaited("one@b.test") == {one.message_id}
    assert ledger.mailboxes() == {"one@b.test", "two@b.test"}


figures = st.builds(Totals, *[st.integers(0, 99)] * 9)


@given(a=figures, b=figures)
def test_totals_add_up_and_survive_the_wire(a: Totals, b: Totals) -> None:
    assert Totals.from_dict(a.to_dict()) == a
    assert (a + b).sent == a.sent + b.sent
    assert a + b == b + a
    assert a + Totals() == a
