"""What a change is, and the transaction that the writer applies it in.

A change runs twice: `apply` on the writer thread, inside a transaction that it shares with whatever else was
waiting, and `committed` on the thread that owns the store, after the sync. Truth is what is on disk; the
memory only follows it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from reference_server.store.memory import Memory
from reference_server.store.sql import Connection, Value
from reference_server.store.values import Quota, Usage

Result = TypeVar("Result")

_ROWS_PER_INSERT = 64

USAGES = (
    "SELECT coalesce(sum(octets), 0), coalesce(sum(messages), 0),"
    " coalesce(account.quota_octets, (SELECT value FROM counter WHERE name = 'quota_octets')),"
    " coalesce(account.quota_messages, (SELECT value FROM counter WHERE name = 'quota_messages'))"
    "{more} FROM account LEFT JOIN mailbox ON mailbox.account_id = account.id {which} GROUP BY account.id"
)
"""What accounts hold and may hold; a quota that an account lacks is the server's."""


def usage_of(octets: int, messages: int, most_octets: int | None, most_messages: int | None) -> Usage:
    """Return what a row of `USAGES` says."""
    limited = most_octets is not None or most_messages is not None
    return Usage(octets, messages, Quota(most_octets, most_messages) if limited else None)


USAGE_OF_ACCOUNT = USAGES.format(more="", which="WHERE account.id = ?")


class Change(ABC, Generic[Result]):
    """A durable change; implementations are frozen dataclasses.

    A change that is refused returns a `Refusal` and has touched nothing. A change that raises spoils its
    transaction: the writer rolls back and tries the others again without it.
    """

    __slots__ = ()

    @abstractmethod
    def apply(self, transaction: "Transaction") -> Result:
        """Make the change on the writer thread; it sees all earlier changes, also of the same transaction."""

    def committed(self, memory: Memory, result: Result) -> None:
        """Let the memory follow, on the owning thread, before the change's `done` is called."""


class Prepared(Change[Result]):
    """A change with slow work outside the database before it, such as delivery into files."""

    __slots__ = ()

    @abstractmethod
    def prepare(self) -> Change[Result]:
        """Do the work, on a thread that may wait, and return what is to be applied; or `StoreUnavailable`."""

    def apply(self, transaction: "Transaction") -> Result:
        """Do both at once, where the change is part of another one."""
        return self.prepare().apply(transaction)


@dataclass(frozen=True, slots=True)
class Table:
    """A table filled by multi-row INSERTs: the GIL is handed over once per statement, not once per row."""

    name: str
    columns: tuple[str, ...]

    def insert_sql(self, rows: int) -> str:
        """Return the statement that inserts `rows` rows."""
        row = f"({', '.join('?' * len(self.columns))})"
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608


@dataclass(slots=True)
class Counters:
    """The counters of one mailbox as the writer knows them; written back once per transaction."""

    mailbox_id: int
    account_id: int
    name: str
    uid_validity: int
    uid_next: int
    modseq: int
    keywords: tuple[str, ...]
    recent_from: int
    selectable: bool
    octets: int
    messages: int
    usage: Usage
    """The account's; all its mailboxes share this one."""
    dirty: bool = False

    def take_uids(self, count: int) -> range:
        """Use up `count` UIDs."""
        uids = range(self.uid_next, self.uid_next + count)
        self.uid_next += count
        self.dirty = True
        return uids

    def hold(self, octets: int, messages: int) -> None:
        """Count messages in, or out where the numbers are negative; `dirty` is set by whoever calls."""
        self.octets += octets
        self.messages += messages
        usage = self.usage
        usage.octets += octets
        usage.messages += messages

    def next_modseq(self) -> int:
        """Return a mod-sequence higher than all before."""
        self.modseq += 1
        self.dirty = True
        return self.modseq


@dataclass(slots=True)
class WriterMemory:
    """What the writer keeps from one transaction to the next; forgotten when a transaction fails."""

    next_message_id: int
    last_uid_validity: int
    counters: dict[int, Counters] = field(default_factory=dict)
    mailbox_ids: dict[tuple[int, str], int] = field(default_factory=dict)
    usages: dict[int, Usage] = field(default_factory=dict)
    """By account; read at its first change, then counted along."""
    statements: dict[tuple[str, int], str] = field(default_factory=dict)


class Transaction:
    """The database while it is being changed: SQL, counters, and rows that wait to be inserted together."""

    def __init__(self, connection: Connection, memory: WriterMemory, now_s: float) -> None:
        self._connection = connection
        self._memory = memory
        self._pending: dict[Table, list[tuple[Value, ...]]] = {}
        self.now_s = now_s
        """Seconds since the epoch, one value for the whole transaction."""
        self.full: dict[int, bool] = {}
        """Accounts with a quota whose usage has changed, and whether they are full now."""

    @property
    def sql(self) -> Connection:
        """The connection; rows that were handed to `insert` are in their tables by then."""
        if self._pending:
            self.flush()
        return self._connection

    def insert(self, table: Table, row: tuple[Value, ...]) -> None:
        """Insert a row, together with the other rows for the same table."""
        rows = self._pending.get(table)
        if rows is None:
            rows = self._pending[table] = []
        rows.append(row)

    def flush(self) -> None:
        """Insert the rows that wait, tables in the order of their first row."""
        statements = self._memory.statements
        for table, rows in self._pending.items():
            for start in range(0, len(rows), _ROWS_PER_INSERT):
                part = rows[start : start + _ROWS_PER_INSERT]
                key = (table.name, len(part))
                statement = statements.get(key)
                if statement is None:
                    statement = statements[key] = table.insert_sql(len(part))
                self._connection.execute(statement, [value for row in part for value in row])
        self._pending.clear()

    def finish(self) -> None:
        """Write out what waits; the writer calls it before COMMIT."""
        self.flush()
        for counters in self._memory.counters.values():
            if counters.dirty:
                self._connection.execute(
                    "UPDATE mailbox SET uid_next = ?, modseq = ?, keywords = ?, recent_from = ?,"
                    " octets = ?, messages = ? WHERE id = ?",
                    (
                        counters.uid_next,
                        counters.modseq,
                        " ".join(counters.keywords),
                        counters.recent_from,
                        counters.octets,
                        counters.messages,
                        counters.mailbox_id,
                    ),
                )
                counters.dirty = False
                usage = counters.usage
                if usage.quota is not None:
                    self.full[counters.account_id] = usage.is_full

    # Counters

    def message_id(self) -> int:
        """Return a fresh row id for a message."""
        fresh = self._memory.next_message_id
        self._memory.next_message_id = fresh + 1
        return fresh

    def uid_validity(self) -> int:
        """Return a fresh UIDVALIDITY, higher than every one before it in this store (RFC 3501 §2.3.1.1)."""
        fresh = self._memory.last_uid_validity + 1
        self._memory.last_uid_validity = fresh
        self.sql.execute("UPDATE counter SET value = ? WHERE name = 'last_uid_validity'", (fresh,))
        return fresh

    def mailbox(self, mailbox_id: int) -> Counters | None:
        """Return the counters of a mailbox, None if there is none."""
        counters = self._memory.counters.get(mailbox_id)
        if counters is None:
            row = self.sql.execute(
                "SELECT account_id, name, uid_validity, uid_next, modseq, keywords, recent_from, selectable,"
                " octets, messages FROM mailbox WHERE id = ?",
                (mailbox_id,),
            ).fetchall()
            if not row:
                return None
            account_id, name, uid_validity, uid_next, modseq, keywords, recent_from, selectable = row[0][:8]
            counters = self._memory.counters[mailbox_id] = Counters(
                mailbox_id=mailbox_id,
                account_id=account_id,
                name=name,
                uid_validity=uid_validity,
                uid_next=uid_next,
                modseq=modseq,
                keywords=tuple(keywords.split()),
                recent_from=recent_from,
                selectable=bool(selectable),
                octets=row[0][8],
                messages=row[0][9],
                usage=self.usage(account_id),
            )
        return counters

    def usage(self, account_id: int) -> Usage:
        """Return what an account holds and may hold, counted along with every change."""
        usage = self._memory.usages.get(account_id)
        if usage is None:
            # The mailboxes' counters may be ahead of their rows.
            self.finish()
            ((octets, messages, most_octets, most_messages),) = self._connection.execute(
                USAGE_OF_ACCOUNT, (account_id,)
            ).fetchall()
            usage = usage_of(octets, messages, most_octets, most_messages)
            self._memory.usages[account_id] = usage
        return usage

    def mailbox_named(self, account_id: int, name: str) -> Counters | None:
        """Return the counters of an account's mailbox, None if there is none."""
        mailbox_id = self._memory.mailbox_ids.get((account_id, name))
        if mailbox_id is None:
            row = self.sql.execute(
                "SELECT id FROM mailbox WHERE account_id = ? AND name = ?", (account_id, name)
            ).fetchall()
            if not row:
                return None
            mailbox_id = self._memory.mailbox_ids[account_id, name] = int(row[0][0])
        return self.mailbox(mailbox_id)

    def forget_mailboxes(self) -> None:
        """Forget what was remembered of mailboxes; call it before rows of `mailbox` are changed by SQL."""
        self.finish()
        self._memory.mailbox_ids.clear()
        self._memory.counters.clear()
        self._memory.usages.clear()


Done = Callable[[Any], None]
"""Gets the change's result, or a `StoreUnavailable`."""
