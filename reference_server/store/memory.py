"""What the store keeps in memory for reading: accounts, mailbox names, and the mailboxes that are open."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from reference_server.store.mailbox import Mailbox
from reference_server.store.values import Account, MailboxEntry

_IDLE_MESSAGES = 500_000
"""Messages of mailboxes that nobody looks at, but that stay in memory (about 22 MB)."""


class Memory:
    """Follows the database; touched only by the thread that owns the store."""

    def __init__(self, background: Callable[[Any], None]) -> None:
        self.background = background
        """Submits a change that nobody waits for."""
        self._accounts: dict[int, Account] = {}
        self._by_address: dict[str, Account] = {}
        self._by_local_part: dict[str, dict[int, Account]] = {}
        self._domains: tuple[str, ...] | None = None
        self._full: set[int] = set()
        """Accounts whose quota is used up."""
        self._names: dict[int, dict[str, MailboxEntry]] = {}
        self._subscriptions: dict[int, set[str]] = {}
        self._open: OrderedDict[int, Mailbox] = OrderedDict()
        self._changed: dict[Mailbox, None] = {}

    # Accounts

    def put_account(self, account: Account) -> None:
        """Add an account, or replace it by the one with the new password."""
        self._accounts[account.account_id] = account
        self._by_address[account.address.lower()] = account
        local_part = account.address.lower().rpartition("@")[0]
        self._by_local_part.setdefault(local_part, {})[account.account_id] = account
        self._domains = None

    def _drop_account(self, account_id: int) -> None:
        self._domains = None
        account = self._accounts.pop(account_id, None)
        if account is not None:
            address = account.address.lower()
            del self._by_address[address]
            local_part = address.rpartition("@")[0]
            namesakes = self._by_local_part[local_part]
            del namesakes[account_id]
            if not namesakes:
                del self._by_local_part[local_part]

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts, by address."""
        return tuple(self._by_address[address] for address in sorted(self._by_address))

    def domains(self) -> tuple[str, ...]:
        """Return the domains that have accounts, in order."""
        if self._domains is None:
            # A copy first: passwords are verified on other threads.
            addresses = tuple(self._by_address)
            self._domains = tuple(sorted({address.rpartition("@")[2] for address in addresses}))
        return self._domains

    def account_by_id(self, account_id: int) -> Account | None:
        """Return the account, if it is still there."""
        return self._accounts.get(account_id)

    def account(self, login: str) -> Account | None:
        """Find by address, or by a local part that only one account has."""
        login = login.lower()
        found = self._by_address.get(login)
        if found is None and "@" not in login:
            namesakes = self._by_local_part.get(login, {})
            if len(namesakes) == 1:
                (found,) = namesakes.values()
        return found

    def resolve(self, address: str) -> Account | None:
        """Find who gets mail for `address`: the whole address, else without what follows a `+`."""
        local_part, at, domain = address.lower().rpartition("@")
        if not at:
            return None
        found = self._by_address.get(f"{local_part}@{domain}")
        if found is None and "+" in local_part:
            found = self._by_address.get(f"{local_part.partition('+')[0]}@{domain}")
        return found

    def note_full(self, full: dict[int, bool]) -> None:
        """Follow the usage of accounts."""
        for account_id, is_full in full.items():
            if is_full:
                self._full.add(account_id)
            else:
                self._full.discard(account_id)

    def is_full(self, account_id: int) -> bool:
        """Whether the account has used up its quota."""
        return account_id in self._full

    # Names of mailboxes

    def put_entry(self, entry: MailboxEntry) -> None:
        """Add a mailbox, or give it its new name or nature."""
        names = self._names.setdefault(entry.account_id, {})
        names[entry.name] = entry
        mailbox = self._open.get(entry.mailbox_id)
        if mailbox is not None:
            mailbox.entry = entry

    def drop_entry(self, account_id: int, name: str) -> None:
        """Forget a name; what happens to the open mailbox is said by `put_entry` or `close_mailbox`."""
        self._names.get(account_id, {}).pop(name, None)

    def entry(self, account_id: int, name: str) -> MailboxEntry | None:
        """Return the mailbox of that (canonical) name."""
        return self._names.get(account_id, {}).get(name)

    def entries(self, account_id: int) -> tuple[MailboxEntry, ...]:
        """Return an account's mailboxes, by name."""
        names = self._names.get(account_id, {})
        return tuple(names[name] for name in sorted(names))

    def subscribe(self, account_id: int, name: str, *, subscribed: bool) -> None:
        """Follow SUBSCRIBE and UNSUBSCRIBE."""
        names = self._subscriptions.setdefault(account_id, set())
        if subscribed:
            names.add(name)
        else:
            names.discard(name)

    def subscriptions(self, account_id: int) -> frozenset[str]:
        """Return the subscribed names; they need not exist (RFC 3501 §6.3.6)."""
        return frozenset(self._subscriptions.get(account_id, ()))

    def forget_account(self, account_id: int) -> None:
        """Drop everything of an account that was removed."""
        for entry in self.entries(account_id):
            self.close_mailbox(entry.mailbox_id)
        self._names.pop(account_id, None)
        self._subscriptions.pop(account_id, None)
        self._full.discard(account_id)
        self._drop_account(account_id)

    # Open mailboxes

    def put_mailbox(self, mailbox: Mailbox) -> None:
        """Keep a mailbox that was read, and let go of the longest unused ones that nobody looks at."""
        self._open[mailbox.entry.mailbox_id] = mailbox
        idle = [kept for kept in self._open.values() if not kept.views and kept is not mailbox]
        surplus = sum(map(len, idle)) - _IDLE_MESSAGES
        for kept in idle:
            if surplus <= 0:
                break
            surplus -= len(kept)
            del self._open[kept.entry.mailbox_id]

    def open_mailbox(self, mailbox_id: int) -> Mailbox | None:
        """Return the mailbox if it is in memory, as the latest used."""
        mailbox = self._open.get(mailbox_id)
        if mailbox is not None:
            self._open.move_to_end(mailbox_id)
        return mailbox

    def changing(self, mailbox_id: int) -> Mailbox | None:
        """Return the mailbox if it is in memory, and note that its sessions are to be told."""
        mailbox = self._open.get(mailbox_id)
        if mailbox is not None and mailbox.views:
            self._changed[mailbox] = None
        return mailbox

    def close_mailbox(self, mailbox_id: int) -> None:
        """Drop a mailbox that was deleted; sessions that have it selected are told."""
        mailbox = self._open.pop(mailbox_id, None)
        if mailbox is not None:
            mailbox.vanish()

    def tell(self) -> None:
        """Ring the sessions whose mailboxes have changed; once per group of changes."""
        changed, self._changed = self._changed, {}
        for mailbox in changed:
            mailbox.ring()
