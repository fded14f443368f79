"""A maildrop as one session sees it: numbered once, locked until the end, deleted from only at QUIT."""

from dataclasses import dataclass

from reference_server.store.changes import Expunge
from reference_server.store.errors import StoreUnavailable
from reference_server.store.ports import MailReader
from reference_server.store.values import INBOX, Account
from reference_server.store.view import MailboxView


@dataclass(frozen=True, slots=True)
class Item:
    """A message of the maildrop."""

    message_id: int
    uid: int
    size: int
    """Octets as RETR sends them, stuffing undone."""


class Maildrop:
    """INBOX under the exclusive lock of RFC 1939 §4.

    The view never takes news, so that what other sessions expunge can still be retrieved here until the end.
    """

    def __init__(self, store: MailReader, account_id: int, view: MailboxView) -> None:
        self._store = store
        self._account_id = account_id
        self._view = view
        self._uid_validity = view.mailbox.uid_validity
        columns = view.columns()
        self._items = [
            Item(message_id, uid, size + 2 * open_end)
            for message_id, uid, size, open_end in zip(
                columns.message_ids, columns.uids, columns.sizes, columns.open_ends, strict=True
            )
        ]
        self._deleted: set[int] = set()
        self._deleted_octets = 0
        self._octets = sum(item.size for item in self._items)

    @classmethod
    def open(cls, store: MailReader, account: Account) -> "Maildrop | None":
        """Lock and number the maildrop; None if another session has it. Raises `StoreUnavailable`."""
        account_id = account.account_id
        if not store.lock_maildrop(account_id):
            return None
        try:
            mailbox = store.mailbox(account_id, INBOX)
            if mailbox is None:
                raise StoreUnavailable("the account has no INBOX any more")
            return cls(store, account_id, store.view(mailbox))
        except StoreUnavailable:
            store.unlock_maildrop(account_id)
            raise

    def close(self) -> None:
        """Give the lock back; nothing is deleted by that."""
        self._view.close()
        self._store.unlock_maildrop(self._account_id)

    def item(self, number: int) -> Item | None:
        """Return a message by its number, counted from 1; None if there is none, or it is marked."""
        if not 1 <= number <= len(self._items) or number in self._deleted:
            return None
        return self._items[number - 1]

    def items(self) -> list[tuple[int, Item]]:
        """Return the messages that are not marked, with their numbers, which never change."""
        return [(number, item) for number, item in enumerate(self._items, 1) if number not in self._deleted]

    def total(self) -> tuple[int, int]:
        """Return how many messages are not marked, and the sum of their sizes."""
        return len(self._items) - len(self._deleted), self._octets - self._deleted_octets

    def octets(self, item: Item) -> bytes:
        """Return a message, octet for octet; raises `StoreUnavailable`."""
        return self._store.octets(item.message_id)

    def unique_id(self, item: Item) -> bytes:
        """Return the unique-id: 1 to 70 characters that no other message of the maildrop ever had."""
        return b"%d.%d" % (self._uid_validity, item.uid)

    def mark(self, number: int) -> None:
        """Mark a message as deleted, which is not yet marked."""
        self._deleted.add(number)
        self._deleted_octets += self._items[number - 1].size

    def unmark_all(self) -> None:
        """Take all marks off."""
        self._deleted.clear()
        self._deleted_octets = 0

    def update(self) -> Expunge | None:
        """Return the change of the UPDATE state; None if nothing is marked."""
        if not self._deleted:
            return None
        uids = tuple(self._items[number - 1].uid for number in sorted(self._deleted))
        return Expunge(self._view.mailbox.entry.mailbox_id, uids, only_deleted=False)
