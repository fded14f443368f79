"""What an attempt's answers mean for the queue: done, again later, or a bounce (RFC 5321 §4.5.4.1, §6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.relay.attempt import Answer
from reference_server.relay.bounce import Failure
from reference_server.relay.queue import Batch
from reference_server.relay.schedule import RetrySchedule


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to note for a batch."""

    finished: tuple[int, ...]
    """Recipients who are through with, delivered or failed."""
    deferred: tuple[tuple[int, float, str], ...]
    """Number, time of the next attempt, reason."""
    failures: tuple[Failure, ...]
    """Those of the finished whom the message will never reach."""


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
    failures: list[Failure] = []
    for recipient in batch.recipients:
        answer = answers[recipient.mailbox]
        if answer.reply.is_positive:
            finished.append(recipient.number)
            continue
        next_at_s = None
        if not answer.reply.is_permanent and "relay-no-retry-after-4yz" not in defects:
            next_at_s = schedule.next_attempt_s(
                attempts=recipient.attempts + 1, queued_at_s=batch.mail.queued_at_s, now_s=now_s
            )
        if next_at_s is None:
            finished.append(recipient.number)
            failures.append(Failure(recipient.mailbox, answer.reply, answer.host))
        else:
            deferred.append((recipient.number, next_at_s, str(answer.reply)))
    return Judgement(tuple(finished), tuple(deferred), tuple(failures))
