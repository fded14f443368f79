"""An open mailbox in memory: one set of arrays per mailbox, shared by all sessions that look at it.

Arrays instead of objects cost 45 octets per message, and let SEARCH run over 100,000 messages in
milliseconds. Only the thread that owns the store touches them; a change reaches them after it is on disk.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import TYPE_CHECKING

from reference_server.store.flags import SEEN
from reference_server.store.values import MailboxEntry, Message

if TYPE_CHECKING:
    from reference_server.store.view import MailboxView

EntryRow = tuple[int, int, int, int, int, int, int, int, int]
"""uid, message_id, flags, modseq, internal_date, zone_min, size, sent_day, open_end."""

_UNSEEN = bytes(0 if mask & SEEN else 1 for mask in range(256))
_LOWEST_OCTET = 0 if sys.byteorder == "little" else array("Q").itemsize - 1


class Columns:
    """The messages of a mailbox by column, in the order of their UIDs."""

    __slots__ = (
        "flags",
        "internal_dates",
        "message_ids",
        "modseqs",
        "open_ends",
        "sent_days",
        "sizes",
        "uids",
        "zones_min",
    )

    def __init__(self) -> None:
        self.uids = array("I")
        self.message_ids = array("Q")
        self.flags = array("Q")
        self.modseqs = array("Q")
        self.internal_dates = array("q")
        """Seconds since the epoch, UTC."""
        self.zones_min = array("h")
        """Minutes east of UTC."""
        self.sizes = array("Q")
        self.sent_days = array("i")
        self.open_ends = array("b")

    def __len__(self) -> int:
        return len(self.uids)

    def _arrays(self) -> "tuple[array[int], ...]":
        return (
            self.uids,
            self.message_ids,
            self.flags,
            self.modseqs,
            self.internal_dates,
            self.zones_min,
            self.sizes,
            self.sent_days,
            self.open_ends,
        )

    def extend(self, rows: Sequence[EntryRow]) -> None:
        """Add rows at the end; their UIDs are higher than those here."""
        if rows:
            self.fill(zip(*rows, strict=True))

    def fill(self, columns: Iterable[Iterable[int]]) -> None:
        """Add whole columns, in the order of `Message.row`."""
        for column, values in zip(self._arrays(), columns, strict=True):
            column.extend(values)

    def message(self, index: int) -> Message:
        """Return the message at `index`."""
        return Message(*(column[index] for column in self._arrays()))

    def index(self, uid: int) -> int | None:
        """Return where `uid` is, or None."""
        index = bisect_left(self.uids, uid)
        return index if index < len(self.uids) and self.uids[index] == uid else None

    def without(self, indices: Iterable[int]) -> "Columns":
        """Return the columns less the messages at `indices`, in one pass whatever their number."""
        keep = bytearray(b"\1" * len(self))
        for index in indices:
            keep[index] = 0
        return self._select(lambda column: compress(column, keep))

    def take(self, indices: Sequence[int]) -> "Columns":
        """Return the messages at `indices`, in that order."""
        return self._select(lambda column: (column[index] for index in indices))

    def head(self, count: int) -> "Columns":
        """Return the first `count` messages."""
        return self._select(lambda column: column[:count])

    def merged(self, messages: Sequence[Message]) -> "Columns":
        """Return the columns with `messages`, which are in the order of their UIDs, at their places."""
        places = [bisect_left(self.uids, message.uid) for message in messages]
        merged = Columns()
        for number, (source, destination) in enumerate(zip(self._arrays(), merged._arrays(), strict=True)):
            start = 0
            for place, message in zip(places, messages, strict=True):
                destination.extend(source[start:place])
                destination.append(message.row()[number])
                start = place
            destination.extend(source[start:])
        return merged

    def _select(self, choose: "Callable[[array[int]], Iterable[int]]") -> "Columns":
        chosen = Columns()
        for source, destination in zip(self._arrays(), chosen._arrays(), strict=True):
            destination.extend(choose(source))
        return chosen


def unseen_map(flags: "array[int]") -> bytes:
    r"""Return one octet per message: 1 where `\Seen` is absent."""
    return flags.tobytes()[_LOWEST_OCTET :: flags.itemsize].translate(_UNSEEN)


class Mailbox:
    """A mailbox's messages and counters, as they are on disk, and the views that sessions have of them."""

    def __init__(
        self,
        entry: MailboxEntry,
        columns: Columns,
        *,
        uid_next: int,
        modseq: int,
        keywords: tuple[str, ...],
        recent_from: int,
        release: Callable[[list[int]], None],
        claim: Callable[[int, int], None],
    ) -> None:
        self.entry = entry
        self.columns = columns
        self.uid_next = uid_next
        self.modseq = modseq
        """The highest mod-sequence of the mailbox (RFC 7162 §3.1.2.1)."""
        self.keywords = keywords
        """All keywords ever used here, in the order of their bits."""
        self.recent_from = recent_from
        """Messages with this UID or a higher one were not yet announced as recent to any session."""
        self.gone = False
        """The mailbox was deleted while it was open."""
        self.views: dict[MailboxView, None] = {}
        self.departed: dict[int, Message] = {}
        """Expunged messages that some view still shows, by UID."""
        self._unreferenced: list[int] = []
        """Ids of expunged messages that no mailbox refers to; their octets stay while a view shows them."""
        self._release = release
        self._claim = claim

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def uid_validity(self) -> int:
        """The mailbox's UIDVALIDITY."""
        return self.entry.uid_validity

    @property
    def recent(self) -> int:
        """How many messages no session was told of as recent (STATUS RECENT)."""
        return len(self.columns) - bisect_left(self.columns.uids, self.recent_from)

    @property
    def unseen(self) -> int:
        r"""How many messages lack `\Seen` (STATUS UNSEEN)."""
        return unseen_map(self.columns.flags).count(1)

    @property
    def octets(self) -> int:
        """The sum of the messages' sizes (STATUS SIZE)."""
        return sum(self.columns.sizes)

    def message(self, uid: int) -> Message | None:
        """Return the message with `uid`, also an expunged one that a view still shows."""
        index = self.columns.index(uid)
        return self.columns.message(index) if index is not None else self.departed.get(uid)

    def claim_recent(self) -> tuple[int, int]:
        """Give the recent messages to the caller's session: UIDs from the first up to below the second."""
        claimed = (self.recent_from, self.uid_next)
        if self.recent_from < self.uid_next:
            self.recent_from = self.uid_next
            self._claim(self.entry.mailbox_id, self.uid_next)
        return claimed

    def ring(self) -> None:
        """Tell every session that waits for news."""
        for view in tuple(self.views):
            if view.on_news is not None:
                view.on_news()

    # What committed changes do to it. A mailbox that was read from disk after the commit has the change
    # already: its `modseq` says so.

    def appended(
        self, rows: Sequence[EntryRow], uid_next: int, modseq: int, keywords: tuple[str, ...]
    ) -> None:
        """Take in messages that were stored."""
        if modseq > self.modseq:
            self.columns.extend(rows)
            self.uid_next = uid_next
            self.modseq = modseq
            self.keywords = keywords

    def flags_changed(
        self,
        changed: Sequence[tuple[int, int]],
        modseq: int,
        keywords: tuple[str, ...],
        by: "MailboxView | None",
    ) -> None:
        """Take in new flag masks, by UID; all views but the one that asked are to report them."""
        if modseq <= self.modseq:
            return
        columns = self.columns
        for uid, mask in changed:
            index = columns.index(uid)
            if index is not None:
                columns.flags[index] = mask
                columns.modseqs[index] = modseq
        self.modseq = modseq
        self.keywords = keywords
        uids = array("I", [uid for uid, _ in changed])
        for view in self.views:
            if view is not by:
                view.flags_touched(uids)

    def expunged(self, uids: Sequence[int], message_ids: list[int], modseq: int) -> None:
        """Take messages out; views go on showing them until they have reported it."""
        if modseq > self.modseq:
            self.modseq = modseq
            indices = [index for uid in uids if (index := self.columns.index(uid)) is not None]
            if self.views:
                self.departed.update(
                    (self.columns.uids[index], self.columns.message(index)) for index in indices
                )
                frozen: dict[int, array[int]] = {}
                gone = array("I", uids)
                for view in self.views:
                    view.messages_gone(gone, frozen)
            self.columns = self.columns.without(indices)
        if message_ids:
            self._unreferenced.extend(message_ids)
        self.settle()

    def settle(self) -> None:
        """Let go of expunged messages once no view shows them any more."""
        if any(view.holds_expunged for view in self.views):
            return
        self.departed.clear()
        if self._unreferenced:
            self._release(self._unreferenced)
            self._unreferenced = []

    def vanish(self) -> None:
        """The mailbox itself was deleted."""
        self.gone = True
        self.ring()
