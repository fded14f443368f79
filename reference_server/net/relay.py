"""The relay at work: takes what is due from the queue, tries it, notes the outcome, bounces what failed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from reference_server.clock import Clock
from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.log import LOG
from reference_server.mda.desk import Desk, TakeOn
from reference_server.mda.fields import from_address
from reference_server.net.hub import StorePort
from reference_server.relay.attempt import Answer, Attempt, Speak
from reference_server.relay.judgement import judge
from reference_server.relay.mail import OutgoingMail
from reference_server.relay.notification import Original, notification
from reference_server.relay.queue import Batch, Queue, Settle, octets_of
from reference_server.relay.report import Action, Report
from reference_server.relay.routing import Router
from reference_server.relay.schedule import RetrySchedule
from reference_server.store.change import Change
from reference_server.store.errors import StoreUnavailable

_LOG = LOG.getChild("relay")
_STORE_PAUSE_S = 5.0
"""How long to leave the queue alone after the store failed."""
_FAULT_PAUSE_S = 300.0
"""How long to leave a message alone after a fault of ours."""


class Relay:
    """Runs the queue until it is stopped."""

    def __init__(
        self,
        *,
        store: StorePort,
        queue: Queue,
        desk: Desk,
        router: Router,
        speak: Speak,
        schedule: RetrySchedule,
        clock: Clock,
        defects: Defects,
        hostname: str,
        max_attempts_at_once: int,
        max_attempts_per_destination: int = 10,
    ) -> None:
        self._store = store
        self._queue = queue
        self._desk = desk
        self._router = router
        self._speak = speak
        self._schedule = schedule
        self._clock = clock
        self._defects = defects
        self._hostname = hostname
        self._news = asyncio.Event()
        self._slots = asyncio.Semaphore(max_attempts_at_once)
        self._per_destination = max_attempts_per_destination
        self._destinations: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._attempts: set[asyncio.Task[None]] = set()
        self._stopping = False
        queue.on_added = self._news.set

    async def run(self) -> None:
        """Start attempts as they fall due; ends with `stop`."""
        while not self._stopping:
            self._news.clear()
            now_s = self._now_s()
            for batch in self._due(now_s):
                task = asyncio.create_task(self._attempt(batch))
                self._attempts.add(task)
                task.add_done_callback(self._attempts.discard)
            due_s = self._queue.next_due_s()
            try:
                async with asyncio.timeout(None if due_s is None else max(0.0, due_s - now_s)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def stop(self, grace_s: float) -> None:
        """Start nothing more, and let the attempts that run come to their end; the rest stays queued."""
        self._stopping = True
        self._news.set()
        if self._attempts:
            _, late = await asyncio.wait(self._attempts, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _due(self, now_s: float) -> list[Batch]:
        batches = self._queue.take_due(now_s)
        if "relay-recipients-apart" in self._defects:
            return [
                Batch(batch.mail, batch.destination, (one,)) for batch in batches for one in batch.recipients
            ]
        return batches

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    async def _attempt(self, batch: Batch) -> None:
        destination = self._destinations.get(batch.destination)
        if destination is None:
            destination = asyncio.Semaphore(self._per_destination)
            self._destinations[batch.destination] = destination
        async with destination, self._slots:
            if self._stopping:
                return
            # Whatever is wrong with us, the message was taken on: it must not wait for a restart.
            pause_s: float | None = _FAULT_PAUSE_S
            try:
                octets: bytes | None = await self.query(octets_of(batch.mail.mail_id))
                if octets is None:
                    # Dropped between being due and being tried.
                    pause_s = None
                    return
                addressees = tuple(recipient.addressee for recipient in batch.recipients)
                mail = OutgoingMail(batch.mail.reverse_path, addressees, octets, batch.mail.terms)
                answers = await Attempt(self._router, self._speak, mail, batch.destination).run()
                self._log(batch, answers)
                await self._settle(batch, answers, octets)
                pause_s = None
            except StoreUnavailable as error:
                _LOG.error("mail %d: %s", batch.mail.mail_id, error)
                pause_s = _STORE_PAUSE_S
            finally:
                if pause_s is not None:
                    self._queue.put_off(batch, self._now_s() + pause_s)
                self._news.set()

    async def _settle(self, batch: Batch, answers: dict[Mailbox, Answer], octets: bytes) -> None:
        judgement = judge(batch, answers, now_s=self._now_s(), schedule=self._schedule, defects=self._defects)
        deferred = judgement.deferred
        if self._stopping:
            # What was cut short by our own stopping counts for nothing: it is due at the next start.
            deferred = ()
        if not judgement.finished and not deferred:
            return
        told_delay = judgement.told_delay if deferred else frozenset[int]()
        mail_id = batch.mail.mail_id
        changes: list[Change[Any]] = [Settle(self._queue, mail_id, judgement.finished, deferred, told_delay)]
        reports = [report for report in judgement.reports if deferred or report.action is not Action.DELAYED]
        changes += self._notifications(batch, reports, octets)
        for mailbox in judgement.untold:
            _LOG.info("mail %d to %s: failed, and its sender wants to hear nothing", mail_id, mailbox)
        await self.commit(TakeOn(tuple(changes)))

    def _notifications(self, batch: Batch, reports: list[Report], octets: bytes) -> list[Change[Any]]:
        """Return the change that tells the sender, if there is anything to tell and anybody to tell it to."""
        sender = batch.mail.reverse_path
        if not reports or "relay-no-bounce" in self._defects:
            return []
        if sender is None and "relay-bounce-to-header-from" in self._defects:
            sender = from_address(octets)
        if sender is None:
            # RFC 5321 §6.1: never a notification about a notification.
            if any(report.action is Action.FAILED for report in reports):
                _LOG.warning("mail %d: undeliverable, and there is no sender to tell", batch.mail.mail_id)
            return []
        arrived = datetime.fromtimestamp(batch.mail.queued_at_s, UTC)
        number = batch.recipients[0].number
        written = notification(
            Original(sender, octets, arrived, batch.mail.terms),
            reports,
            hostname=self._hostname,
            now=self._clock.now(),
            unique=f"{int(self._now_s() * 1000):x}.{batch.mail.mail_id}.{number}",
            defects=self._defects,
        )
        change = self._desk.notify(sender, written.octets, written.terms)
        if change is None:
            _LOG.warning("mail %d: its sender %s gets no notifications here", batch.mail.mail_id, sender)
            return []
        return [change]

    def _log(self, batch: Batch, answers: dict[Mailbox, Answer]) -> None:
        for recipient, answer in answers.items():
            word = (
                "sent" if answer.reply.is_positive else "failed" if answer.reply.is_permanent else "deferred"
            )
            where = f" by {answer.host}" if answer.host else ""
            _LOG.info("mail %d to %s: %s%s: %s", batch.mail.mail_id, recipient, word, where, answer.reply)

    async def query(self, work: Any) -> Any:
        """Run a read on the database."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._store.query(work, _setter(future))
        result = await future
        if isinstance(result, StoreUnavailable):
            raise result
        return result

    async def commit(self, change: Change[Any]) -> Any:
        """Make a change, and return its result once it is on disk."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._store.submit(change, _setter(future))
        result = await future
        if isinstance(result, StoreUnavailable):
            raise result
        return result


def _setter(future: "asyncio.Future[Any]") -> Callable[[Any], None]:
    """Return what answers a future, unless its attempt was cancelled meanwhile."""

    def done(result: object) -> None:
        if not future.done():
            future.set_result(result)

    return done
