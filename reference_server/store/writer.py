"""The one thread that writes: whatever waits at the same time shares one transaction and one sync.

It must never leave anybody waiting. A transaction that fails is rolled back, what the thread remembers of
counters is forgotten, and its changes are tried again one by one, so that one bad change spoils no other; a
change that fails alone gets `StoreUnavailable`. If the thread itself ends, everything that waits, and
everything that comes later, gets the same.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from reference_server.log import LOG
from reference_server.store.change import Change, Done, Transaction, WriterMemory
from reference_server.store.errors import StoreUnavailable
from reference_server.store.memory import Memory

_GROUP_LIMIT: Final = 500
"""Changes per transaction, so that nobody waits for a sync behind thousands of others."""

log = LOG.getChild("store")


@dataclass(slots=True)
class Waiting:
    """A change on its way to disk."""

    change: Change[Any]
    done: Done | None
    outcome: Any = field(default_factory=lambda: StoreUnavailable("the store has stopped"))
    full: dict[int, bool] | None = None
    """Accounts that this change's transaction has filled or emptied; with its last change only."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes whose outcome is known; handed to the owning thread in one call."""

    waiting: list[Waiting]
    memory: Memory

    def __call__(self) -> None:
        """Let the memory follow, answer everybody, and ring who waits for news."""
        for waiting in self.waiting:
            if waiting.full is not None:
                self.memory.note_full(waiting.full)
            if not isinstance(waiting.outcome, StoreUnavailable):
                try:
                    waiting.change.committed(self.memory, waiting.outcome)
                except Exception:
                    # The change is on disk and must be answered, whatever is wrong with our memory of it.
                    log.exception("memory does not follow %s", type(waiting.change).__name__)
            if waiting.done is not None:
                waiting.done(waiting.outcome)
        self.memory.tell()


def _names(group: list[Waiting]) -> str:
    return ", ".join(sorted({type(waiting.change).__name__ for waiting in group}))


class Writer(threading.Thread):
    """Owns the writing connection from `start()` to the end."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        memory: Memory,
        now_s: Callable[[], float],
        deliver: Callable[["Batch"], object],
    ) -> None:
        super().__init__(name="store-writer", daemon=True)
        self.deliver = deliver
        """Takes each finished batch to the owning thread, once per transaction."""
        self._connection = connection
        self._memory = memory
        self._now_s = now_s
        self._queue: queue.SimpleQueue[list[Waiting] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._ended = False
        self._backlog: list[Waiting] = []
        self._stopping = False
        self._writer_memory = self._fresh_memory(0)

    def put(self, waiting: list[Waiting]) -> None:
        """Queue changes; if the thread has ended they are answered at once."""
        with self._gate:
            if not self._ended:
                self._queue.put(waiting)
                return
        self._hand_back(waiting)

    def stop(self) -> None:
        """Finish what waits, then end."""
        with self._gate:
            if not self._ended:
                self._queue.put(None)

    def run(self) -> None:
        """Serve until `stop()`."""
        try:
            while group := self._next_group():
                self._serve(group)
        finally:
            with self._gate:
                self._ended = True
            self._drain()
            if self._backlog:
                self._hand_back(self._backlog)
                self._backlog = []

    def _next_group(self) -> list[Waiting]:
        """Wait for a change, then take everything that is there by now; empty means to end."""
        if not self._backlog and not self._stopping:
            self._take(self._queue.get())
        self._drain()
        return self._backlog[:_GROUP_LIMIT]

    def _drain(self) -> None:
        while True:
            try:
                self._take(self._queue.get_nowait())
            except queue.Empty:
                return

    def _take(self, item: list[Waiting] | None) -> None:
        if item is None:
            self._stopping = True
        else:
            self._backlog += item

    def _serve(self, group: list[Waiting]) -> None:
        """Find each change's outcome and hand the batch back; it leaves the backlog only then."""
        if not self._attempt(group) and len(group) > 1:
            for waiting in group:
                self._attempt([waiting])
        del self._backlog[: len(group)]
        self._hand_back(group)

    def _hand_back(self, waiting: list[Waiting]) -> None:
        try:
            self.deliver(Batch(waiting, self._memory))
        except RuntimeError:
            # The event loop has ended, and who waited with it; the changes are on disk all the same.
            log.debug("nobody is left to hear of %s", _names(waiting))

    def _attempt(self, group: list[Waiting]) -> bool:
        """Apply the changes in one transaction; on failure none of it is on disk."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection, self._writer_memory, self._now_s())
            outcomes = [waiting.change.apply(transaction) for waiting in group]
            transaction.finish()
            connection.execute("COMMIT")
            if transaction.full:
                group[-1].full = transaction.full
        except sqlite3.Error as error:
            log.error("cannot write %s: %s", _names(group), error)
            self._give_up(group, error)
            return False
        except Exception as error:
            # Any fault in a change must end in an answer: a writer that dies leaves every client waiting.
            log.exception("cannot apply %s", _names(group))
            self._give_up(group, error)
            return False
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.outcome = outcome
        return True

    def _give_up(self, group: list[Waiting], error: Exception) -> None:
        """Undo the transaction; the counters that ran ahead of the disk are read again."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._writer_memory = self._fresh_memory(self._writer_memory.next_message_id)
        for waiting in group:
            waiting.outcome = StoreUnavailable(f"the store cannot write: {error}")

    def _fresh_memory(self, message_id_floor: int) -> WriterMemory:
        """Read the counters from disk; message ids that were given out in vain are passed over."""
        (last_message_id,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
        (last_uid_validity,) = self._connection.execute(
            "SELECT value FROM counter WHERE name = 'last_uid_validity'"
        ).fetchone()
        return WriterMemory(
            next_message_id=max(last_message_id + 1, message_id_floor), last_uid_validity=last_uid_validity
        )
