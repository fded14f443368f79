"""Changes to the accounts: add, new password, remove."""

from dataclasses import dataclass, field

from reference_server.store.change import USAGES, Change, Transaction, usage_of
from reference_server.store.mailbox_changes import create_mailbox
from reference_server.store.memory import Memory
from reference_server.store.message_changes import Expunge, Expunged, Sweep
from reference_server.store.values import INBOX, Account, MailboxEntry, Quota, Refusal, Secret

ACCOUNT_COLUMNS = (
    "id, address, password_hash, scram_salt, scram_iterations, scram_stored_key, scram_server_key"
)


@dataclass(frozen=True, slots=True)
class AccountAdded:
    """The account exists now, with its INBOX."""

    account: Account
    inbox: MailboxEntry


@dataclass(frozen=True, slots=True)
class AddAccount(Change[AccountAdded | Refusal]):
    """Add an account with an INBOX; `Passwords.secret` makes the secret, off the loop."""

    address: str
    secret: Secret = field(repr=False)

    def apply(self, transaction: Transaction) -> AccountAdded | Refusal:
        """Insert account and INBOX; addresses are equal whatever the case of their letters."""
        sql = transaction.sql
        if sql.execute("SELECT id FROM account WHERE address = ?", (self.address,)).fetchall():
            return Refusal.ACCOUNT_EXISTS
        scram = self.secret.scram
        rows = sql.execute(
            "INSERT INTO account (address, password_hash, scram_salt, scram_iterations,"
            " scram_stored_key, scram_server_key) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (
                self.address,
                self.secret.password_hash,
                scram.salt,
                scram.iterations,
                scram.stored_key,
                scram.server_key,
            ),
        ).fetchall()
        account_id = int(rows[0][0])
        inbox = create_mailbox(transaction, account_id, INBOX)
        return AccountAdded(Account(account_id, self.address, self.secret), inbox)

    def committed(self, memory: Memory, result: AccountAdded | Refusal) -> None:
        """Let people log in and mail arrive."""
        if isinstance(result, AccountAdded):
            memory.put_account(result.account)
            memory.put_entry(result.inbox)


@dataclass(frozen=True, slots=True)
class SetPassword(Change[Account | Refusal]):
    """Give an account a new password."""

    account_id: int
    secret: Secret = field(repr=False)

    def apply(self, transaction: Transaction) -> Account | Refusal:
        """Replace the hash and the keys."""
        scram = self.secret.scram
        rows = transaction.sql.execute(
            "UPDATE account SET password_hash = ?, scram_salt = ?, scram_iterations = ?,"
            " scram_stored_key = ?, scram_server_key = ? WHERE id = ? RETURNING address",
            (
                self.secret.password_hash,
                scram.salt,
                scram.iterations,
                scram.stored_key,
                scram.server_key,
                self.account_id,
            ),
        ).fetchall()
        return Account(self.account_id, rows[0][0], self.secret) if rows else Refusal.NO_SUCH_ACCOUNT

    def committed(self, memory: Memory, result: Account | Refusal) -> None:
        """From now on only the new password opens the account."""
        if isinstance(result, Account):
            memory.put_account(result)


@dataclass(frozen=True, slots=True)
class AccountRemoved:
    """The account and its mail are gone."""

    message_ids: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoveAccount(Change[AccountRemoved | Refusal]):
    """Remove an account with all its mail."""

    account_id: int

    def apply(self, transaction: Transaction) -> AccountRemoved | Refusal:
        """Empty every mailbox, then delete every row that names the account."""
        sql = transaction.sql
        if not sql.execute("SELECT id FROM account WHERE id = ?", (self.account_id,)).fetchall():
            return Refusal.NO_SUCH_ACCOUNT
        message_ids: list[int] = []
        for (mailbox_id,) in sql.execute(
            "SELECT id FROM mailbox WHERE account_id = ?", (self.account_id,)
        ).fetchall():
            emptied = Expunge(mailbox_id, only_deleted=False).apply(transaction)
            assert isinstance(emptied, Expunged)
            message_ids += emptied.message_ids
        transaction.forget_mailboxes()
        for table in ("mailbox", "subscription", "retired_name"):
            sql.execute(f"DELETE FROM {table} WHERE account_id = ?", (self.account_id,))  # noqa: S608
        sql.execute("DELETE FROM account WHERE id = ?", (self.account_id,))
        return AccountRemoved(tuple(message_ids))

    def committed(self, memory: Memory, result: AccountRemoved | Refusal) -> None:
        """Close its mailboxes; sessions that have one selected are told."""
        if isinstance(result, AccountRemoved):
            memory.forget_account(self.account_id)
            if result.message_ids:
                memory.background(Sweep(result.message_ids))


@dataclass(frozen=True, slots=True)
class SetQuota(Change[None]):
    """Say how much an account may hold, or every account that has no quota of its own."""

    account_id: int | None
    """None: the server's quota."""
    quota: Quota

    def apply(self, transaction: Transaction) -> None:
        """Note the quota; accounts that hold more keep what they have, and get no more."""
        sql = transaction.sql
        octets, messages = self.quota.octets, self.quota.messages
        if self.account_id is None:
            sql.executemany(
                "INSERT INTO counter (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [("quota_octets", octets), ("quota_messages", messages)],
            )
        else:
            sql.execute(
                "UPDATE account SET quota_octets = ?, quota_messages = ? WHERE id = ?",
                (octets, messages, self.account_id),
            )
        transaction.forget_mailboxes()
        if self.account_id is not None:
            transaction.full[self.account_id] = transaction.usage(self.account_id).is_full
            return
        rows = sql.execute(USAGES.format(more=", account.id", which="")).fetchall()
        transaction.full.update((account_id, usage_of(*row).is_full) for *row, account_id in rows)
