"""The desk behind every SMTP, submission and LMTP session: who is served, and how a message is taken on.

Recipients of our own domains are delivered into the store, those of other domains go to the queue, and both
in one change: a message is taken on for all its recipients or for none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from reference_server.clock import Clock
from reference_server.codec.smtp.limits import HOP_LIMIT
from reference_server.codec.smtp.path import Mailbox, ReversePath
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects
from reference_server.log import LOG
from reference_server.mda.aliases import Aliases
from reference_server.mda.delivery import (
    Copy,
    Deliver,
    Delivered,
    DeliverFiles,
    Failed,
    FileCopy,
    Reached,
    wants_success,
)
from reference_server.mda.directory import Accounts, Directory
from reference_server.mda.fields import count_received, field_names, without_return_path
from reference_server.mda.files import Spool
from reference_server.mda.trace import date_time, received, return_path
from reference_server.relay.mail import PLAIN, Addressee, Terms
from reference_server.relay.notification import Original, notification
from reference_server.relay.queue import Enqueue, Queue
from reference_server.relay.report import DELIVERED, EXPANDED, Action, Report
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.store.change import Change, Transaction
from reference_server.store.errors import StoreUnavailable
from reference_server.store.memory import Memory
from reference_server.store.message_changes import Append
from reference_server.store.values import INBOX, InternalDate, NewMessage
from reference_server.store.values import Refusal as StoreRefusal

_LOG = LOG.getChild("delivery")
_LOOP = Refusal(554, "5.4.6", "too many hops, the message seems to loop")


@dataclass(frozen=True, slots=True)
class TakeOn(Change[tuple[Any, ...]]):
    """A message for all its recipients, in one transaction: local deliveries and the queue."""

    parts: tuple[Change[Any], ...]

    def apply(self, transaction: Transaction) -> tuple[Any, ...]:
        """Make every part; a refusal of one (its account was removed meanwhile) undoes all."""
        results = tuple(part.apply(transaction) for part in self.parts)
        for result in results:
            if isinstance(result, StoreRefusal):
                raise StoreUnavailable(f"delivery refused: {result}")
        return results

    def committed(self, memory: Memory, result: tuple[Any, ...]) -> None:
        """Let memory and queue follow."""
        for part, its_result in zip(self.parts, result, strict=True):
            part.committed(memory, its_result)


class Desk(Directory):
    """Decides on recipients and senders, and makes the change that takes a message on."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        queue: Queue,
        clock: Clock,
        defects: Defects,
        hostname: str,
        domains: Iterable[str],
        literals: Iterable[str] = (),
        postmaster: str | None = None,
        aliases: Aliases | None = None,
        spools: Mapping[str, Spool] | None = None,
    ) -> None:
        super().__init__(
            accounts=accounts,
            defects=defects,
            hostname=hostname,
            domains=domains,
            literals=literals,
            postmaster=postmaster,
            aliases=aliases,
            spools=spools,
        )
        self._queue = queue
        self._clock = clock
        self._hostname = hostname
        self._ids = count(int(clock.now().timestamp() * 1000))

    def change_for(self, envelope: Envelope, text: bytes) -> Change[Any] | Refusal:
        """Return the change that delivers and enqueues, trace fields added."""
        if count_received(text) >= HOP_LIMIT:
            return _LOOP
        queue_id = f"{next(self._ids):x}"
        if envelope.role is Role.SUBMISSION:
            text = self._completed(text, queue_id)
        if "mta-received-missing" not in self._defects:
            text = self._received(envelope, queue_id) + text
        terms = Terms(envelope.body, envelope.smtputf8, envelope.ret, envelope.envid)
        return self.deliver(
            envelope.reverse_path,
            envelope.recipients,
            text,
            terms,
            answers_each=envelope.role is Role.LMTP,
        )

    def deliver(
        self,
        reverse_path: ReversePath,
        recipients: Iterable[Recipient],
        text: bytes,
        terms: Terms = PLAIN,
        *,
        answers_each: bool = False,
    ) -> Change[Delivered]:
        """Return the change that brings `text` to the recipients, local ones and others, each once."""
        local: dict[tuple[int, str, int], tuple[Recipient, list[int]]] = {}
        remote: dict[str, Addressee] = {}
        relayed: set[int] = set()
        failed: list[tuple[Recipient, Refusal, tuple[int, ...]]] = []
        expanded: list[tuple[Recipient, int]] = []
        number = -1
        for number, given in enumerate(recipients):
            if len(given.targets) > 1 and wants_success(given):
                expanded.append((given, number))
            for recipient in _targets(given) if given.targets else (given,):
                if isinstance(recipient, tuple):
                    failed.append((*recipient, (number,)))
                    continue
                mailbox = recipient.mailbox
                if recipient.account is not None:
                    copy = number if "mda-duplicates-kept" in self._defects else 0
                    key = (recipient.account.account_id, mailbox.local_part.lower(), copy)
                    local.setdefault(key, (recipient, []))[1].append(number)
                else:
                    remote[f"{mailbox.local_part}@{mailbox.domain.lower()}"] = _addressee(recipient)
                    relayed.add(number)
        enqueue = Enqueue(self._queue, reverse_path, tuple(remote.values()), text, terms) if remote else None
        copies, files = self._copies(reverse_path, text, tuple(local.values())) if local else ((), ())
        change = Deliver(
            number + 1,
            copies,
            enqueue,
            frozenset(relayed),
            tuple(failed),
            answers_each=answers_each,
            expanded=tuple(expanded),
            report=partial(self._report, reverse_path, text, terms),
        )
        return DeliverFiles(files, change) if files else change

    def _copies(
        self,
        reverse_path: ReversePath,
        text: bytes,
        local: tuple[tuple[Recipient, list[int]], ...],
    ) -> tuple[tuple[Copy, ...], tuple[FileCopy, ...]]:
        """Return the copies for accounts of ours: in the store, and in files where that is configured."""
        now = self._clock.now()
        message = NewMessage(self._finally_delivered(reverse_path, text), internal_date=InternalDate.at(now))
        copies: list[Copy] = []
        files: list[FileCopy] = []
        for recipient, numbers in local:
            assert recipient.account is not None
            spool = self._spool(recipient.account)
            if spool is None:
                append = Append(recipient.account.account_id, INBOX, (message,))
                copies.append(Copy(recipient, append, tuple(numbers)))
            else:
                write = partial(spool.deliver, message.octets, reverse_path=reverse_path, when=now)
                files.append(FileCopy(recipient, write, tuple(numbers)))
        return tuple(copies), tuple(files)

    def _report(
        self, reverse_path: ReversePath, text: bytes, terms: Terms, failed: Failed, reached: Reached
    ) -> Change[Any] | None:
        """Return the change that tells the sender whom a message that was taken on reaches, and whom not."""
        told = [
            Report(one, Action.FAILED, Reply(refusal.code, refusal.enhanced, (refusal.text,)))
            for one, refusal in ((_addressee(recipient), refusal) for recipient, refusal in failed)
            if one.wants_failure
        ]
        if "dsn-success-untold" not in self._defects:
            told += [
                Report(_addressee(recipient), Action.EXPANDED, EXPANDED)
                if recipient.targets
                else Report(_addressee(recipient), Action.DELIVERED, DELIVERED)
                for recipient in reached
            ]
        if reverse_path is None or not told:
            # RFC 5321 §6.1: never a notification about a notification.
            if failed:
                names = ", ".join(str(recipient.mailbox) for recipient, _ in failed)
                _LOG.warning("no delivery to %s, and nobody to tell", names)
            return None
        now = self._clock.now()
        written = notification(
            Original(reverse_path, text, now, terms),
            told,
            hostname=self._hostname,
            now=now,
            unique=f"local-{next(self._ids):x}",
            defects=self._defects,
        )
        return self.notify(reverse_path, written.octets, written.terms)

    def _finally_delivered(self, reverse_path: ReversePath, text: bytes) -> bytes:
        """Put the one Return-Path on top that a delivered message has (RFC 5321 §4.4)."""
        if "mda-return-path-missing" in self._defects:
            return text
        if "mda-return-path-kept" not in self._defects:
            text = without_return_path(text)
        return return_path(reverse_path) + text

    def notify(self, sender: Mailbox, text: bytes, terms: Terms = PLAIN) -> Change[Any] | None:
        """Return the change that brings a notification to a sender anywhere; None if they are unknown.

        A notification has the null reverse path (RFC 5321 §6.1), so that none is ever sent about it.
        """
        recipient = self.recipient(sender, Role.SUBMISSION)
        reverse_path = sender if "relay-bounce-with-sender" in self._defects else None
        if isinstance(recipient, Refusal):
            return None
        # RFC 3461 §6.1: NOTIFY may be given with a notification, and is then NEVER.
        return self.deliver(reverse_path, [replace(recipient, notify=frozenset({"NEVER"}))], text, terms)

    def _received(self, envelope: Envelope, queue_id: str) -> bytes:
        named = [str(recipient.mailbox) for recipient in envelope.recipients]
        only = named[0] if len(named) == 1 else None
        if "mta-for-lists-all" in self._defects:
            only = ">,<".join(named)
        return received(
            hello_name=envelope.hello_name,
            peer_address=envelope.peer_address,
            hostname=self._hostname,
            protocol=envelope.protocol,
            queue_id=queue_id,
            recipient=only,
            when=self._clock.now(),
        )

    def _completed(self, text: bytes, queue_id: str) -> bytes:
        """Add what a submission lacks: Date and Message-ID (RFC 6409 §8.1, §8.2)."""
        names = field_names(text)
        added = b""
        if b"date" not in names:
            added += f"Date: {date_time(self._clock.now())}\r\n".encode("ascii")
        if b"message-id" not in names:
            added += f"Message-ID: <{queue_id}@{self._hostname}>\r\n".encode("ascii")
        return added + text


def _addressee(recipient: Recipient) -> Addressee:
    return Addressee(recipient.mailbox, recipient.notify, recipient.orcpt)


def _targets(given: Recipient) -> Iterator[Recipient | tuple[Recipient, Refusal]]:
    """Yield who an alias stands for; what its sender wants to hear goes for each (RFC 3461 §5.2.7.2).

    Of success at several targets nobody is told, since the sender hears of the alias (RFC 3461 §5.2.7.3 (c)).
    """
    if len(given.targets) > 1 and wants_success(given):
        assert given.notify is not None
        given = replace(given, notify=given.notify - {"SUCCESS"} or frozenset({"NEVER"}))
    for target in given.targets:
        if isinstance(target, Recipient):
            yield replace(target, notify=given.notify, orcpt=given.orcpt)
        else:
            mailbox, refusal = target
            yield replace(given, mailbox=mailbox, targets=()), refusal
