"""What a session may ask of the store: the reading side, as a seam without any database behind it.

`Store` implements it; a test may hand in something smaller.
"""

from collections.abc import Callable
from typing import Protocol

from reference_server.store.mailbox import Mailbox
from reference_server.store.values import Account, MailboxEntry, ScramKeys
from reference_server.store.view import MailboxView


class MailReader(Protocol):
    """Synchronous reads from memory, and of octets from disk; all on the thread that owns the store."""

    def account(self, login: str) -> Account | None:
        """Find an account by its address, or by a local part that only one account has."""
        ...

    def resolve(self, address: str) -> Account | None:
        """Find who gets mail for `address`: case does not matter, `user+detail` is `user`."""
        ...

    def scram_keys(self, login: str) -> tuple[Account | None, ScramKeys]:
        """Return the account with its keys; for an unknown login None, with keys that look real."""
        ...

    def mailboxes(self, account_id: int) -> tuple[MailboxEntry, ...]:
        """Return an account's mailboxes, by name."""
        ...

    def subscriptions(self, account_id: int) -> frozenset[str]:
        """Return the subscribed names; they need not exist."""
        ...

    def mailbox(self, account_id: int, name: str) -> Mailbox | None:
        r"""Return the mailbox, reading it if need be; None if there is none, or it is `\Noselect`."""
        ...

    def view(
        self, mailbox: Mailbox, *, claims_recent: bool = False, on_news: Callable[[], None] | None = None
    ) -> MailboxView:
        """Open a session's view of a mailbox; close it when the session leaves the mailbox."""
        ...

    def octets(self, message_id: int) -> bytes:
        """Return a message, octet for octet; raises `StoreUnavailable`."""
        ...

    def header(self, message_id: int) -> bytes:
        """Return a message up to and with the empty line that ends its header; raises `StoreUnavailable`."""
        ...

    def lock_maildrop(self, account_id: int) -> bool:
        """Take the exclusive lock of a POP3 session (RFC 1939 §4); False if another one has it."""
        ...

    def unlock_maildrop(self, account_id: int) -> None:
        """Give the lock back."""
        ...
