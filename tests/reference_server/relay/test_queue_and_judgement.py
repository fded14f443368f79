"""The durable queue: what is due, what an attempt's answers do to it, and what survives a restart."""

from pathlib import Path

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects
from reference_server.relay.attempt import Answer
from reference_server.relay.judgement import Judgement, judge
from reference_server.relay.mail import Addressee, Terms
from reference_server.relay.queue import (
    TABLES,
    Batch,
    Drop,
    Enqueue,
    Hasten,
    LoadQueue,
    Queue,
    Settle,
    octets_of,
)
from reference_server.relay.report import Action
from reference_server.relay.schedule import RetrySchedule
from reference_server.store import Store
from reference_server.store.passwords import CHEAP

SENT = Answer(Reply(250, "2.0.0", ("taken",)), "mx.test")
LATER = Answer(Reply(451, "4.7.1", ("greylisted",)), "mx.test")
NEVER = Answer(Reply(550, "5.1.1", ("unknown",)), "mx.test")
SCHEDULE = RetrySchedule((60.0, 600.0), 86_400.0)
HUNDRED_AND_ONE = tuple(Addressee(Mailbox(f"u{number}", "two.test")) for number in range(101))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock):
    opened = Store.open(tmp_path / "data", clock=clock, cost=CHEAP, tables=TABLES)
    yield opened
    opened.close()


def enqueue(store: Store, queue: Queue, *addresses: str) -> None:
    recipients = tuple(Addressee(Mailbox(*address.split("@"))) for address in addresses)
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
    store.commit(
        Settle(queue, batch.mail.mail_id, judgement.finished, judgement.deferred, judgement.told_delay)
    )
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
    assert [(str(one.addressee.mailbox), one.action) for one in judgement.reports] == [
        ("c@two.test", Action.FAILED)
    ]
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
    reports = ()
    while (next_due_s := queue.next_due_s()) is not None:
        clock.advance(max(0.0, next_due_s - clock.now().timestamp()))
        times.append(clock.now().timestamp() - start_s)
        (batch,) = queue.take_due(clock.now().timestamp())
        reports = settle(store, queue, batch, clock, LATER).reports
    assert times[:4] == [0.0, 60.0, 660.0, 1260.0]
    assert times[-1] == 86_400.0
    (report,) = reports
    assert (str(report.addressee.mailbox), report.reply) == ("a@two.test", LATER.reply)
    assert len(queue) == 0


def test_a_restart_loses_nothing(tmp_path: Path, clock: ManualClock) -> None:
    first, queue = Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=TABLES), Queue()
    enqueue(first, queue, "a@two.test", "b@two.test")
    first.commit(Enqueue(queue, None, (Addressee(Mailbox("odd one", "[192.0.2.1]")),), b"second"))
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
    assert len(judgement.reports) == 1
    assert len(queue) == 0


def asked(name: str, *notify: str) -> Addressee:
    return Addressee(Mailbox(name, "two.test"), frozenset(notify) or None, f"rfc822;{name}+x@one.test")


def test_what_the_sender_asked_for_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    terms = Terms("8BITMIME", smtputf8=True, ret="HDRS", envid="id 7")
    one = Addressee(Mailbox("jos\xe9", "b\xfccher.test"), frozenset({"NEVER"}), "utf-8;jos\xe9@one.test")
    first = Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=TABLES)
    first.commit(Enqueue(Queue(), Mailbox("\xe1", "one.test"), (one, asked("b", "SUCCESS")), b"x", terms))
    first.close()
    second, loaded = Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=TABLES), Queue()
    second.commit(LoadQueue(loaded))
    (mail,) = loaded.mails()
    assert (mail.terms, mail.size, mail.reverse_path) == (terms, 1, Mailbox("\xe1", "one.test"))
    assert [one.addressee for one in mail.recipients.values()] == [one, asked("b", "SUCCESS")]
    second.close()


def test_the_queue_of_an_earlier_format_is_taken_over(tmp_path: Path, clock: ManualClock) -> None:
    earlier = (
        (
            "CREATE TABLE queue_mail (id INTEGER PRIMARY KEY AUTOINCREMENT, reverse_path TEXT,"
            " octets BLOB NOT NULL, queued_at REAL NOT NULL)"
        ),
        (
            "CREATE TABLE queue_recipient (mail_id INTEGER NOT NULL, number INTEGER NOT NULL,"
            " address TEXT NOT NULL, attempts INTEGER NOT NULL, next_at REAL NOT NULL,"
            " last_reply TEXT NOT NULL, PRIMARY KEY (mail_id, number)) WITHOUT ROWID"
        ),
        "INSERT INTO queue_mail VALUES (1, 'a@one.test', x'78', 5.0)",
        "INSERT INTO queue_recipient VALUES (1, 0, 'b@two.test', 2, 9.0, 'why')",
    )
    Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=earlier).close()
    store, queue = Store.open(tmp_path / "d", clock=clock, cost=CHEAP, tables=TABLES), Queue()
    store.commit(LoadQueue(queue))
    (mail,) = queue.mails()
    assert (mail.terms, mail.recipients[0].addressee.notify) == (Terms(), None)
    enqueue(store, queue, "c@two.test")
    assert len(queue) == 2
    store.close()


def test_a_delay_is_told_once_and_only_where_it_is_wanted(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    everybody = (asked("a"), asked("b", "DELAY"), asked("c", "FAILURE"), asked("d", "NEVER"))
    store.commit(Enqueue(queue, Mailbox("alice", "one.test"), everybody, b"\r\n"))
    told = []
    while (next_due_s := queue.next_due_s()) is not None:
        clock.advance(max(0.0, next_due_s - clock.now().timestamp()))
        (batch,) = queue.take_due(clock.now().timestamp())
        judgement = settle(store, queue, batch, clock, *[LATER] * len(batch.recipients))
        told += [
            (report.addressee.mailbox.local_part, report.action, report.retry_until is None)
            for report in judgement.reports
        ]
    assert told == [
        ("a", Action.DELAYED, False),
        ("b", Action.DELAYED, False),
        ("a", Action.FAILED, True),
        ("c", Action.FAILED, True),
    ]


def test_success_is_told_by_whoever_is_asked_last(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    everybody = (asked("a"), asked("b", "SUCCESS"), asked("c", "SUCCESS"), asked("d", "FAILURE", "DELAY"))
    store.commit(Enqueue(queue, Mailbox("alice", "one.test"), everybody, b"\r\n"))
    (batch,) = queue.take_due(clock.now().timestamp())
    takes_over = Answer(SENT.reply, SENT.host, takes_dsn=True)
    judgement = settle(store, queue, batch, clock, SENT, SENT, takes_over, SENT)
    assert [(one.addressee.mailbox.local_part, one.action) for one in judgement.reports] == [
        ("b", Action.RELAYED)
    ]
    assert len(queue) == 0


def test_never_is_never(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    store.commit(Enqueue(queue, None, (asked("a", "NEVER"), asked("b", "SUCCESS")), b"\r\n"))
    (batch,) = queue.take_due(clock.now().timestamp())
    judgement = settle(store, queue, batch, clock, NEVER, NEVER)
    assert judgement.reports == ()
    assert [mailbox.local_part for mailbox in judgement.untold] == ["a", "b"]


def test_haste_and_dropping(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    enqueue(store, queue, "a@two.test", "b@two.test")
    (batch,) = queue.take_due(clock.now().timestamp())
    settle(store, queue, batch, clock, LATER, LATER)
    assert due(queue, clock) == []
    store.commit(Hasten(queue, batch.mail.mail_id, (1,)))
    store.commit(Hasten(queue, batch.mail.mail_id, (1,)))
    assert due(queue, clock) == [("two.test", ["b"])]
    assert due(queue, clock) == []
    store.commit(Drop(queue, batch.mail.mail_id, (0,)))
    assert queue.next_due_s() is None
    store.commit(Drop(queue, batch.mail.mail_id, (1,)))
    assert len(queue) == 0
    assert store.run_query(octets_of(batch.mail.mail_id)) is None


def test_what_is_dropped_while_it_is_tried_stays_dropped(store: Store, clock: ManualClock) -> None:
    queue = Queue()
    enqueue(store, queue, "a@two.test")
    (batch,) = queue.take_due(clock.now().timestamp())
    store.commit(Drop(queue, batch.mail.mail_id, (0,)))
    settle(store, queue, batch, clock, LATER)
    assert (len(queue), queue.next_due_s()) == (0, None)
