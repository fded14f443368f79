"""All durable changes, for import by sessions and delivery; nothing here touches a database by itself.

`result = await Commit(change)`: a `Refusal`, or the change's own result. The relay's queue has changes of its
own in `reference_server.relay`; whatever implements `Change` goes through the same writer.
"""

from dataclasses import dataclass
from typing import Any

from reference_server.store.account_changes import (
    AccountAdded,
    AccountRemoved,
    AddAccount,
    RemoveAccount,
    SetPassword,
    SetQuota,
)
from reference_server.store.change import Change, Table, Transaction
from reference_server.store.mailbox_changes import (
    Created,
    CreateMailbox,
    Deleted,
    DeleteMailbox,
    Renamed,
    RenameMailbox,
    Subscribe,
)
from reference_server.store.memory import Memory
from reference_server.store.message_changes import (
    Append,
    Appended,
    ClaimRecent,
    Copied,
    Copy,
    Expunge,
    Expunged,
    FlagsStored,
    StoreFlags,
    StoreMode,
    Sweep,
)
from reference_server.store.values import InternalDate, NewMessage, Refusal

__all__ = [
    "AccountAdded",
    "AccountRemoved",
    "AddAccount",
    "Append",
    "Appended",
    "Change",
    "ClaimRecent",
    "Copied",
    "Copy",
    "CreateMailbox",
    "Created",
    "DeleteMailbox",
    "Deleted",
    "Expunge",
    "Expunged",
    "FlagsStored",
    "InternalDate",
    "NewMessage",
    "Refusal",
    "RemoveAccount",
    "RenameMailbox",
    "Renamed",
    "SetPassword",
    "SetQuota",
    "StoreFlags",
    "StoreMode",
    "Subscribe",
    "Sweep",
    "Table",
    "Together",
    "Transaction",
]


@dataclass(frozen=True, slots=True)
class Together(Change[tuple[Any, ...]]):
    """Several changes in one transaction: all are on disk or none; the result holds theirs in order.

    A message for two local recipients and one remote one is acknowledged by one 250: two `Append`s and one
    change of the queue. A `Refusal` among the results undoes none of the others.
    """

    changes: tuple[Change[Any], ...]

    def apply(self, transaction: Transaction) -> tuple[Any, ...]:
        """Apply each in order."""
        return tuple(change.apply(transaction) for change in self.changes)

    def committed(self, memory: Memory, result: tuple[Any, ...]) -> None:
        """Let the memory follow each in order."""
        for change, its_result in zip(self.changes, result, strict=True):
            change.committed(memory, its_result)
