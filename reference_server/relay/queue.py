"""The durable queue: mail for other domains, with what is left to do for each recipient.

Rows and memory follow each other as everywhere in the store: a change is applied by the one writer, and the
memory follows once it is on disk. The octets stay on disk until they are sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from reference_server.codec.smtp.notification import write_notify
from reference_server.codec.smtp.path import Mailbox, ReversePath, parse_mailbox
from reference_server.relay.mail import PLAIN, Addressee, Terms, notify_of
from reference_server.store.change import Change, Transaction
from reference_server.store.memory import Memory
from reference_server.store.sql import Connection

_PER_TRANSACTION = 100
"""What every server takes (RFC 5321 §4.5.3.1.8)."""

TABLES = (
    (
        "CREATE TABLE IF NOT EXISTS queue_mail (id INTEGER PRIMARY KEY AUTOINCREMENT, reverse_path TEXT,"
        " octets BLOB NOT NULL, queued_at REAL NOT NULL, body TEXT, smtputf8 INTEGER NOT NULL DEFAULT 0,"
        " ret TEXT, envid TEXT)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS queue_recipient (mail_id INTEGER NOT NULL, number INTEGER NOT NULL,"
        " address TEXT NOT NULL, attempts INTEGER NOT NULL, next_at REAL NOT NULL, last_reply TEXT NOT NULL,"
        " notify TEXT, orcpt TEXT, told_delay INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY (mail_id, number)) WITHOUT ROWID"
    ),
)

_ADDED = {
    "queue_mail": ("body TEXT", "smtputf8 INTEGER NOT NULL DEFAULT 0", "ret TEXT", "envid TEXT"),
    "queue_recipient": ("notify TEXT", "orcpt TEXT", "told_delay INTEGER NOT NULL DEFAULT 0"),
}
"""Columns that the queue of an earlier format lacks; they are added when it is read."""


@dataclass(slots=True)
class QueuedRecipient:
    """Somebody who has not got the message yet."""

    number: int
    addressee: Addressee
    attempts: int
    next_at_s: float
    last_reply: str
    told_delay: bool = False
    """The sender was told that it takes longer; once is enough."""

    @property
    def mailbox(self) -> Mailbox:
        """The recipient's address."""
        return self.addressee.mailbox

    @property
    def destination(self) -> str:
        """The domain that the message leaves for."""
        return self.mailbox.domain.lower()


@dataclass(slots=True)
class QueuedMail:
    """A message in the queue, without its octets."""

    mail_id: int
    reverse_path: ReversePath
    queued_at_s: float
    recipients: dict[int, QueuedRecipient]
    terms: Terms = PLAIN
    size: int = 0
    """Octets."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One attempt: a message for some recipients of one destination."""

    mail: QueuedMail
    destination: str
    recipients: tuple[QueuedRecipient, ...]


class Queue:
    """What waits and when it is due; on the thread that owns the store."""

    def __init__(self) -> None:
        self._mails: dict[int, QueuedMail] = {}
        self._due: list[tuple[float, int, int]] = []
        """A heap of time, message and recipient."""
        self._running: set[tuple[int, int]] = set()
        """Recipients who are being tried."""
        self.on_added: Callable[[], None] | None = None
        """Rung when there is something new to do."""

    def __len__(self) -> int:
        return len(self._mails)

    def add(self, mail: QueuedMail) -> None:
        """Take a message that is on disk."""
        self._mails[mail.mail_id] = mail
        for recipient in mail.recipients.values():
            heappush(self._due, (recipient.next_at_s, mail.mail_id, recipient.number))
        if self.on_added is not None:
            self.on_added()

    def mails(self) -> tuple[QueuedMail, ...]:
        """Return everything that waits, the oldest first."""
        return tuple(self._mails.values())

    def mail(self, mail_id: int) -> QueuedMail | None:
        """Return one message, None if it is not there (any more)."""
        return self._mails.get(mail_id)

    def is_running(self, mail_id: int, number: int) -> bool:
        """Whether a recipient is being tried just now."""
        return (mail_id, number) in self._running

    def next_due_s(self) -> float | None:
        """Return when the next attempt is due, of those that are not running."""
        while self._due and not self._waits(*self._due[0][1:]):
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def _waits(self, mail_id: int, number: int) -> bool:
        mail = self._mails.get(mail_id)
        return mail is not None and number in mail.recipients and (mail_id, number) not in self._running

    def take_due(self, now_s: float) -> list[Batch]:
        """Return the attempts that are due: recipients of one destination share one, as far as one goes."""
        taken: dict[tuple[int, str], list[QueuedRecipient]] = {}
        while self._due and self._due[0][0] <= now_s:
            _, mail_id, number = heappop(self._due)
            mail = self._mails.get(mail_id)
            recipient = None if mail is None else mail.recipients.get(number)
            if recipient is None or (mail_id, number) in self._running:
                # Dropped meanwhile, or made due twice.
                continue
            self._running.add((mail_id, number))
            taken.setdefault((mail_id, recipient.destination), []).append(recipient)
        return [
            Batch(self._mails[mail_id], destination, tuple(recipients[start : start + _PER_TRANSACTION]))
            for (mail_id, destination), recipients in taken.items()
            for start in range(0, len(recipients), _PER_TRANSACTION)
        ]

    def put_off(self, batch: Batch, until_s: float) -> None:
        """Take an attempt back whose outcome could not be noted; what is on disk stays as it was."""
        for recipient in batch.recipients:
            self._running.discard((batch.mail.mail_id, recipient.number))
            if recipient.number in batch.mail.recipients:
                heappush(self._due, (until_s, batch.mail.mail_id, recipient.number))

    def settle(self, settled: "Settle") -> None:
        """Follow a change that is on disk; whoever was dropped meanwhile stays so."""
        mail_id = settled.mail_id
        mail = self._mails.get(mail_id)
        for number in (*settled.finished, *(number for number, _, _ in settled.deferred)):
            self._running.discard((mail_id, number))
        if mail is None:
            return
        for number in settled.finished:
            mail.recipients.pop(number, None)
        for number, next_at_s, reply in settled.deferred:
            recipient = mail.recipients.get(number)
            if recipient is None:
                continue
            recipient.attempts += 1
            recipient.next_at_s = next_at_s
            recipient.last_reply = reply
            recipient.told_delay = recipient.told_delay or number in settled.told_delay
            heappush(self._due, (next_at_s, mail_id, number))
        if not mail.recipients:
            del self._mails[mail_id]

    def hasten(self, mail_id: int, numbers: Iterable[int], now_s: float) -> None:
        """Make recipients due now; whoever is being tried already needs no haste."""
        mail = self._mails.get(mail_id)
        for number in numbers:
            recipient = None if mail is None else mail.recipients.get(number)
            if recipient is not None and (mail_id, number) not in self._running:
                recipient.next_at_s = now_s
                heappush(self._due, (now_s, mail_id, number))
        if self.on_added is not None:
            self.on_added()

    def forget(self, mail_id: int, numbers: Iterable[int]) -> None:
        """Let recipients go who are not on disk any more."""
        mail = self._mails.get(mail_id)
        if mail is None:
            return
        for number in numbers:
            mail.recipients.pop(number, None)
        if not mail.recipients:
            del self._mails[mail_id]


@dataclass(frozen=True, slots=True)
class Enqueue(Change[QueuedMail]):
    """Take a message into the queue."""

    queue: Queue = field(repr=False, compare=False)
    reverse_path: ReversePath
    recipients: tuple[Addressee, ...]
    octets: bytes = field(repr=False)
    terms: Terms = PLAIN

    def apply(self, transaction: Transaction) -> QueuedMail:
        """Insert the message and its recipients; the first attempt is due at once."""
        sql = transaction.sql
        now_s = transaction.now_s
        reverse_path = None if self.reverse_path is None else str(self.reverse_path)
        terms = self.terms
        rows = sql.execute(
            "INSERT INTO queue_mail (reverse_path, octets, queued_at, body, smtputf8, ret, envid)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                reverse_path,
                self.octets,
                now_s,
                terms.body,
                int(terms.smtputf8),
                terms.ret,
                terms.envid,
            ),
        ).fetchall()
        mail_id = int(rows[0][0])
        sql.executemany(
            "INSERT INTO queue_recipient (mail_id, number, address, attempts, next_at, last_reply, notify,"
            " orcpt) VALUES (?, ?, ?, 0, ?, '', ?, ?)",
            [
                (mail_id, number, str(one.mailbox), now_s, _written(one.notify), one.orcpt)
                for number, one in enumerate(self.recipients)
            ],
        )
        recipients = {
            number: QueuedRecipient(number, one, 0, now_s, "") for number, one in enumerate(self.recipients)
        }
        return QueuedMail(mail_id, self.reverse_path, now_s, recipients, terms, len(self.octets))

    def committed(self, memory: Memory, result: QueuedMail) -> None:  # noqa: ARG002
        """Let the relay start on it."""
        self.queue.add(result)


@dataclass(frozen=True, slots=True)
class Settle(Change[None]):
    """Note what became of an attempt."""

    queue: Queue = field(repr=False, compare=False)
    mail_id: int
    finished: tuple[int, ...]
    """Recipients who have the message, or never will."""
    deferred: tuple[tuple[int, float, str], ...]
    """Number, time of the next attempt, and why this one failed."""
    told_delay: frozenset[int] = frozenset()
    """Those of the deferred of whose delay the sender is told in the same transaction."""

    def apply(self, transaction: Transaction) -> None:
        """Delete what is done, put off what is not; the message goes with its last recipient."""
        sql = transaction.sql
        sql.executemany(
            "DELETE FROM queue_recipient WHERE mail_id = ? AND number = ?",
            [(self.mail_id, number) for number in self.finished],
        )
        sql.executemany(
            "UPDATE queue_recipient SET attempts = attempts + 1, next_at = ?, last_reply = ?"
            " WHERE mail_id = ? AND number = ?",
            [(next_at_s, reply, self.mail_id, number) for number, next_at_s, reply in self.deferred],
        )
        sql.executemany(
            "UPDATE queue_recipient SET told_delay = 1 WHERE mail_id = ? AND number = ?",
            [(self.mail_id, number) for number in self.told_delay],
        )
        _delete_if_done(sql, self.mail_id)

    def committed(self, memory: Memory, result: None) -> None:  # noqa: ARG002
        """Let the memory follow."""
        self.queue.settle(self)


@dataclass(frozen=True, slots=True)
class LoadQueue(Change[tuple[QueuedMail, ...]]):
    """Read what waited when the server stopped."""

    queue: Queue = field(repr=False, compare=False)

    def apply(self, transaction: Transaction) -> tuple[QueuedMail, ...]:
        """Read everything but the octets."""
        sql = transaction.sql
        for table, columns in _ADDED.items():
            there = {row[1] for row in sql.execute(f"PRAGMA table_info({table})").fetchall()}
            for column in columns:
                if column.split()[0] not in there:
                    sql.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        mails = {
            mail_id: QueuedMail(
                mail_id,
                None if path is None else parse_mailbox(path.encode("utf-8")),
                queued_at_s,
                {},
                Terms(body, bool(smtputf8), ret, envid),
                size,
            )
            for mail_id, path, queued_at_s, body, smtputf8, ret, envid, size in sql.execute(
                "SELECT id, reverse_path, queued_at, body, smtputf8, ret, envid, length(octets)"
                " FROM queue_mail ORDER BY id"
            ).fetchall()
        }
        rows: Iterable[Any] = sql.execute(
            "SELECT mail_id, number, address, attempts, next_at, last_reply, notify, orcpt, told_delay"
            " FROM queue_recipient"
        ).fetchall()
        for mail_id, number, address, attempts, next_at_s, last_reply, notify, orcpt, told_delay in rows:
            one = Addressee(parse_mailbox(address.encode("utf-8")), notify_of(notify), orcpt)
            mails[mail_id].recipients[number] = QueuedRecipient(
                number, one, attempts, next_at_s, last_reply, bool(told_delay)
            )
        return tuple(mails.values())

    def committed(self, memory: Memory, result: tuple[QueuedMail, ...]) -> None:  # noqa: ARG002
        """Queue it all again."""
        for mail in result:
            self.queue.add(mail)


@dataclass(frozen=True, slots=True)
class Drop(Change[None]):
    """Take recipients out of the queue without a word to anybody."""

    queue: Queue = field(repr=False, compare=False)
    mail_id: int
    numbers: tuple[int, ...]

    def apply(self, transaction: Transaction) -> None:
        """Delete them; the message goes with its last recipient."""
        sql = transaction.sql
        sql.executemany(
            "DELETE FROM queue_recipient WHERE mail_id = ? AND number = ?",
            [(self.mail_id, number) for number in self.numbers],
        )
        _delete_if_done(sql, self.mail_id)

    def committed(self, memory: Memory, result: None) -> None:  # noqa: ARG002
        """Let the memory follow."""
        self.queue.forget(self.mail_id, self.numbers)


@dataclass(frozen=True, slots=True)
class Hasten(Change[float]):
    """Make recipients due at once."""

    queue: Queue = field(repr=False, compare=False)
    mail_id: int
    numbers: tuple[int, ...]

    def apply(self, transaction: Transaction) -> float:
        """Note it, so that it holds for the next start, too."""
        transaction.sql.executemany(
            "UPDATE queue_recipient SET next_at = ? WHERE mail_id = ? AND number = ?",
            [(transaction.now_s, self.mail_id, number) for number in self.numbers],
        )
        return transaction.now_s

    def committed(self, memory: Memory, result: float) -> None:  # noqa: ARG002
        """Let the memory follow."""
        self.queue.hasten(self.mail_id, self.numbers, result)


def _written(notify: frozenset[str] | None) -> str | None:
    return None if notify is None else write_notify(notify)


def _delete_if_done(sql: Connection, mail_id: int) -> None:
    sql.execute(
        "DELETE FROM queue_mail WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM queue_recipient WHERE mail_id = queue_mail.id)",
        (mail_id,),
    )


def octets_of(mail_id: int) -> Callable[[Connection], bytes | None]:
    """Return the read that fetches a queued message; None where it was dropped meanwhile."""

    def read(connection: Connection) -> bytes | None:
        rows = connection.execute("SELECT octets FROM queue_mail WHERE id = ?", (mail_id,)).fetchall()
        return bytes(rows[0][0]) if rows else None

    return read
