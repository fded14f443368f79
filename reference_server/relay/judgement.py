"""What an attempt's answers mean: done, again later, and what the sender is told (RFC 5321 §4.5.4.1, §6.1).

Who is told what is RFC 3461 §5.2: of failures unless NOTIFY says otherwise, of delays once, of success only
where NOTIFY=SUCCESS asks for it and the next hop does not take that duty over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.relay.attempt import Answer
from reference_server.relay.mail import Addressee
from reference_server.relay.queue import Batch, QueuedRecipient
from reference_server.relay.report import Action, Report
from reference_server.relay.schedule import RetrySchedule


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to note for a batch, and what to tell its sender."""

    finished: tuple[int, ...]
    """Recipients who are through with, delivered or failed."""
    deferred: tuple[tuple[int, float, str], ...]
    """Number, time of the next attempt, reason."""
    reports: tuple[Report, ...] = ()
    """What the sender is told."""
    told_delay: frozenset[int] = frozenset()
    """Those of the deferred who are in the reports."""
    untold: tuple[Mailbox, ...] = ()
    """Those who failed without anybody being told, as NOTIFY has it."""


def judge(
    batch: Batch,
    answers: Mapping[Mailbox, Answer],
    *,
    now_s: float,
    schedule: RetrySchedule,
    defects: Defects,
) -> Judgement:
    """Sort a batch's recipients by their answers."""
    finished: list[int] = []
    deferred: list[tuple[int, float, str]] = []
    reports: list[Report] = []
    told_delay: set[int] = set()
    untold: list[Mailbox] = []
    queued_at_s = batch.mail.queued_at_s
    for recipient in batch.recipients:
        answer, one = answers[recipient.mailbox], recipient.addressee
        if answer.reply.is_positive:
            finished.append(recipient.number)
            if _tells_success(one, answer, defects):
                reports.append(Report(one, Action.RELAYED, answer.reply, answer.host))
            continue
        next_at_s = None
        if not answer.reply.is_permanent and "relay-no-retry-after-4yz" not in defects:
            next_at_s = schedule.next_attempt_s(
                attempts=recipient.attempts + 1, queued_at_s=queued_at_s, now_s=now_s
            )
        if next_at_s is None:
            finished.append(recipient.number)
            if one.wants_failure or "dsn-never-ignored" in defects:
                reports.append(Report(one, Action.FAILED, answer.reply, answer.host))
            else:
                untold.append(recipient.mailbox)
            continue
        deferred.append((recipient.number, next_at_s, str(answer.reply)))
        if _tells_delay(recipient, now_s - queued_at_s, schedule, defects):
            until = datetime.fromtimestamp(queued_at_s + schedule.give_up_after_s, UTC)
            reports.append(Report(one, Action.DELAYED, answer.reply, answer.host, until))
            told_delay.add(recipient.number)
    return Judgement(tuple(finished), tuple(deferred), tuple(reports), frozenset(told_delay), tuple(untold))


def _tells_success(one: Addressee, answer: Answer, defects: Defects) -> bool:
    """RFC 3461 §5.2.2 (b), (e)."""
    if "dsn-success-untold" in defects:
        return False
    if "dsn-success-unasked" in defects:
        return one.notify is None or one.wants_success
    return one.wants_success and not answer.takes_dsn


def _tells_delay(
    recipient: QueuedRecipient, waited_s: float, schedule: RetrySchedule, defects: Defects
) -> bool:
    """RFC 3461 §5.2.5, once."""
    if schedule.tell_delay_after_s is None or waited_s < schedule.tell_delay_after_s:
        return False
    wanted = recipient.addressee.wants_delay or "dsn-delay-unwanted" in defects
    return wanted and not recipient.told_delay
