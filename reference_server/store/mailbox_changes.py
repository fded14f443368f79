"""Changes to the names of mailboxes: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE."""

from dataclasses import dataclass, field

from reference_server.store.change import Change, Counters, Table, Transaction
from reference_server.store.memory import Memory
from reference_server.store.message_changes import Copied, Copy, Expunge, Expunged, Sweep
from reference_server.store.values import (
    DELIMITER,
    INBOX,
    MailboxEntry,
    Refusal,
    canonical_name,
    is_good_name,
    superiors,
)

MAILBOX = Table("mailbox", ("account_id", "name", "uid_validity", "selectable"))


def _entry(mailbox: Counters) -> MailboxEntry:
    return MailboxEntry(
        mailbox.mailbox_id, mailbox.account_id, mailbox.name, mailbox.uid_validity, mailbox.selectable
    )


def create_mailbox(transaction: Transaction, account_id: int, name: str) -> MailboxEntry:
    """Insert a mailbox that does not exist yet."""
    transaction.insert(MAILBOX, (account_id, name, transaction.uid_validity(), 1))
    mailbox = transaction.mailbox_named(account_id, name)
    assert mailbox is not None
    return _entry(mailbox)


def create_missing_superiors(
    transaction: Transaction, account_id: int, name: str
) -> tuple[MailboxEntry, ...]:
    """Create the names above `name` that are missing (RFC 3501 §6.3.3)."""
    return tuple(
        create_mailbox(transaction, account_id, above)
        for above in superiors(name)
        if transaction.mailbox_named(account_id, above) is None
    )


def inferiors(transaction: Transaction, account_id: int, name: str) -> list[tuple[int, str]]:
    """Return id and name of the mailboxes below `name`."""
    prefix = name + DELIMITER
    return list(
        transaction.sql.execute(
            "SELECT id, name FROM mailbox WHERE account_id = ? AND substr(name, 1, ?) = ? ORDER BY name",
            (account_id, len(prefix), prefix),
        ).fetchall()
    )


def retire(transaction: Transaction, account_id: int, name: str, uid_validity: int) -> None:
    """Note the UIDVALIDITY under which `name` was last known, so that it never goes back."""
    transaction.sql.execute(
        "INSERT INTO retired_name (account_id, name, uid_validity) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id, name)"
        " DO UPDATE SET uid_validity = max(uid_validity, excluded.uid_validity)",
        (account_id, name, uid_validity),
    )


@dataclass(frozen=True, slots=True)
class Created:
    """The mailbox exists now."""

    entry: MailboxEntry
    superiors: tuple[MailboxEntry, ...]
    """What had to be created above it."""


@dataclass(frozen=True, slots=True)
class CreateMailbox(Change[Created | Refusal]):
    r"""CREATE, with the names above it; a `\Noselect` name becomes a mailbox."""

    account_id: int
    name: str
    """A delimiter at its end is the client's hint that names below will follow, and is left out."""

    def apply(self, transaction: Transaction) -> Created | Refusal:
        """Insert the mailbox with a UIDVALIDITY that was never used."""
        name = canonical_name(self.name.removesuffix(DELIMITER))
        if not is_good_name(name):
            return Refusal.BAD_NAME
        existing = transaction.mailbox_named(self.account_id, name)
        if existing is not None and existing.selectable:
            return Refusal.MAILBOX_EXISTS
        above = create_missing_superiors(transaction, self.account_id, name)
        if existing is None:
            return Created(create_mailbox(transaction, self.account_id, name), above)
        transaction.forget_mailboxes()
        transaction.sql.execute(
            "UPDATE mailbox SET selectable = 1, uid_validity = ?, uid_next = 1, recent_from = 1 WHERE id = ?",
            (transaction.uid_validity(), existing.mailbox_id),
        )
        revived = transaction.mailbox(existing.mailbox_id)
        assert revived is not None
        return Created(_entry(revived), above)

    def committed(self, memory: Memory, result: Created | Refusal) -> None:
        """Add the names."""
        if isinstance(result, Created):
            for entry in (*result.superiors, result.entry):
                memory.close_mailbox(entry.mailbox_id)
                memory.put_entry(entry)


@dataclass(frozen=True, slots=True)
class Deleted:
    """The mailbox is gone."""

    mailbox_id: int
    name: str
    remains: MailboxEntry | None
    r"""The `\Noselect` name that stays, because there are names below it."""
    message_ids: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeleteMailbox(Change[Deleted | Refusal]):
    r"""DELETE: the messages go; a name that has others below it stays as `\Noselect` (RFC 3501 §6.3.4)."""

    account_id: int
    name: str

    def apply(self, transaction: Transaction) -> Deleted | Refusal:
        """Empty the mailbox, then take its row or its selectability away."""
        name = canonical_name(self.name)
        if name == INBOX:
            return Refusal.NOT_ALLOWED
        mailbox = transaction.mailbox_named(self.account_id, name)
        if mailbox is None:
            return Refusal.NO_SUCH_MAILBOX
        below = inferiors(transaction, self.account_id, name)
        if below and not mailbox.selectable:
            return Refusal.HAS_CHILDREN
        emptied = Expunge(mailbox.mailbox_id, only_deleted=False).apply(transaction)
        assert isinstance(emptied, Expunged)
        retire(transaction, self.account_id, name, mailbox.uid_validity)
        transaction.forget_mailboxes()
        if not below:
            transaction.sql.execute("DELETE FROM mailbox WHERE id = ?", (mailbox.mailbox_id,))
            return Deleted(mailbox.mailbox_id, name, None, emptied.message_ids)
        transaction.sql.execute("UPDATE mailbox SET selectable = 0 WHERE id = ?", (mailbox.mailbox_id,))
        remains = MailboxEntry(
            mailbox.mailbox_id, self.account_id, name, mailbox.uid_validity, selectable=False
        )
        return Deleted(mailbox.mailbox_id, name, remains, emptied.message_ids)

    def committed(self, memory: Memory, result: Deleted | Refusal) -> None:
        """Close the mailbox; sessions that have it selected are told that it is gone."""
        if isinstance(result, Deleted):
            memory.drop_entry(self.account_id, result.name)
            memory.close_mailbox(result.mailbox_id)
            if result.remains is not None:
                memory.put_entry(result.remains)
            if result.message_ids:
                memory.background(Sweep(result.message_ids))


@dataclass(frozen=True, slots=True)
class Renamed:
    """The mailboxes have their new names."""

    entries: tuple[tuple[str, MailboxEntry], ...]
    """Old name and new entry of each mailbox that was renamed; none for INBOX."""
    created: tuple[MailboxEntry, ...]
    moved: Copied | None = None
    """For INBOX: its messages, which went to the new mailbox."""


@dataclass(frozen=True, slots=True)
class RenameMailbox(Change[Renamed | Refusal]):
    """RENAME with all names below; of INBOX, the messages move and INBOX stays (RFC 3501 §6.3.5)."""

    account_id: int
    name: str
    new_name: str

    def apply(self, transaction: Transaction) -> Renamed | Refusal:
        """Change the names; UIDs stay, UIDVALIDITY only if the new name has never had a higher one."""
        name = canonical_name(self.name)
        new_name = canonical_name(self.new_name.removesuffix(DELIMITER))
        mailbox = transaction.mailbox_named(self.account_id, name)
        if mailbox is None:
            return Refusal.NO_SUCH_MAILBOX
        renames = [(mailbox.mailbox_id, name, new_name)]
        if name != INBOX:
            below = inferiors(transaction, self.account_id, name)
            renames += [(below_id, old, new_name + old[len(name) :]) for below_id, old in below]
        refusal = self._refusal(transaction, [new for _, _, new in renames])
        if refusal is not None:
            return refusal
        if name == INBOX:
            return self._move_inbox(transaction, mailbox, new_name)
        if new_name.startswith(name + DELIMITER):
            return Refusal.NOT_ALLOWED
        created = create_missing_superiors(transaction, self.account_id, new_name)
        return Renamed(tuple(self._rename(transaction, *rename) for rename in renames), created)

    def _refusal(self, transaction: Transaction, new_names: list[str]) -> Refusal | None:
        if not all(map(is_good_name, new_names)):
            return Refusal.BAD_NAME
        if any(transaction.mailbox_named(self.account_id, new) for new in new_names):
            return Refusal.MAILBOX_EXISTS
        return None

    def _rename(
        self, transaction: Transaction, mailbox_id: int, old: str, new: str
    ) -> tuple[str, MailboxEntry]:
        mailbox = transaction.mailbox(mailbox_id)
        assert mailbox is not None
        retire(transaction, self.account_id, old, mailbox.uid_validity)
        earlier = transaction.sql.execute(
            "SELECT uid_validity FROM retired_name WHERE account_id = ? AND name = ?", (self.account_id, new)
        ).fetchall()
        uid_validity = mailbox.uid_validity
        if earlier and earlier[0][0] >= uid_validity:
            uid_validity = transaction.uid_validity()
        transaction.forget_mailboxes()
        transaction.sql.execute(
            "UPDATE mailbox SET name = ?, uid_validity = ? WHERE id = ?", (new, uid_validity, mailbox_id)
        )
        return old, MailboxEntry(mailbox_id, self.account_id, new, uid_validity, mailbox.selectable)

    def _move_inbox(self, transaction: Transaction, inbox: Counters, new_name: str) -> Renamed:
        created = create_missing_superiors(transaction, self.account_id, new_name)
        created = (*created, create_mailbox(transaction, self.account_id, new_name))
        rows = transaction.sql.execute(
            "SELECT uid FROM entry WHERE mailbox_id = ?", (inbox.mailbox_id,)
        ).fetchall()
        uids = [uid for (uid,) in rows]
        moved = Copy(inbox.mailbox_id, uids, self.account_id, new_name, move=True).apply(transaction)
        assert isinstance(moved, Copied)
        return Renamed((), created, moved)

    def committed(self, memory: Memory, result: Renamed | Refusal) -> None:
        """Let the list of names follow; sessions keep what they have selected."""
        if isinstance(result, Renamed):
            for old, _ in result.entries:
                memory.drop_entry(self.account_id, old)
            for entry in (*result.created, *(entry for _, entry in result.entries)):
                memory.put_entry(entry)
            if result.moved is not None:
                inbox = memory.entry(self.account_id, INBOX)
                assert inbox is not None
                Copy(inbox.mailbox_id, (), self.account_id, "", move=True).committed(memory, result.moved)


@dataclass(frozen=True, slots=True)
class Subscribe(Change[None]):
    """SUBSCRIBE or UNSUBSCRIBE; the name need not exist, and outlives the mailbox (RFC 3501 §6.3.6)."""

    account_id: int
    name: str
    subscribed: bool = True

    def apply(self, transaction: Transaction) -> None:
        """Put the name on the list or take it off."""
        parameters = (self.account_id, canonical_name(self.name))
        if self.subscribed:
            transaction.sql.execute(
                "INSERT OR IGNORE INTO subscription (account_id, name) VALUES (?, ?)", parameters
            )
        else:
            transaction.sql.execute("DELETE FROM subscription WHERE account_id = ? AND name = ?", parameters)

    def committed(self, memory: Memory, result: None) -> None:  # noqa: ARG002
        """Let the list follow."""
        memory.subscribe(self.account_id, canonical_name(self.name), subscribed=self.subscribed)
