"""The store's one door: open, read, submit changes, close."""

import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from reference_server.clock import Clock
from reference_server.log import LOG
from reference_server.store import database
from reference_server.store.account_changes import (
    ACCOUNT_COLUMNS,
    AccountAdded,
    AccountRemoved,
    AddAccount,
    RemoveAccount,
    SetPassword,
    SetQuota,
)
from reference_server.store.change import USAGE_OF_ACCOUNT, USAGES, Change, Done, Prepared, usage_of
from reference_server.store.errors import StoreError, StoreUnavailable
from reference_server.store.mailbox import Columns, Mailbox
from reference_server.store.memory import Memory
from reference_server.store.message_changes import ENTRY, ClaimRecent, Sweep
from reference_server.store.passwords import Cost, Passwords
from reference_server.store.values import (
    Account,
    MailboxEntry,
    Quota,
    Refusal,
    ScramKeys,
    Secret,
    Usage,
    canonical_name,
)
from reference_server.store.view import MailboxView
from reference_server.store.writer import Batch, Waiting, Writer
from reference_server.system_clock import SystemClock

Result = TypeVar("Result")
Call = Callable[[], object]

log = LOG.getChild("store")

_READER_THREADS = 2
_FILE_THREADS = 4
"""Deliveries into files wait for locks and disks."""

# One row of long texts: fetched as 100,000 rows, a mailbox would cost as many hand-overs of the GIL.
_TEXTS = ", ".join(f"group_concat({column})" for column in ENTRY.columns[1:])
_COLUMNS_OF_MAILBOX = f"SELECT {_TEXTS} FROM (SELECT * FROM entry WHERE mailbox_id = ? ORDER BY uid)"  # noqa: S608


class Store:
    """Accounts, mailboxes and messages below one data directory.

    The thread that opens it owns it: reading, `submit` and all callbacks belong there, until `attach` gives
    it to an event loop's thread. `verify`, `secret` and `run_query` may be called from any thread.
    """

    def __init__(
        self,
        path: Path,
        *,
        lock: database.Lock,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        clock: Clock,
        cost: Cost | None,
    ) -> None:
        self._path = path
        self._lock = lock
        self._writing = writing
        self._reading = reading
        self._memory = Memory(self.submit)
        self._maildrops: set[int] = set()
        self._waiting: list[Waiting] = []
        self._finished: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._attached = False
        self._in_flight = 0
        """Changes that the writer has; an attached store sends the next group when these are back."""
        self._closed = False
        self._soon: Callable[[Call], object] | None = None
        self._deliver: Callable[[Call], object] = self._finished.put
        self._reader_pool = ThreadPoolExecutor(max_workers=_READER_THREADS, thread_name_prefix="store-reader")
        self._file_pool = ThreadPoolExecutor(max_workers=_FILE_THREADS, thread_name_prefix="store-files")
        self._readers = threading.local()
        self._all_readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self.passwords = Passwords(self._load(), clock.monotonic_s, cost)
        self._writer = Writer(writing, self._memory, lambda: clock.now().timestamp(), self._finished.put)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        clock: Clock | None = None,
        cost: Cost | None = None,
        tables: Iterable[str] = (),
    ) -> "Store":
        """Open the store below `directory`, making it if there is none; `StoreError` says what is wrong.

        `tables` are `CREATE TABLE IF NOT EXISTS` statements of others that keep rows in the same file.
        """
        clock = clock or SystemClock()
        database.make_directory(directory)
        lock = database.Lock(directory)
        writing = reading = None
        try:
            path = database.prepare(directory, first_uid_validity=int(clock.now().timestamp()))
            writing = database.open_writer(path, tables)
            try:
                reading = database.open_reader(path)
                store = cls(path, lock=lock, writing=writing, reading=reading, clock=clock, cost=cost)
            except (sqlite3.Error, TypeError, ValueError) as error:
                raise database.damaged(path, error) from None
        except StoreError:
            for connection in (reading, writing):
                if connection is not None:
                    connection.close()
            lock.release()
            raise
        store._writer.start()
        store.submit(Sweep())
        return store

    def close(self) -> None:
        """Finish what waits, then close; callable from any thread once nothing more is submitted."""
        if self._closed:
            return
        self._file_pool.shutdown()
        if not self._attached:
            self._run_finished()
        self._kick()
        self._closed = True
        self._writer.stop()
        self._writer.join()
        self._reader_pool.shutdown()
        if not self._attached:
            self._run_finished()
        with self._readers_lock:
            readers, self._all_readers = self._all_readers, []
        for connection in (*readers, self._reading, self._writing):
            connection.close()
        self._lock.release()

    def attach(self, *, soon: Callable[[Call], object], deliver: Callable[[Call], object]) -> None:
        """Give the store to an event loop: `loop.call_soon` and `loop.call_soon_threadsafe`.

        `soon` may call later than at once, so that more changes go to the writer in one hand-over.
        """
        self.settle()
        self._attached = True
        self._soon = soon
        self._deliver = deliver
        self._writer.deliver = lambda batch: deliver(lambda: self._came_back(batch))

    def _came_back(self, batch: Batch) -> None:
        """Answer who waits, then see to the group that has gathered meanwhile."""
        try:
            batch()
        finally:
            self._in_flight -= len(batch.waiting)
            if self._waiting and not self._in_flight and self._soon is not None:
                self._soon(self._kick)

    # Changing

    def submit(self, change: Change[Any], done: Done | None = None) -> None:
        """Queue a change; `done` gets its result, or `StoreUnavailable`, after the sync."""
        if isinstance(change, Prepared):
            self._file_pool.submit(self._prepare, change, done)
            return
        self._waiting.append(Waiting(change, done))
        if self._soon is None:
            self._kick()
        elif len(self._waiting) == 1 and not self._in_flight:
            self._soon(self._kick)

    def _prepare(self, change: Prepared[Any], done: Done | None) -> None:
        """Do what comes before the change, on a thread of the pool; whatever fails is answered."""
        outcome: Any = StoreUnavailable("the delivery failed")
        try:
            outcome = change.prepare()
        except StoreUnavailable as error:
            outcome = error
        finally:
            self._deliver(lambda: self._prepared(outcome, done))

    def _prepared(self, outcome: Any, done: Done | None) -> None:
        if not isinstance(outcome, StoreUnavailable):
            self.submit(outcome, done)
        elif done is not None:
            done(outcome)

    def _kick(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            if self._attached:
                self._in_flight += len(waiting)
            self._writer.put(waiting)

    def commit(self, change: Change[Result]) -> Result:
        """Make a change and wait for it: for tools and tests, never on a loop.

        Raises `StoreUnavailable`.
        """
        if self._attached:
            raise RuntimeError("the store belongs to an event loop; use submit()")
        outcome: list[Any] = []
        self.submit(change, outcome.append)
        while not outcome:
            self._finished.get()()
        if isinstance(outcome[0], StoreUnavailable):
            raise outcome[0]
        result: Result = outcome[0]
        return result

    def settle(self) -> None:
        """Wait until everything that was submitted is on disk and in memory, also what follows from it."""
        pending = [0]
        while pending:
            pending = []
            self.commit(_Fence())
            self._run_finished()
            if self._waiting:
                pending = [0]

    def _run_finished(self) -> None:
        while True:
            try:
                self._finished.get_nowait()()
            except queue.Empty:
                return

    # Accounts

    def accounts(self) -> tuple[Account, ...]:
        """Return all accounts, by address."""
        return self._memory.accounts()

    def account(self, login: str) -> Account | None:
        """Find an account by its address, or by a local part that only one account has."""
        return self._memory.account(login)

    def resolve(self, address: str) -> Account | None:
        """Find who gets mail for `address`: case does not matter, `user+detail` is `user`."""
        return self._memory.resolve(address)

    def secret(self, password: str) -> Secret:
        """Return what is kept of a password; slow, for `AddAccount` and `SetPassword`."""
        return self.passwords.secret(password)

    def verify(self, login: str, password: str) -> Account | None:
        """Return the account if the password is right; slow, and as slow for an unknown login."""
        account = self._memory.account(login)
        return account if self.passwords.verify(account, password) else None

    def scram_keys(self, login: str) -> tuple[Account | None, ScramKeys]:
        """Return the account with its keys; for an unknown login None, with keys that look real."""
        account = self._memory.account(login)
        return account, account.secret.scram if account else self.passwords.unknown_keys(
            login, self._memory.domains()
        )

    def add_account(self, address: str, password: str) -> Account | Refusal:
        """Add an account and wait for it; for tools, and before the loop runs."""
        result = self.commit(AddAccount(address, self.secret(password)))
        return result.account if isinstance(result, AccountAdded) else result

    def set_password(self, account_id: int, password: str) -> Account | Refusal:
        """Give an account a new password and wait for it."""
        return self.commit(SetPassword(account_id, self.secret(password)))

    def remove_account(self, account_id: int) -> AccountRemoved | Refusal:
        """Remove an account with its mail and wait for it."""
        return self.commit(RemoveAccount(account_id))

    def set_quota(self, account_id: int | None, quota: Quota) -> None:
        """Say how much an account may hold (None: those without a quota of their own) and wait for it."""
        self.commit(SetQuota(account_id, quota))

    def is_full(self, account_id: int) -> bool:
        """Whether the account has used up its quota."""
        return self._memory.is_full(account_id)

    def usage(self, account_id: int) -> Usage | None:
        """Return what an account holds and may hold, as of the latest commit; None if it is gone."""
        rows = self._reading.execute(USAGE_OF_ACCOUNT, (account_id,)).fetchall()
        return usage_of(*rows[0]) if rows else None

    # Mailboxes

    def mailboxes(self, account_id: int) -> tuple[MailboxEntry, ...]:
        """Return an account's mailboxes, by name."""
        return self._memory.entries(account_id)

    def entry(self, account_id: int, name: str) -> MailboxEntry | None:
        r"""Return the mailbox of that name, also a `\Noselect` one."""
        return self._memory.entry(account_id, canonical_name(name))

    def subscriptions(self, account_id: int) -> frozenset[str]:
        """Return the subscribed names; they need not exist."""
        return self._memory.subscriptions(account_id)

    def mailbox(self, account_id: int, name: str) -> Mailbox | None:
        r"""Return the mailbox, reading it if need be; None if there is none, or it is `\Noselect`.

        Raises `StoreUnavailable`.
        """
        entry = self.entry(account_id, name)
        if entry is None or not entry.selectable:
            return None
        mailbox = self._memory.open_mailbox(entry.mailbox_id)
        if mailbox is None:
            mailbox = self._read_mailbox(entry)
            if mailbox is not None:
                self._memory.put_mailbox(mailbox)
        return mailbox

    def view(
        self, mailbox: Mailbox, *, claims_recent: bool = False, on_news: Callable[[], None] | None = None
    ) -> MailboxView:
        """Open a session's view of a mailbox; close it when the session leaves the mailbox."""
        return MailboxView(mailbox, claims_recent=claims_recent, on_news=on_news)

    def lock_maildrop(self, account_id: int) -> bool:
        """Take the exclusive lock of a POP3 session (RFC 1939 §4); False if another one has it."""
        if account_id in self._maildrops:
            return False
        self._maildrops.add(account_id)
        return True

    def unlock_maildrop(self, account_id: int) -> None:
        """Give the lock back."""
        self._maildrops.discard(account_id)

    # Messages

    def octets(self, message_id: int) -> bytes:
        """Return a message, octet for octet; raises `StoreUnavailable`."""
        return self._blob("SELECT octets FROM message WHERE id = ?", message_id)

    def header(self, message_id: int) -> bytes:
        """Return a message's header with the empty line that ends it; raises `StoreUnavailable`."""
        return self._blob("SELECT substr(octets, 1, header_size) FROM message WHERE id = ?", message_id)

    def _blob(self, sql: str, message_id: int) -> bytes:
        try:
            rows = self._reading.execute(sql, (message_id,)).fetchall()
        except sqlite3.Error as error:
            log.error("cannot read message %d: %s", message_id, error)
            raise StoreUnavailable(f"the store cannot read: {error}") from None
        if not rows:
            raise StoreUnavailable("the message is gone")
        octets: bytes = rows[0][0]
        return octets

    def run_query(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a long read on this thread's own connection; raises `StoreUnavailable`."""
        connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        try:
            if connection is None:
                connection = database.open_reader(self._path)
                self._readers.connection = connection
                with self._readers_lock:
                    self._all_readers.append(connection)
            return work(connection)
        except sqlite3.Error as error:
            log.error("cannot read: %s", error)
            raise StoreUnavailable(f"the store cannot read: {error}") from None

    def query(self, work: Callable[[sqlite3.Connection], Any], done: Done) -> None:
        """Run a long read on a reader thread; `done` gets its result, or `StoreUnavailable`."""

        def run() -> None:
            outcome: Any = StoreUnavailable("the read failed")
            try:
                outcome = self.run_query(work)
            except StoreUnavailable as error:
                outcome = error
            finally:
                self._deliver(lambda: done(outcome))

        self._reader_pool.submit(run)

    # From disk to memory

    def _load(self) -> bytes:
        """Read accounts and names; returns the secret that unknown logins' salts come from."""
        read = self._reading.execute
        for account_id, address, password_hash, *scram in read(f"SELECT {ACCOUNT_COLUMNS} FROM account"):  # noqa: S608
            secret = Secret(password_hash, ScramKeys(*scram))
            self._memory.put_account(Account(account_id, address, secret))
        rows = read("SELECT id, account_id, name, uid_validity, selectable FROM mailbox")
        for mailbox_id, account_id, name, uid_validity, selectable in rows:
            entry = MailboxEntry(mailbox_id, account_id, name, uid_validity, selectable=bool(selectable))
            self._memory.put_entry(entry)
        for *usage, account_id in read(USAGES.format(more=", account.id", which="")):
            self._memory.note_full({account_id: usage_of(*usage).is_full})
        for account_id, name in read("SELECT account_id, name FROM subscription"):
            self._memory.subscribe(account_id, name, subscribed=True)
        (login_secret,) = read("SELECT value FROM counter WHERE name = 'login_secret'").fetchone()
        return bytes(login_secret)

    def _read_mailbox(self, entry: MailboxEntry) -> Mailbox | None:
        """Read counters and messages as of one commit."""
        try:
            self._reading.execute("BEGIN")
            try:
                counters = self._reading.execute(
                    "SELECT uid_next, modseq, keywords, recent_from FROM mailbox WHERE id = ?",
                    (entry.mailbox_id,),
                ).fetchall()
                texts = self._reading.execute(_COLUMNS_OF_MAILBOX, (entry.mailbox_id,)).fetchall()[0]
            finally:
                self._reading.execute("COMMIT")
        except sqlite3.Error as error:
            log.error("cannot read mailbox %s: %s", entry.name, error)
            raise StoreUnavailable(f"the store cannot read: {error}") from None
        if not counters:
            return None
        uid_next, modseq, keywords, recent_from = counters[0]
        columns = Columns()
        columns.fill(json.loads(f"[{text or ''}]") for text in texts)
        return Mailbox(
            entry,
            columns,
            uid_next=uid_next,
            modseq=modseq,
            keywords=tuple(keywords.split()),
            recent_from=recent_from,
            release=self._release,
            claim=self._claim,
        )

    def _release(self, message_ids: list[int]) -> None:
        self.submit(Sweep(tuple(message_ids)))

    def _claim(self, mailbox_id: int, uid: int) -> None:
        self.submit(ClaimRecent(mailbox_id, uid))


class _Fence(Change[None]):
    """Changes nothing; whoever waits for it has waited for everything before it."""

    __slots__ = ()

    def apply(self, transaction: object) -> None:
        """Do nothing."""
