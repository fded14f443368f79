"""The store: accounts, mailboxes and messages in one SQLite database; one thread writes, memory is read.

Opening (the application; the thread that opens the store owns it and everything that it hands out)::

    sys.setswitchinterval(0.0005)           # or the writer waits long for the GIL after every statement
    store = Store.open(Path("data"), tables=(QUEUE_SCHEMA,))     # StoreError: one line, nothing touched
    store.add_account("alice@one.test", "secret")               # blocking: before the loop, or in a tool
    store.attach(soon=loop.call_soon, deliver=loop.call_soon_threadsafe)
    ...
    await loop.run_in_executor(None, store.close)      # finishes what waits, then checkpoints and unlocks

Changing: every durable thing is a `Change` value (`reference_server.store.changes`). Changes that wait at the
same time share one transaction and one sync; when `done` is called, the change is on disk and in memory::

    store.submit(Append(account.account_id, "INBOX", (NewMessage(octets),)), done)   # never blocks
    result = await Commit(Append(...))                 # the same from a session
    # result: Appended(uid_validity, uids, ...), a Refusal, or StoreUnavailable (raised by Commit)

`Together((Append(...), Append(...), EnqueueRelay(...)))` is one change: all or nothing. A package with tables
of its own (the relay's queue) hands their `CREATE TABLE IF NOT EXISTS` statements to `open(tables=...)`,
subclasses `Change[Result]` with `apply(transaction)`, and inserts with `transaction.insert(Table(...), row)`
(grouped into multi-row INSERTs) or uses `transaction.sql.execute(...)`. Its `committed(memory, result)` runs
on the owning thread.

Reading (`MailReader` in `ports.py`; synchronous, from the owning thread)::

    account = store.resolve("Alice+news@one.test")     # delivery;  store.account(login) for logins
    account = store.verify(login, password)            # slow, thread-safe: run it in a thread pool
    mailbox = store.mailbox(account.account_id, "INBOX")   # uid_validity, uid_next, modseq, unseen...
    view = store.view(mailbox, claims_recent=True)         # MailboxView: SELECT's numbering
    len(view), view.uid(7), view.sequence_number(uid), view.message(7).flags, view.columns()
    store.octets(view.message(7).message_id)
    news = view.take_news(expunge=False)               # EXPUNGE, EXISTS, RECENT, flags to report
    view.on_news = ring                                # while IDLE; None afterwards
    store.query(lambda connection: ..., done)          # long reads, on a thread with a connection of its own

Sessions and codecs must not import this package's `store`, `writer`, `database` or `passwords` (floors): they
import `changes`, `values`, `flags`, `view`, `mailbox`, `ports` and `errors`, which know no database.
"""

from reference_server.store.changes import Change, Together
from reference_server.store.errors import StoreError, StoreUnavailable
from reference_server.store.store import Store
from reference_server.store.values import Account, InternalDate, NewMessage, Refusal
from reference_server.store.view import MailboxView, News

__all__ = [
    "Account",
    "Change",
    "InternalDate",
    "MailboxView",
    "NewMessage",
    "News",
    "Refusal",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Together",
]
