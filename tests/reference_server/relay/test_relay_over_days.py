"""The relay at work for days, which take milliseconds: retries, notifications, administration."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects
from reference_server.mda.desk import Desk
from reference_server.net.relay import Relay
from reference_server.relay.administration import Administration, QueueError
from reference_server.relay.dialogue import Outcome
from reference_server.relay.mail import Addressee, OutgoingMail, Terms
from reference_server.relay.queue import TABLES, Enqueue, Queue
from reference_server.relay.routing import Hop, MxRecord, Router
from reference_server.relay.schedule import RetrySchedule
from reference_server.store import Store
from reference_server.store.passwords import CHEAP

OK, LATER, NO = (
    Reply(250, "2.0.0", ("taken",)),
    Reply(450, "4.2.0", ("greylisted",)),
    Reply(550, "5.1.1", ("who?",)),
)
ALICE = Mailbox("alice", "one.test")
HOUR_S = 3600.0


class Names:
    """A DNS where every domain has one host."""

    async def mx(self, domain: str) -> list[MxRecord]:
        return [MxRecord(10, f"mx.{domain}")]

    async def addresses(self, host: str) -> list[str]:
        assert host
        return ["192.0.2.1"]


@dataclass
class World:
    """A server with a clock to be moved, and next hops that answer as the test says."""

    store: Store
    clock: ManualClock
    answer: Callable[[str], Reply] = lambda _: OK
    takes_dsn: bool = False
    faults: tuple[str, ...] = ()
    queue: Queue = field(default_factory=Queue)
    attempts: list[float] = field(default_factory=list)
    sent: list[OutgoingMail] = field(default_factory=list)

    def __post_init__(self) -> None:
        defects = Defects(self.faults)
        self.desk = Desk(
            accounts=self.store,
            queue=self.queue,
            clock=self.clock,
            defects=defects,
            hostname="mail.one.test",
            domains=("one.test",),
        )
        self.relay = Relay(
            store=self.store,
            queue=self.queue,
            desk=self.desk,
            router=Router(
                Names(), own_names=(), own_addresses=(), defects=defects, random_source=random.Random(1)
            ),
            speak=self.speak,
            schedule=RetrySchedule((60.0, HOUR_S), 48 * HOUR_S, 4 * HOUR_S),
            clock=self.clock,
            defects=defects,
            hostname="mail.one.test",
            max_attempts_at_once=5,
        )
        self.administration = Administration(self.queue, self.relay.commit, self.relay.query)

    async def speak(self, hop: Hop, mail: OutgoingMail, use_tls: bool) -> Outcome:
        assert use_tls
        assert hop.address == "192.0.2.1"
        self.attempts.append(self.clock.monotonic_s())
        self.sent.append(mail)
        replies = {number: self.answer(one.mailbox.local_part) for number, one in enumerate(mail.recipients)}
        return Outcome(replies, takes_dsn=self.takes_dsn)

    async def submit(self, *recipients: Addressee, sender: Mailbox | None = ALICE) -> None:
        text = b"Subject: x\r\n\r\nx\r\n"
        await self.relay.commit(Enqueue(self.queue, sender, recipients, text, Terms(envid="e 1")))

    async def settle(self) -> None:
        """Run what is due now."""
        for batch in self.queue.take_due(self.clock.now().timestamp()):
            await self.relay._attempt(batch)

    async def live(self) -> None:
        """Let time pass until nothing waits."""
        while (due_s := self.queue.next_due_s()) is not None:
            self.clock.advance(max(0.0, due_s - self.clock.now().timestamp()))
            await self.settle()

    def told(self) -> list[tuple[str, ...]]:
        """Return the addresses and actions of what alice was told, in order."""
        rows = self.store.run_query(lambda sql: sql.execute("SELECT octets FROM message").fetchall())
        found = []
        for (octets,) in rows:
            assert octets.startswith(b"Return-Path: <>\r\n")
            assert b"\r\nOriginal-Envelope-Id: e 1\r\n" in octets
            for group in octets.decode("ascii").split("\r\n\r\n"):
                fields = dict(line.split(": ", 1) for line in group.splitlines() if ": " in line)
                if "Final-Recipient" in fields:
                    found.append((fields["Final-Recipient"].split("@")[0][8:], fields["Action"]))
        return found


@asynccontextmanager
async def world(tmp_path: Path, clock: ManualClock, **given: Any) -> AsyncIterator[World]:
    store = Store.open(tmp_path / "data", clock=clock, cost=CHEAP, tables=TABLES)
    try:
        store.add_account("alice@one.test", "secret")
        loop = asyncio.get_running_loop()
        store.attach(soon=loop.call_soon, deliver=loop.call_soon_threadsafe)
        yield World(store, clock, **given)
    finally:
        await asyncio.get_running_loop().run_in_executor(None, store.close)


def one(name: str, *notify: str) -> Addressee:
    return Addressee(Mailbox(name, "two.test"), frozenset(notify) or None)


def test_two_days_of_refusals(tmp_path: Path, clock: ManualClock) -> None:
    async def run() -> None:
        async with world(tmp_path, clock, answer=lambda _: LATER) as here:
            await here.submit(one("b"), one("quiet", "NEVER"), one("late", "DELAY"), one("end", "FAILURE"))
            await here.live()
            assert here.attempts[:4] == [0.0, 60.0, 60.0 + HOUR_S, 60.0 + 2 * HOUR_S]
            assert here.attempts[-1] == 48 * HOUR_S
            assert len(here.attempts) == 50
            assert here.told() == [("b", "delayed"), ("late", "delayed"), ("b", "failed"), ("end", "failed")]
            assert len(here.queue) == 0

    asyncio.run(run())


@pytest.mark.parametrize("takes_dsn", [False, True])
def test_success_is_told_unless_the_hop_will(tmp_path: Path, clock: ManualClock, takes_dsn: bool) -> None:
    async def run() -> None:
        async with world(tmp_path, clock, takes_dsn=takes_dsn) as here:
            await here.submit(one("b", "SUCCESS"), one("c"))
            await here.live()
            assert here.told() == ([] if takes_dsn else [("b", "relayed")])

    asyncio.run(run())


def test_nobody_is_told_about_mail_of_nobody(tmp_path: Path, clock: ManualClock) -> None:
    async def run() -> None:
        async with world(tmp_path, clock, answer=lambda _: NO) as here:
            await here.submit(one("b"), one("c", "SUCCESS", "FAILURE"), sender=None)
            await here.live()
            assert here.told() == []
            assert len(here.queue) == 0

    asyncio.run(run())


def test_a_notification_for_elsewhere_is_relayed_with_the_null_path(
    tmp_path: Path, clock: ManualClock
) -> None:
    async def run() -> None:
        answers = {"b": NO, "carol": NO}
        async with world(tmp_path, clock, answer=answers.__getitem__) as here:
            await here.submit(one("b"), sender=Mailbox("carol", "three.test"))
            await here.live()
            _, notification = here.sent
            assert notification.reverse_path is None
            assert notification.recipients == (
                Addressee(Mailbox("carol", "three.test"), frozenset({"NEVER"})),
            )
            assert notification.terms == Terms()
            assert len(here.queue) == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("relay-no-bounce", []),
        ("dsn-never-ignored", [("a", "failed"), ("n", "failed")]),
        ("dsn-action-wrong", [("a", "delayed")]),
    ],
)
def test_defects(tmp_path: Path, clock: ManualClock, fault: str, told: list[tuple[str, str]]) -> None:
    async def run() -> None:
        async with world(tmp_path, clock, answer=lambda _: NO, faults=(fault,)) as here:
            await here.submit(one("a"), one("n", "NEVER"))
            await here.live()
            assert here.told() == told

    asyncio.run(run())


def test_administration(tmp_path: Path, clock: ManualClock) -> None:
    async def run() -> None:
        async with world(tmp_path, clock, answer=lambda _: LATER) as here:
            ask = here.administration
            assert await ask.list_mails({}) == []
            await here.submit(one("b", "NEVER"), one("c"))
            await here.settle()
            (listed,) = await ask.list_mails({"destination": "TWO.test"})
            assert await ask.list_mails({"destination": "three.test"}) == []
            assert listed["recipients"][0] == {
                "address": "b@two.test",
                "state": "waiting",
                "attempts": 1,
                "next_attempt": "2026-01-01T12:01:00Z",
                "last_reply": "450 4.2.0 greylisted",
                "notify": ["NEVER"],
                "orcpt": None,
            }
            shown = await ask.show({"mail": listed["mail"]})
            assert (shown["header"], shown["envid"]) == ("Subject: x\r\n", "e 1")
            assert await ask.retry({"mails": [1], "recipient": "c@two.test"}) == [
                {"mail": 1, "recipients": ["c@two.test"]}
            ]
            await here.settle()
            assert [len(mail.recipients) for mail in here.sent] == [2, 1]
            await ask.drop({"mails": [1], "recipient": "b@two.test"})
            await ask.drop({"all": True})
            assert (len(here.queue), here.told()) == (0, [])
            for request in ({}, {"mails": [9]}, {"mails": "1"}):
                with pytest.raises(QueueError):
                    await ask.drop(request)

    asyncio.run(run())
