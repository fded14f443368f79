"""Changes to the messages of mailboxes: APPEND and delivery, STORE, EXPUNGE, COPY, MOVE."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from reference_server.store.change import Change, Counters, Table, Transaction
from reference_server.store.flags import DELETED, TooManyKeywords, enlist, flag_bits, flag_names
from reference_server.store.header import header_size, sent_day
from reference_server.store.mailbox import EntryRow
from reference_server.store.memory import Memory
from reference_server.store.values import NewMessage, Refusal, canonical_name

if TYPE_CHECKING:
    from reference_server.store.view import MailboxView

MESSAGE = Table("message", ("id", "size", "header_size", "octets"))
ENTRY = Table(
    "entry",
    (
        "mailbox_id",
        "uid",
        "message_id",
        "flags",
        "modseq",
        "internal_date",
        "zone_min",
        "size",
        "sent_day",
        "open_end",
    ),
)
_ENTRY_COLUMNS = ", ".join(ENTRY.columns[1:])


def _uid_condition(uids: Sequence[int]) -> tuple[str, tuple[int | str, ...]]:
    """Return SQL that selects `uids`, one statement whatever their number."""
    distinct = set(uids)
    lowest, highest = (min(distinct), max(distinct)) if distinct else (1, 0)
    if highest - lowest + 1 == len(distinct):
        return "uid BETWEEN ? AND ?", (lowest, highest)
    return "uid IN (SELECT value FROM json_each(?))", (json.dumps(sorted(distinct)),)


@dataclass(frozen=True, slots=True)
class Appended:
    """Messages are on disk."""

    mailbox_id: int
    uid_validity: int
    uids: tuple[int, ...]
    rows: tuple[EntryRow, ...] = field(repr=False)
    modseq: int
    keywords: tuple[str, ...]


def _append_rows(
    transaction: Transaction, mailbox: Counters, uids: range, rows: Iterable[tuple[int, ...]]
) -> Appended:
    """Insert entries; each row is message_id, flags, and from internal_date on all."""
    modseq = mailbox.next_modseq()
    mailbox_id = mailbox.mailbox_id
    octets = 0
    entries: list[EntryRow] = []
    for uid, (message_id, flags, date, zone_min, size, day, open_end) in zip(uids, rows, strict=True):
        entry = (uid, message_id, flags, modseq, date, zone_min, size, day, open_end)
        entries.append(entry)
        octets += size
        transaction.insert(ENTRY, (mailbox_id, *entry))
    mailbox.hold(octets, len(entries))
    return Appended(mailbox_id, mailbox.uid_validity, tuple(uids), tuple(entries), modseq, mailbox.keywords)


def _remember_appended(memory: Memory, result: Appended) -> None:
    mailbox = memory.changing(result.mailbox_id)
    if mailbox is not None and result.uids:
        mailbox.appended(result.rows, result.uids[-1] + 1, result.modseq, result.keywords)


@dataclass(frozen=True, slots=True)
class Append(Change[Appended | Refusal]):
    """Store messages in one mailbox, all or none: delivery, and APPEND (also of several, RFC 3502)."""

    account_id: int
    mailbox_name: str
    messages: tuple[NewMessage, ...]

    def apply(self, transaction: Transaction) -> Appended | Refusal:
        """Insert the messages with the mailbox's next UIDs."""
        mailbox = transaction.mailbox_named(self.account_id, canonical_name(self.mailbox_name))
        if mailbox is None:
            return Refusal.NO_SUCH_MAILBOX
        if not mailbox.selectable:
            return Refusal.NOT_SELECTABLE
        if mailbox.usage.quota is not None:
            wanted = sum(len(message.octets) for message in self.messages)
            if not mailbox.usage.has_room(wanted, len(self.messages)):
                return Refusal.OVER_QUOTA
        if any(message.flags for message in self.messages):
            try:
                _use_keywords(mailbox, [name for message in self.messages for name in message.flags])
            except TooManyKeywords:
                return Refusal.TOO_MANY_KEYWORDS
        rows = []
        for message in self.messages:
            octets = message.octets
            message_id = transaction.message_id()
            end = header_size(octets)
            transaction.insert(MESSAGE, (message_id, len(octets), end, octets))
            flags = flag_bits(message.flags, mailbox.keywords) if message.flags else 0
            when = message.internal_date
            seconds, zone_min = (when.seconds, when.zone_min) if when else (int(transaction.now_s), 0)
            open_end = int(bool(octets) and not octets.endswith(b"\r\n"))
            rows.append((message_id, flags, seconds, zone_min, len(octets), sent_day(octets[:end]), open_end))
        return _append_rows(transaction, mailbox, mailbox.take_uids(len(rows)), rows)

    def committed(self, memory: Memory, result: Appended | Refusal) -> None:
        """Add the messages to the open mailbox."""
        if isinstance(result, Appended):
            _remember_appended(memory, result)


def _use_keywords(mailbox: Counters, names: Iterable[str]) -> None:
    grown = enlist(names, mailbox.keywords)
    if grown != mailbox.keywords:
        mailbox.keywords = grown
        mailbox.dirty = True


class StoreMode(Enum):
    """What STORE does with the flags it names."""

    REPLACE = auto()
    ADD = auto()
    REMOVE = auto()


@dataclass(frozen=True, slots=True)
class FlagsStored:
    """The flags are on disk."""

    modseq: int
    """The mailbox's highest mod-sequence afterwards."""
    changed: tuple[tuple[int, int], ...]
    """UID and new mask of each message whose flags differ from before."""
    keywords: tuple[str, ...]
    modified: tuple[int, ...] = ()
    """UIDs that were left alone because their mod-sequence is above `unchanged_since`."""


@dataclass(frozen=True, slots=True)
class StoreFlags(Change[FlagsStored | Refusal]):
    """Change flags; UIDs that are gone are passed over."""

    mailbox_id: int
    uids: Sequence[int]
    mode: StoreMode
    flags: tuple[str, ...]
    by: "MailboxView | None" = field(default=None, repr=False, compare=False)
    """The view of the session that asks, which reports the new flags by itself."""
    unchanged_since: int | None = None
    """UNCHANGEDSINCE (RFC 7162 §3.1.3)."""

    def apply(self, transaction: Transaction) -> FlagsStored | Refusal:
        """Compute the new masks in SQL, so that a STORE of 100,000 messages is one statement."""
        mailbox = transaction.mailbox(self.mailbox_id)
        if mailbox is None:
            return Refusal.NO_SUCH_MAILBOX
        if self.mode is not StoreMode.REMOVE:
            try:
                _use_keywords(mailbox, self.flags)
            except TooManyKeywords:
                return Refusal.TOO_MANY_KEYWORDS
        mask = flag_bits(self.flags, mailbox.keywords)
        condition, parameters = _uid_condition(self.uids)
        sql = transaction.sql
        modified: tuple[int, ...] = ()
        unchanged = ""
        if self.unchanged_since is not None:
            rows = sql.execute(
                f"SELECT uid FROM entry WHERE mailbox_id = ? AND {condition} AND modseq > ?",  # noqa: S608
                (self.mailbox_id, *parameters, self.unchanged_since),
            ).fetchall()
            modified = tuple(uid for (uid,) in rows)
            unchanged = f" AND modseq <= {int(self.unchanged_since)}"
        value, values = {
            StoreMode.REPLACE: ("?", mask),
            StoreMode.ADD: ("flags | ?", mask),
            StoreMode.REMOVE: ("flags & ?", ~mask),
        }[self.mode]
        changed = sql.execute(
            f"UPDATE entry SET flags = {value}, modseq = ? WHERE mailbox_id = ? AND {condition}"  # noqa: S608
            f" AND flags <> ({value}){unchanged} RETURNING uid, flags",
            (values, mailbox.modseq + 1, self.mailbox_id, *parameters, values),
        ).fetchall()
        if changed:
            mailbox.next_modseq()
        return FlagsStored(mailbox.modseq, tuple(sorted(changed)), mailbox.keywords, modified)

    def committed(self, memory: Memory, result: FlagsStored | Refusal) -> None:
        """Put the new masks into the open mailbox and tell the other views."""
        if isinstance(result, FlagsStored) and result.changed:
            mailbox = memory.changing(self.mailbox_id)
            if mailbox is not None:
                mailbox.flags_changed(result.changed, result.modseq, result.keywords, self.by)


@dataclass(frozen=True, slots=True)
class Expunged:
    """The messages are gone from the mailbox."""

    modseq: int
    uids: tuple[int, ...]
    message_ids: tuple[int, ...] = field(repr=False)
    """Messages that no mailbox refers to any more."""


@dataclass(frozen=True, slots=True)
class Expunge(Change[Expunged | Refusal]):
    """Remove messages for good: EXPUNGE, UID EXPUNGE, CLOSE, and the end of a POP3 session."""

    mailbox_id: int
    uids: Sequence[int] | None = None
    """Only these; None: the whole mailbox."""
    only_deleted: bool = True
    r"""Only those with `\Deleted`."""

    def apply(self, transaction: Transaction) -> Expunged | Refusal:
        """Delete the entries; messages without any entry wait in `garbage` until no session shows them."""
        mailbox = transaction.mailbox(self.mailbox_id)
        if mailbox is None:
            return Refusal.NO_SUCH_MAILBOX
        condition, parameters = ("1", ()) if self.uids is None else _uid_condition(self.uids)
        deleted = f" AND flags & {DELETED}" if self.only_deleted else ""
        gone = transaction.sql.execute(
            f"DELETE FROM entry WHERE mailbox_id = ? AND {condition}{deleted}"  # noqa: S608
            " RETURNING uid, message_id, size",
            (self.mailbox_id, *parameters),
        ).fetchall()
        if not gone:
            return Expunged(mailbox.modseq, (), ())
        unreferenced = drop_references(transaction, [message_id for _, message_id, _ in gone])
        uids = tuple(sorted(uid for uid, _, _ in gone))
        mailbox.hold(-sum(size for _, _, size in gone), -len(gone))
        return Expunged(mailbox.next_modseq(), uids, tuple(unreferenced))

    def committed(self, memory: Memory, result: Expunged | Refusal) -> None:
        """Take the messages out of the open mailbox; views report it when they may."""
        if isinstance(result, Expunged):
            remember_expunged(memory, self.mailbox_id, result)


def remember_expunged(memory: Memory, mailbox_id: int, result: Expunged) -> None:
    """Let the open mailbox follow; without one, nobody shows the messages any more."""
    mailbox = memory.changing(mailbox_id)
    if mailbox is not None:
        mailbox.expunged(result.uids, list(result.message_ids), result.modseq)
    elif result.message_ids:
        memory.background(Sweep(result.message_ids))


def drop_references(transaction: Transaction, message_ids: list[int]) -> list[int]:
    """Count down the mailboxes that hold the messages; return those that none holds any more.

    Only messages with more than one entry have a row in `shared`, so that delivery pays nothing for COPY.
    """
    sql = transaction.sql
    as_json = json.dumps(message_ids)
    shared = dict(
        sql.execute(
            "SELECT message_id, entries FROM shared WHERE message_id IN (SELECT value FROM json_each(?))",
            (as_json,),
        ).fetchall()
    )
    unreferenced = []
    for message_id in message_ids:
        entries = shared.get(message_id, 1) - 1
        if entries:
            shared[message_id] = entries
        else:
            shared.pop(message_id, None)
            unreferenced.append(message_id)
    if len(unreferenced) < len(message_ids):
        sql.execute("DELETE FROM shared WHERE message_id IN (SELECT value FROM json_each(?))", (as_json,))
        sql.executemany(
            "INSERT INTO shared (message_id, entries) VALUES (?, ?)",
            [(message_id, entries) for message_id, entries in shared.items() if entries > 1],
        )
    if unreferenced:
        sql.execute(
            "INSERT INTO garbage (message_id) SELECT value FROM json_each(?)", (json.dumps(unreferenced),)
        )
    return unreferenced


def _add_references(transaction: Transaction, message_ids: list[int]) -> None:
    transaction.sql.execute(
        "INSERT INTO shared (message_id, entries) SELECT value, 2 FROM json_each(?) WHERE true"
        " ON CONFLICT (message_id) DO UPDATE SET entries = entries + 1",
        (json.dumps(message_ids),),
    )


@dataclass(frozen=True, slots=True)
class Sweep(Change[None]):
    """Free the octets of messages that no mailbox holds and no session shows."""

    message_ids: tuple[int, ...] | None = None
    """None: all of them, when the store is opened."""

    def apply(self, transaction: Transaction) -> None:
        """Delete the rows of `garbage` and their messages."""
        sql = transaction.sql
        if self.message_ids is None:
            sql.execute("DELETE FROM message WHERE id IN (SELECT message_id FROM garbage)")
            sql.execute("DELETE FROM garbage")
            return
        as_json = json.dumps(self.message_ids)
        wanted = "(SELECT value FROM json_each(?))"
        sql.execute(
            f"DELETE FROM message WHERE id IN (SELECT message_id FROM garbage WHERE message_id IN {wanted})",  # noqa: S608
            (as_json,),
        )
        sql.execute(f"DELETE FROM garbage WHERE message_id IN {wanted}", (as_json,))  # noqa: S608


@dataclass(frozen=True, slots=True)
class Copied:
    """Copies are on disk: what COPYUID says (RFC 4315 §3)."""

    appended: Appended
    source_uids: tuple[int, ...]
    """UIDs that were copied, ascending; `appended.uids` holds their new ones in the same order."""
    expunged: Expunged | None = None
    """What MOVE took out of the source."""


def _rows_to_copy(
    transaction: Transaction, source: Counters, destination: Counters, uids: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Return the source's rows with their flags in the destination's numbering."""
    condition, parameters = _uid_condition(uids)
    rows = transaction.sql.execute(
        f"SELECT {_ENTRY_COLUMNS} FROM entry WHERE mailbox_id = ? AND {condition} ORDER BY uid",  # noqa: S608
        (source.mailbox_id, *parameters),
    ).fetchall()
    if source is not destination:
        masks = {row[2] for row in rows}
        names = {mask: flag_names(mask, source.keywords) for mask in masks}
        _use_keywords(destination, [name for mask in sorted(masks) for name in names[mask]])
        renumbered = {mask: flag_bits(names[mask], destination.keywords) for mask in masks}
        rows = [(*row[:2], renumbered[row[2]], *row[3:]) for row in rows]
    return rows


@dataclass(frozen=True, slots=True)
class Copy(Change[Copied | Refusal]):
    """Copy messages with flags and date, all or none (RFC 3501 §6.4.7); UIDs that are gone are skipped."""

    mailbox_id: int
    uids: Sequence[int]
    to_account_id: int
    to_name: str
    move: bool = False
    """Take them out of the source in the same transaction (RFC 6851)."""

    def apply(self, transaction: Transaction) -> Copied | Refusal:
        """Enter the messages once more; their octets are not copied."""
        source = transaction.mailbox(self.mailbox_id)
        destination = transaction.mailbox_named(self.to_account_id, canonical_name(self.to_name))
        if source is None or destination is None:
            return Refusal.NO_SUCH_MAILBOX
        if not destination.selectable:
            return Refusal.NOT_SELECTABLE
        if not self._has_room(transaction, source, destination):
            return Refusal.OVER_QUOTA
        try:
            rows = _rows_to_copy(transaction, source, destination, self.uids)
        except TooManyKeywords:
            return Refusal.TOO_MANY_KEYWORDS
        uids = tuple(row[0] for row in rows)
        octets = sum(row[6] for row in rows)
        appended = _append_rows(
            transaction,
            destination,
            destination.take_uids(len(rows)),
            [(row[1], row[2], *row[4:]) for row in rows],
        )
        if not self.move:
            _add_references(transaction, [row[1] for row in rows])
            return Copied(appended, uids)
        condition, parameters = _uid_condition(uids)
        transaction.sql.execute(
            f"DELETE FROM entry WHERE mailbox_id = ? AND {condition}",  # noqa: S608
            (self.mailbox_id, *parameters),
        )
        source.hold(-octets, -len(rows))
        return Copied(appended, uids, Expunged(source.next_modseq(), uids, ()))

    def _has_room(self, transaction: Transaction, source: Counters, destination: Counters) -> bool:
        """Whether the account can hold the copies; what moves within an account adds nothing."""
        usage = destination.usage
        if usage.quota is None or (self.move and usage is source.usage):
            return True
        condition, parameters = _uid_condition(self.uids)
        ((octets, messages),) = transaction.sql.execute(
            f"SELECT coalesce(sum(size), 0), count(*) FROM entry WHERE mailbox_id = ? AND {condition}",  # noqa: S608
            (source.mailbox_id, *parameters),
        ).fetchall()
        return usage.has_room(octets, messages)

    def committed(self, memory: Memory, result: Copied | Refusal) -> None:
        """Let both mailboxes follow."""
        if isinstance(result, Copied):
            _remember_appended(memory, result.appended)
            if result.expunged is not None:
                remember_expunged(memory, self.mailbox_id, result.expunged)


@dataclass(frozen=True, slots=True)
class ClaimRecent(Change[None]):
    """Note that all messages below `uid` were announced as recent to some session."""

    mailbox_id: int
    uid: int

    def apply(self, transaction: Transaction) -> None:
        """Move the mark up; it never goes down."""
        mailbox = transaction.mailbox(self.mailbox_id)
        if mailbox is not None and mailbox.recent_from < self.uid:
            mailbox.recent_from = self.uid
            mailbox.dirty = True
