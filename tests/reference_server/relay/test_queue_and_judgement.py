"""The durable queue: what is due, what an attempt's answers do to it, and what survives a restart."""

from pathlib import Path

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects
from reference_server.relay.attempt import Answer
from reference_server.relay.judgement import Judgement, judge
from reference_server.relay.queue import TABLES, Batch, Enqueue, LoadQueue, Queue, Settle, octets_of
from reference_server.relay.schedule import RetrySchedule
from reference_server.store import Store
from reference_server.store.passwords import CHEAP

SENT = Answer(Reply(250, "2.0.0", ("taken",)), "mx.test")
LATER = Answer(Reply(451, "4.7.1", ("greylisted",)), "mx.test")
NEVER = Answer(Reply(550, "5.1.1", ("unknown",)), "mx.test")
SCHEDULE = RetrySchedule((60.0, 600.0), 86_400.0)
HUNDRED_AND_ONE = tuple(Mailbox(f"u{number}", "two.test") for number in range(101))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock):
    opened = Store.open(tmp_path / "data", clock=clock, cost=CHEAP, tables=TABLES)
    yield opened
    opened.close()


def enqueue(store: Store, queue: Queue, *addresses: str) -> None:
    recipients = tuple(Mailbox(*address.split("@")) for address in addresses)
    store.commit(Enqueue(queue, Mailbox("alice", "one.test"), recipients, b"text \xff\r\n"))


def settle(
    store: Store,
    queue: Queue,
    batch: Batch,
    clock: ManualClock,
    *answers: Answer,
    faults: tuple[str, ...] = (),
) -> Judgement:
    judgement = judge(
        batch,
        {recipient.mailbox: answer for recipient, answer in zip(batch.recipients, answers, strict=True)},
        now_s=clock.now().timestamp(),
        schedule=SCHEDULE,
        defects=Defects(faults),
    )
    store.commit(Settle(queue, batch.mail.mail_id, judgement.finished, judgement.deferred))
    return judgement


def due(queue: Queue, clock: ManualClock) -> list[tuple[str, list[str]]]:
    return [
        (batch.destination, [recipient.mailbox.local_part for recipient in batch.recipients])
        for batch in queue.take_due(clock.now().timestamp())
    ]


def test_recipients_of_one_destination_share_an_attempt(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    rung: list[bool] = []
    queue.on_added = lambda: rung.append(True)
    enqueue(store, queue, "a@two.test", "b@three.test", "c@TWO.test")
    assert rung == [True]
    assert due(queue, clock) == [("two.test", ["a", "c"]), ("three.test", ["b"])]
    assert due(queue, clock) == []
    assert queue.next_due_s() is None


def test_no_more_recipients_than_every_server_takes(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    store.commit(Enqueue(queue, None, HUNDRED_AND_ONE, b"\r\n"))
    assert [len(names) for _, names in due(queue, clock)] == [100, 1]


def test_each_recipient_has_an_outcome_of_its_own(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    enqueue(store, queue, "a@two.test", "b@two.test", "c@two.test")
    (batch,) = queue.take_due(clock.now().timestamp())
    judgement = settle(store, queue, batch, clock, SENT, LATER, NEVER)
    assert judgement.finished == (0, 2)
    assert [str(failure.recipient) for failure in judgement.failures] == ["c@two.test"]
    assert due(queue, clock) == []
    clock.advance(59.0)
    assert due(queue, clock) == []
    clock.advance(1.0)
    (batch,) = queue.take_due(clock.now().timestamp())
    assert [recipient.mailbox.local_part for recipient in batch.recipients] == ["b"]
    assert batch.recipients[0].last_reply == "451 4.7.1 greylisted"
    settle(store, queue, batch, clock, SENT)
    assert len(queue) == 0
    assert store.run_query(lambda sql: sql.execute("SELECT count(*) FROM queue_mail").fetchone()) == (0,)


def test_a_day_of_refusals_in_a_moment(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    enqueue(store, queue, "a@two.test")
    start_s = clock.now().timestamp()
    times = []
    failures = ()
    while (next_due_s := queue.next_due_s()) is not None:
        clock.advance(max(0.0, next_due_s - clock.now().timestamp()))
        times.append(clock.now().timestamp() - start_s)
        (batch,) = queue.take_due(clock.now().timestamp())
        failures = settle(store, queue, batch, clock, LATER).failures
    assert times[:4] == [0.0, 60.0, 660.0, 1260.0]
    assert times[-1] == 86_400.0
    (failure,) = failures
    assert (str(failure.recipient), failure.reply) == ("a@two.test", LATER.reply)
    assert len(queue) == 0


def test_a_restart_loses_nothing(tmp_path: Path, clock: ManualClock) -> None:
    first, queue = Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=TABLES), Queue()
    enqueue(first, queue, "a@two.test", "b@two.test")
    first.commit(Enqueue(queue, None, (Mailbox("odd one", "[192.0.2.1]"),), b"second"))
    for batch in queue.take_due(clock.now().timestamp()):
        if batch.destination == "two.test":
            settle(first, queue, batch, clock, SENT, LATER)
    first.close()
    second, loaded = Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=TABLES), Queue()
    second.commit(LoadQueue(loaded))
    assert due(loaded, clock) == [("[192.0.2.1]", ["odd one"])]
    clock.advance(60.0)
    (batch,) = loaded.take_due(clock.now().timestamp())
    (recipient,) = batch.recipients
    assert (recipient.mailbox, recipient.attempts) == (Mailbox("b", "two.test"), 1)
    assert batch.mail.reverse_path == Mailbox("alice", "one.test")
    assert second.run_query(octets_of(batch.mail.mail_id)) == b"text \xff\r\n"
    second.close()


def test_an_attempt_that_could_not_be_noted_comes_again(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    enqueue(store, queue, "a@two.test")
    (batch,) = queue.take_due(clock.now().timestamp())
    queue.put_off(batch, clock.now().timestamp() + 5.0)
    assert due(queue, clock) == []
    clock.advance(5.0)
    assert due(queue, clock) == [("two.test", ["a"])]


def test_defect_no_retry(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    enqueue(store, queue, "a@two.test")
    (batch,) = queue.take_due(clock.now().timestamp())
    judgement = settle(store, queue, batch, clock, LATER, faults=("relay-no-retry-after-4yz",))
    assert judgement.deferred == ()
    assert len(judgement.failures) == 1
    assert len(queue) == 0
