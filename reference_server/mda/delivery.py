"""The change that delivers a message: to each account of ours, to the queue, and back where that fails.

Its result says for each recipient of the envelope None (answered 250) or a `Refusal`. What a refusal leads to
depends on who can hear it:

- LMTP answers each recipient by itself (RFC 2033 §4.2): a full mailbox refuses its own recipient only;
- SMTP has one reply for all. With 250 the server has taken the message on for everybody, and must tell the
  sender about those it fails (RFC 5321 §4.2.5, §6.1): a notification, in the same transaction. Only if nobody
  gets the message is the message refused, and nothing of it kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reference_server.log import LOG
from reference_server.mda.files import DeliveryFailed, Spool
from reference_server.session.smtp.desk import Recipient, Refusal
from reference_server.store.change import Change, Prepared, Transaction
from reference_server.store.errors import StoreUnavailable
from reference_server.store.memory import Memory
from reference_server.store.message_changes import Append, Appended
from reference_server.store.values import Refusal as StoreRefusal

_LOG = LOG.getChild("delivery")

MAILBOX_FULL = Refusal(452, "4.2.2", "mailbox full, try again later")
"""RFC 3463 §3.3: X.2.2, persistent transient: its owner may make room."""
_NEVER_FITS = Refusal(552, "5.2.2", "message is larger than the whole mailbox may be")
NO_FILE = Refusal(451, "4.2.0", "the mailbox cannot be written, try again later")

Outcomes = tuple[Refusal | None, ...]
Failed = tuple[tuple[Recipient, Refusal], ...]
"""Recipients who do not get the message although it is taken on; targets of aliases among them."""
FailedCopy = tuple[Recipient, Refusal, tuple[int, ...]]
"""Who does not get it, why, and the numbers of the recipients who stand behind it."""
Reached = tuple[Recipient, ...]
"""Recipients who have the message, of which the sender wants to hear (NOTIFY=SUCCESS, RFC 3461 §5.2.3)."""
Report = Callable[[Failed, Reached], Change[Any] | None]


@dataclass(frozen=True, slots=True)
class Copy:
    """One message in one mailbox, and the numbers of the recipients who asked for it."""

    recipient: Recipient
    append: Append
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was done: an outcome for each recipient, and the parts for the memory to follow."""

    outcomes: Outcomes
    parts: tuple[tuple[Change[Any], Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deliver(Change[Delivered]):
    """A message for all its recipients, in one transaction."""

    recipients: int
    copies: tuple[Copy, ...]
    relayed: Change[Any] | None
    """What puts it into the queue."""
    relayed_numbers: frozenset[int] = frozenset()
    failed: tuple[FailedCopy, ...] = ()
    """What is known already to have failed: targets of aliases, files."""
    delivered: frozenset[int] = frozenset()
    """Recipients who have the message already, in a file."""
    expanded: tuple[tuple[Recipient, int], ...] = ()
    """Aliases with several targets, of which the sender wants to hear (RFC 3461 §5.2.7.3)."""
    filed: Reached = ()
    """The same for files that are written already."""
    answers_each: bool = False
    report: Report | None = field(default=None, repr=False, compare=False)

    def apply(self, transaction: Transaction) -> Delivered:
        """Deliver to everybody; raises `StoreUnavailable` if an account was removed meanwhile."""
        parts: list[tuple[Change[Any], Any]] = []
        failed = list(self.failed)
        reached = set(self.delivered | self.relayed_numbers)
        successes = list(self.filed)
        for copy in self.copies:
            result = copy.append.apply(transaction)
            if isinstance(result, Appended):
                parts.append((copy.append, result))
                reached.update(copy.numbers)
                if wants_success(copy.recipient):
                    successes.append(copy.recipient)
            elif result is StoreRefusal.OVER_QUOTA:
                failed.append((copy.recipient, _why_full(transaction, copy.append), copy.numbers))
            else:
                raise StoreUnavailable(f"delivery refused: {result}")
        if self.relayed is not None:
            parts.append((self.relayed, self.relayed.apply(transaction)))
        successes += [recipient for recipient, number in self.expanded if number in reached]
        if not failed and not successes:
            return Delivered((None,) * self.recipients, tuple(parts))
        outcomes = self._outcomes(failed, reached)
        told = tuple(
            (recipient, refusal)
            for recipient, refusal, numbers in failed
            if any(outcomes[number] is None for number in numbers)
        )
        if not reached:
            successes.clear()
        change = None
        if self.report is not None and (told or successes):
            change = self.report(told, tuple(successes))
        if change is not None:
            parts.append((change, change.apply(transaction)))
        return Delivered(outcomes, tuple(parts))

    def _outcomes(self, failed: Sequence[FailedCopy], reached: set[int]) -> Outcomes:
        """Return what each recipient is answered: in SMTP all the same, in LMTP each by itself."""
        if reached and not self.answers_each:
            return (None,) * self.recipients
        refused = {
            number: refusal for _, refusal, numbers in failed for number in numbers if number not in reached
        }
        return tuple(refused.get(number) for number in range(self.recipients))

    def committed(self, memory: Memory, result: Delivered) -> None:
        """Let memory and queue follow."""
        for part, its_result in result.parts:
            part.committed(memory, its_result)


def wants_success(recipient: Recipient) -> bool:
    """Whether the sender asked to hear of the delivery (RFC 3461 §4.1)."""
    return recipient.notify is not None and "SUCCESS" in recipient.notify


def _why_full(transaction: Transaction, append: Append) -> Refusal:
    quota = transaction.usage(append.account_id).quota
    octets = sum(len(message.octets) for message in append.messages)
    most = octets if quota is None or quota.octets is None else quota.octets
    return _NEVER_FITS if most < octets else MAILBOX_FULL


@dataclass(frozen=True, slots=True)
class FileCopy:
    """One message in one file or directory."""

    recipient: Recipient
    write: Callable[[], None]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeliverFiles(Prepared[Delivered]):
    """A delivery with files among its mailboxes: those are written and synced first.

    Files know no transaction. When one cannot be written, LMTP says so for its recipient; in SMTP nothing is
    taken on, and the copies in other files are there twice once the client has come again (which RFC 5321
    §6.1 prefers to a loss).
    """

    files: tuple[FileCopy, ...]
    rest: Deliver

    def prepare(self) -> Change[Delivered]:
        """Write the files, and return what is left to do."""
        failed = list(self.rest.failed)
        delivered = set(self.rest.delivered)
        filed = list(self.rest.filed)
        for copy in self.files:
            try:
                copy.write()
            except DeliveryFailed as error:
                _LOG.error("cannot deliver to %s: %s", copy.recipient.mailbox, error)
                if not self.rest.answers_each:
                    raise StoreUnavailable(str(error)) from None
                failed.append((copy.recipient, NO_FILE, copy.numbers))
            else:
                delivered.update(copy.numbers)
                if wants_success(copy.recipient):
                    filed.append(copy.recipient)
        return replace(self.rest, failed=tuple(failed), delivered=frozenset(delivered), filed=tuple(filed))

    def committed(self, memory: Memory, result: Delivered) -> None:
        """Let memory and queue follow."""
        self.rest.committed(memory, result)


Spools = dict[str, Spool]
"""Where the mail of accounts goes that is not kept in the store, by address in lower case."""
