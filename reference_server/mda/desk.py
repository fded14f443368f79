"""The desk behind every SMTP, submission and LMTP session: who is served, and how a message is taken on.

Recipients of our own domains are delivered into the store, those of other domains go to the queue, and both
in one change: a message is taken on for all its recipients or for none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from reference_server.clock import Clock
from reference_server.codec.sasl import ScramKeys
from reference_server.codec.smtp.limits import HOP_LIMIT
from reference_server.codec.smtp.path import Mailbox, ReversePath
from reference_server.defects import Defects
from reference_server.mda.fields import count_received, field_names, without_return_path
from reference_server.mda.trace import date_time, received, return_path
from reference_server.relay.queue import Enqueue, Queue
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.store.change import Change, Transaction
from reference_server.store.errors import StoreUnavailable
from reference_server.store.memory import Memory
from reference_server.store.message_changes import Append
from reference_server.store.values import INBOX, Account, InternalDate, NewMessage
from reference_server.store.values import Refusal as StoreRefusal


class Accounts(Protocol):
    """What the desk asks of the store."""

    def resolve(self, address: str) -> Account | None:
        """Find who gets mail for an address: case does not matter, `user+detail` is `user`."""
        ...

    def scram_keys(self, login: str) -> tuple[Account | None, ScramKeys]:
        """Return an account with its keys; for an unknown login None, with keys that look real."""
        ...


_NOT_OURS = Refusal(550, "5.7.1", "relaying is not permitted")
_UNKNOWN = Refusal(550, "5.1.1", "no such user here")
_NOT_YOURS = Refusal(550, "5.7.1", "the sender address does not belong to the authenticated user")
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


class Desk:
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
    ) -> None:
        self._accounts = accounts
        self._queue = queue
        self._clock = clock
        self._defects = defects
        self._hostname = hostname
        self._domains = frozenset(domain.lower() for domain in domains)
        self._primary_domain = next(iter(domains), hostname)
        self._literals = frozenset(literal.lower() for literal in literals)
        """Address literals that are ours (RFC 5321 §4.1.3)."""
        self._postmaster = postmaster
        """Who reads the postmaster's mail where no account has that name."""
        self._ids = count(int(clock.now().timestamp() * 1000))

    # Who is served

    def recipient(self, mailbox: Mailbox, role: Role) -> Recipient | Refusal:
        """Look a forward path up: an account of ours, or for users anybody anywhere."""
        domain = mailbox.domain.lower()
        if not domain:
            # RFC 5321 §4.5.1: `Postmaster` without a domain is ours.
            mailbox = Mailbox(mailbox.local_part, self._primary_domain)
        elif domain in self._literals:
            domain = ""
        if domain and domain not in self._domains:
            if role is Role.SUBMISSION or "relay-open" in self._defects:
                return Recipient(mailbox, None)
            return _NOT_OURS
        account = self._local_account(mailbox.local_part, domain or self._primary_domain)
        return _UNKNOWN if account is None else Recipient(mailbox, account)

    def _local_account(self, local_part: str, domain: str) -> Account | None:
        account = self._accounts.resolve(f"{local_part}@{domain}")
        if account is None and local_part.lower() == "postmaster" and self._postmaster is not None:
            account = self._accounts.resolve(self._postmaster)
        return account

    def sender_refusal(
        self, reverse_path: ReversePath, account: Account | None, role: Role
    ) -> Refusal | None:
        """A user sends as themselves, or with the null path (RFC 6409 §6.1); in the MX role anybody may."""
        if role is not Role.SUBMISSION or reverse_path is None or account is None:
            return None
        owner = self._accounts.resolve(str(Mailbox(reverse_path.local_part, reverse_path.domain)))
        if owner is None or owner.account_id != account.account_id:
            return _NOT_YOURS
        return None

    def scram_keys(self, login: str) -> tuple[Account | None, ScramKeys]:
        """Return what SCRAM verifies a login with."""
        return self._accounts.scram_keys(login)

    # Taking a message on

    def change_for(self, envelope: Envelope, text: bytes) -> Change[Any] | Refusal:
        """Return the change that delivers and enqueues, trace fields added."""
        if count_received(text) >= HOP_LIMIT:
            return _LOOP
        queue_id = _base36(next(self._ids))
        if envelope.role is Role.SUBMISSION:
            text = self._completed(text, queue_id)
        if "mta-received-missing" not in self._defects:
            text = self._received(envelope, queue_id) + text
        return self.deliver(envelope.reverse_path, envelope.recipients, text)

    def deliver(self, reverse_path: ReversePath, recipients: Iterable[Recipient], text: bytes) -> Change[Any]:
        """Return the change that brings `text` to the recipients, local ones and others."""
        local: dict[tuple[int, str, int], Account] = {}
        remote: dict[str, Mailbox] = {}
        for number, recipient in enumerate(recipients):
            mailbox = recipient.mailbox
            if recipient.account is not None:
                copy = number if "mda-duplicates-kept" in self._defects else 0
                local[recipient.account.account_id, mailbox.local_part.lower(), copy] = recipient.account
            else:
                remote[f"{mailbox.local_part}@{mailbox.domain.lower()}"] = mailbox
        parts: list[Change[Any]] = []
        if local:
            message = NewMessage(
                self._finally_delivered(reverse_path, text), internal_date=InternalDate.at(self._clock.now())
            )
            parts += [Append(account.account_id, INBOX, (message,)) for account in local.values()]
        if remote:
            parts.append(Enqueue(self._queue, reverse_path, tuple(remote.values()), text))
        return TakeOn(tuple(parts))

    def _finally_delivered(self, reverse_path: ReversePath, text: bytes) -> bytes:
        """Put the one Return-Path on top that a delivered message has (RFC 5321 §4.4)."""
        if "mda-return-path-missing" in self._defects:
            return text
        if "mda-return-path-kept" not in self._defects:
            text = without_return_path(text)
        return return_path(reverse_path) + text

    def notify(self, sender: Mailbox, text: bytes) -> Change[Any] | None:
        """Return the change that brings a notification to a sender anywhere; None if they are unknown.

        A notification has the null reverse path (RFC 5321 §6.1), so that none is ever sent about it.
        """
        recipient = self.recipient(sender, Role.SUBMISSION)
        reverse_path = sender if "relay-bounce-with-sender" in self._defects else None
        return None if isinstance(recipient, Refusal) else self.deliver(reverse_path, [recipient], text)

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


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
