"""The relay where the relay itself is wrong."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import NONE
from reference_server.mda.desk import Desk
from reference_server.net.relay import Relay
from reference_server.relay.dialogue import Outcome
from reference_server.relay.mail import Addressee, OutgoingMail
from reference_server.relay.queue import Queue, QueuedMail, QueuedRecipient
from reference_server.relay.routing import Hop, MxRecord, Router
from reference_server.relay.schedule import RetrySchedule
from reference_server.store import Store


class Broken:
    """A resolver with a bug."""

    async def mx(self, domain: str) -> list[MxRecord]:
        raise ZeroDivisionError(domain)

    async def addresses(self, host: str) -> list[str]:
        raise ZeroDivisionError(host)


class Mail:
    """A store that has the octets of every message."""

    def submit(self, change: Any, done: Callable[[Any], None]) -> None:
        pytest.fail(f"there is nothing to note: {change}")

    def query(self, work: Any, done: Callable[[Any], None]) -> None:
        del work
        done(b"Subject: x\r\n\r\n")

    def verify(self, login: str, password: str) -> None:
        pytest.fail(f"nobody logs in: {login} {password}")


async def _never(hop: Hop, mail: OutgoingMail, use_tls: bool) -> Outcome:
    pytest.fail(f"no hop is known: {hop} {mail} {use_tls}")


def test_mail_is_tried_again_after_a_fault_of_ours(store: Store, clock: ManualClock) -> None:
    async def run() -> None:
        now_s = clock.now().timestamp()
        queue = Queue()
        relay = Relay(
            store=Mail(),
            queue=queue,
            desk=Desk(
                accounts=store, queue=queue, clock=clock, defects=NONE, hostname="mail.one.test", domains=()
            ),
            router=Router(
                Broken(), own_names=(), own_addresses=(), defects=NONE, random_source=random.Random(1)
            ),
            speak=_never,
            schedule=RetrySchedule(),
            clock=clock,
            defects=NONE,
            hostname="mail.one.test",
            max_attempts_at_once=1,
        )
        bob = QueuedRecipient(0, Addressee(Mailbox("bob", "two.test")), 0, now_s, "")
        queue.add(QueuedMail(1, None, now_s, {0: bob}))
        (batch,) = queue.take_due(now_s)
        assert queue.next_due_s() is None
        with pytest.raises(ZeroDivisionError):
            await relay._attempt(batch)
        assert queue.next_due_s() == now_s + 300.0

    asyncio.run(run())
