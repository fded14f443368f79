"""A session's view of a mailbox: sequence numbers that move only when the session has said so.

RFC 3501 §7.4.1 lets EXPUNGE be sent at few moments only, so a view keeps its own numbering from the first
expunge that it has not reported until it reports it; all other time it is a count over the shared arrays.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reference_server.store.mailbox import Columns, Mailbox, unseen_map
from reference_server.store.values import Message

_TOUCHED_LIMIT = 256
"""Bundles of changed UIDs that a view keeps before it folds them into one."""


@dataclass(frozen=True, slots=True)
class News:
    """What a session has to report, in this order."""

    expunged: tuple[int, ...]
    """Sequence numbers to send in this order: each counts after the ones before it are gone."""
    exists: int | None
    """The new number of messages, if it grew (an EXPUNGE lowers it by itself)."""
    recent: int | None
    """The number of recent messages, whenever `exists` is given."""
    flags: tuple[int, ...]
    """Sequence numbers, after the expunges, of messages whose flags others changed."""
    keywords: bool
    """The mailbox has keywords that the session was not told of: send FLAGS again."""

    def __bool__(self) -> bool:
        return bool(self.expunged or self.exists is not None or self.flags or self.keywords)


class MailboxView:
    """What one session sees of a mailbox: messages 1 to `len(view)`."""

    __slots__ = (
        "_count",
        "_gone",
        "_keywords",
        "_own",
        "_recent",
        "_touched",
        "claims_recent",
        "mailbox",
        "on_news",
    )

    def __init__(
        self, mailbox: Mailbox, *, claims_recent: bool = False, on_news: Callable[[], None] | None = None
    ) -> None:
        self.mailbox = mailbox
        self.claims_recent = claims_recent
        """SELECT takes the recent messages for itself, EXAMINE only looks (RFC 3501 §6.3.2)."""
        self.on_news = on_news
        """Called when something is to be reported; set it while IDLE, else None."""
        self._count = len(mailbox)
        self._own: array[int] | None = None
        self._gone: list[array[int]] = []
        self._touched: list[array[int]] = []
        self._keywords = len(mailbox.keywords)
        self._recent: list[tuple[int, int]] = []
        mailbox.views[self] = None
        self._take_recent()

    def close(self) -> None:
        """Leave the mailbox; the view must not be used afterwards."""
        self.on_news = None
        self.mailbox.views.pop(self, None)
        self.mailbox.settle()

    # Looking

    def __len__(self) -> int:
        return self._count

    @property
    def holds_expunged(self) -> bool:
        """Whether the view shows messages that are gone."""
        return self._own is not None

    def uid(self, sequence_number: int) -> int:
        """Return the UID of a message; IndexError outside 1 to `len(view)`."""
        if not 1 <= sequence_number <= self._count:
            raise IndexError(sequence_number)
        return (self._own or self.mailbox.columns.uids)[sequence_number - 1]

    def sequence_number(self, uid: int) -> int | None:
        """Return where the message with `uid` is, or None."""
        uids = self._own or self.mailbox.columns.uids
        index = bisect_left(uids, uid, 0, self._count)
        return index + 1 if index < self._count and uids[index] == uid else None

    @property
    def uids(self) -> "array[int]":
        """All UIDs in order, to be read only; one copy if the mailbox has grown since."""
        if self._own is not None:
            return self._own
        uids = self.mailbox.columns.uids
        return uids if len(uids) == self._count else uids[: self._count]

    def message(self, sequence_number: int) -> Message:
        """Return what is known of a message, also of an expunged one that was not yet reported."""
        if self._own is None:
            if not 1 <= sequence_number <= self._count:
                raise IndexError(sequence_number)
            return self.mailbox.columns.message(sequence_number - 1)
        message = self.mailbox.message(self.uid(sequence_number))
        if message is None:
            raise IndexError(sequence_number)
        return message

    def is_expunged(self, sequence_number: int) -> bool:
        """Whether the message is gone, and only this view still shows it."""
        return self._own is not None and self.mailbox.columns.index(self.uid(sequence_number)) is None

    def columns(self) -> Columns:
        """Return the messages as columns, index = sequence number - 1, to be read only.

        Without cost in the usual case: no expunge is unreported, so the shared arrays fit as they are.
        """
        shared = self.mailbox.columns
        if self._own is None:
            return shared if len(shared) == self._count else shared.head(self._count)
        held = shared.head(bisect_right(shared.uids, self._own[-1]))
        departed = self.mailbox.departed
        gone = sorted({uid for uids in self._gone for uid in uids if self._shows(uid)})
        return held.merged([departed[uid] for uid in gone])

    @property
    def first_unseen(self) -> int | None:
        r"""The sequence number of the first message without `\Seen`, if there is one."""
        return unseen_map(self.columns().flags).find(1) + 1 or None

    def is_recent(self, uid: int) -> bool:
        """Whether this session is the first that was told of the message (RFC 3501 §2.3.2)."""
        return any(first <= uid < after for first, after in self._recent)

    @property
    def recent(self) -> int:
        """How many messages of the view are recent."""
        uids = self._own or self.mailbox.columns.uids
        return sum(
            bisect_left(uids, after, 0, self._count) - bisect_left(uids, first, 0, self._count)
            for first, after in self._recent
        )

    # Reporting

    def take_news(self, *, expunge: bool = True) -> News:
        """Return what is to be reported now and take it as reported.

        `expunge=False` keeps expunges back: during FETCH, STORE and SEARCH no EXPUNGE may be sent
        (RFC 3501 §7.4.1); everything else is reported, in the old numbering.
        """
        expunged = self._report_expunged() if expunge and self._own is not None else ()
        before = self._count
        self._grow()
        flags = self._report_flags(before)
        keywords = self._keywords != len(self.mailbox.keywords)
        self._keywords = len(self.mailbox.keywords)
        grown = self._count != before
        return News(
            expunged=expunged,
            exists=self._count if grown else None,
            recent=self.recent if grown else None,
            flags=flags,
            keywords=keywords,
        )

    def has_news(self) -> bool:
        """Whether `take_news()` would bring something."""
        shared = self.mailbox.columns.uids
        last = self.uid(self._count) if self._count else 0
        return bool(
            self._own is not None
            or self._touched
            or (shared and shared[-1] > last)
            or self._keywords != len(self.mailbox.keywords)
        )

    def _report_expunged(self) -> tuple[int, ...]:
        own = self._own
        assert own is not None
        positions = sorted({bisect_left(own, uid) for gone in self._gone for uid in gone if self._shows(uid)})
        self._count -= len(positions)
        self._own = None
        self._gone = []
        self.mailbox.settle()
        return tuple(position + 1 - before for before, position in enumerate(positions))

    def _shows(self, uid: int) -> bool:
        return self.sequence_number(uid) is not None

    def _grow(self) -> None:
        shared = self.mailbox.columns.uids
        last = self.uid(self._count) if self._count else 0
        first_new = bisect_left(shared, last + 1)
        if first_new < len(shared):
            if self._own is not None:
                self._own = self._own + shared[first_new:]
                self._count = len(self._own)
            else:
                self._count = len(shared)
            self._take_recent()

    def _report_flags(self, before: int) -> tuple[int, ...]:
        touched = {uid for uids in self._touched for uid in uids}
        self._touched = []
        numbers = (self.sequence_number(uid) for uid in touched)
        return tuple(sorted(n for n in numbers if n is not None and n <= before and not self.is_expunged(n)))

    def _take_recent(self) -> None:
        """Make what came since ours, as far as no other session was told before."""
        first, after = self.mailbox.claim_recent() if self.claims_recent else self._unclaimed()
        if first < after:
            if self._recent and self._recent[-1][0] <= first <= self._recent[-1][1]:
                # Else a session that idles for a day would have a range for every delivery.
                first, _ = self._recent.pop()
            self._recent.append((first, after))

    def _unclaimed(self) -> tuple[int, int]:
        return self.mailbox.recent_from, self.mailbox.uid_next

    # What the mailbox tells the view

    def flags_touched(self, uids: "array[int]") -> None:
        """Note messages whose flags another session changed."""
        self._touched.append(uids)
        if len(self._touched) > _TOUCHED_LIMIT:
            self._touched = [array("I", {uid for bundle in self._touched for uid in bundle})]

    def messages_gone(self, uids: Sequence[int], frozen: "dict[int, array[int]]") -> None:
        """Note expunged messages; called while the mailbox still has them.

        Views of the same length share one frozen copy of the numbering through `frozen`.
        """
        if self._own is None:
            if not self._count or not uids or self.mailbox.columns.uids[self._count - 1] < min(uids):
                return
            if self._count not in frozen:
                frozen[self._count] = self.mailbox.columns.uids[: self._count]
            self._own = frozen[self._count]
        self._gone.append(array("I", uids))
