"""The durable queue: mail for other domains, with what is left to do for each recipient.

Rows and memory follow each other as everywhere in the store: a change is applied by the one writer, and the
memory follows once it is on disk. The octets stay on disk until they are sent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from reference_server.codec.smtp.path import Mailbox, ReversePath, parse_mailbox
from reference_server.store.change import Change, Transaction
from reference_server.store.memory import Memory
from reference_server.store.sql import Connection

_PER_TRANSACTION = 100
"""What every server takes (RFC 5321 §4.5.3.1.8)."""

TABLES = (
    (
        "CREATE TABLE IF NOT EXISTS queue_mail (id INTEGER PRIMARY KEY AUTOINCREMENT, reverse_path TEXT,"
        " octets BLOB NOT NULL, queued_at REAL NOT NULL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS queue_recipient (mail_id INTEGER NOT NULL, number INTEGER NOT NULL,"
        " address TEXT NOT NULL, attempts INTEGER NOT NULL, next_at REAL NOT NULL, last_reply TEXT NOT NULL,"
        " PRIMARY KEY (mail_id, number)) WITHOUT ROWID"
    ),
)


@dataclass(slots=True)
class QueuedRecipient:
    """Somebody who has not got the message yet."""

    number: int
    mailbox: Mailbox
    attempts: int
    next_at_s: float
    last_reply: str

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
        """A heap of time, message and recipient; a recipient who is being tried is not in it."""
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

    def next_due_s(self) -> float | None:
        """Return when the next attempt is due, of those that are not running."""
        return self._due[0][0] if self._due else None

    def take_due(self, now_s: float) -> list[Batch]:
        """Return the attempts that are due: recipients of one destination share one, as far as one goes."""
        taken: dict[tuple[int, str], list[QueuedRecipient]] = {}
        while self._due and self._due[0][0] <= now_s:
            _, mail_id, number = heappop(self._due)
            recipient = self._mails[mail_id].recipients[number]
            taken.setdefault((mail_id, recipient.destination), []).append(recipient)
        return [
            Batch(self._mails[mail_id], destination, tuple(recipients[start : start + _PER_TRANSACTION]))
            for (mail_id, destination), recipients in taken.items()
            for start in range(0, len(recipients), _PER_TRANSACTION)
        ]

    def put_off(self, batch: Batch, until_s: float) -> None:
        """Take an attempt back whose outcome could not be noted; what is on disk stays as it was."""
        for recipient in batch.recipients:
            if recipient.number in batch.mail.recipients:
                heappush(self._due, (until_s, batch.mail.mail_id, recipient.number))

    def settle(self, settled: "Settle") -> None:
        """Follow a change that is on disk."""
        mail = self._mails[settled.mail_id]
        for number in settled.finished:
            del mail.recipients[number]
        for number, next_at_s, reply in settled.deferred:
            recipient = mail.recipients[number]
            recipient.attempts += 1
            recipient.next_at_s = next_at_s
            recipient.last_reply = reply
            heappush(self._due, (next_at_s, mail.mail_id, number))
        if not mail.recipients:
            del self._mails[settled.mail_id]


@dataclass(frozen=True, slots=True)
class Enqueue(Change[QueuedMail]):
    """Take a message into the queue."""

    queue: Queue = field(repr=False, compare=False)
    reverse_path: ReversePath
    recipients: tuple[Mailbox, ...]
    octets: bytes = field(repr=False)

    def apply(self, transaction: Transaction) -> QueuedMail:
        """Insert the message and its recipients; the first attempt is due at once."""
        sql = transaction.sql
        now_s = transaction.now_s
        reverse_path = None if self.reverse_path is None else str(self.reverse_path)
        rows = sql.execute(
            "INSERT INTO queue_mail (reverse_path, octets, queued_at) VALUES (?, ?, ?) RETURNING id",
            (reverse_path, self.octets, now_s),
        ).fetchall()
        mail_id = int(rows[0][0])
        sql.executemany(
            "INSERT INTO queue_recipient (mail_id, number, address, attempts, next_at, last_reply)"
            " VALUES (?, ?, ?, 0, ?, '')",
            [(mail_id, number, str(mailbox), now_s) for number, mailbox in enumerate(self.recipients)],
        )
        recipients = {
            number: QueuedRecipient(number, mailbox, 0, now_s, "")
            for number, mailbox in enumerate(self.recipients)
        }
        return QueuedMail(mail_id, self.reverse_path, now_s, recipients)

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
        sql.execute(
            "DELETE FROM queue_mail WHERE id = ?"
            " AND NOT EXISTS (SELECT 1 FROM queue_recipient WHERE mail_id = queue_mail.id)",
            (self.mail_id,),
        )

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
        mails = {
            mail_id: QueuedMail(
                mail_id, None if path is None else parse_mailbox(path.encode("ascii")), queued_at_s, {}
            )
            for mail_id, path, queued_at_s in sql.execute(
                "SELECT id, reverse_path, queued_at FROM queue_mail ORDER BY id"
            ).fetchall()
        }
        rows: Iterable[Any] = sql.execute(
            "SELECT mail_id, number, address, attempts, next_at, last_reply FROM queue_recipient"
        ).fetchall()
        for mail_id, number, address, attempts, next_at_s, last_reply in rows:
            mailbox = parse_mailbox(address.encode("ascii"))
            mails[mail_id].recipients[number] = QueuedRecipient(
                number, mailbox, attempts, next_at_s, last_reply
            )
        return tuple(mails.values())

    def committed(self, memory: Memory, result: tuple[QueuedMail, ...]) -> None:  # noqa: ARG002
        """Queue it all again."""
        for mail in result:
            self.queue.add(mail)


def octets_of(mail_id: int) -> Callable[[Connection], bytes]:
    """Return the read that fetches a queued message."""

    def read(connection: Connection) -> bytes:
        rows = connection.execute("SELECT octets FROM queue_mail WHERE id = ?", (mail_id,)).fetchall()
        return bytes(rows[0][0])

    return read
