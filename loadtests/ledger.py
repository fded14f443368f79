"""The ledger: what became of every message, so that lost, doubled and damaged mail is a result.

A message is *sent* from the moment its text leaves until the reply to the final dot: if that reply never
comes, it is in doubt and neither its arrival nor its absence is anybody's fault (RFC 1047 knows the case).
After a 2yz it is *accepted* and has to be seen; after a 4yz or 5yz it is *refused* and must not be.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Self

from loadtests.messages import Fingerprint, Message


class Fate(StrEnum):
    """How far the handing-in of a message came."""

    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Sighting(StrEnum):
    """What finding a message in a mailbox means."""

    FIRST = "first"
    KNOWN = "known"
    """The same copy once more: no news."""
    DOUBLE = "double"
    """A second copy."""
    FOREIGN = "foreign"
    """Not of this ledger: another worker's, another run's, or not a message of ours at all."""


@dataclass(slots=True)
class _Entry:
    fate: Fate
    print: Fingerprint
    mailbox: str
    places: tuple[str, ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger in figures; those of several workers add up."""

    sent: int = 0
    """All that were handed in, whatever came of it."""
    accepted: int = 0
    refused: int = 0
    in_doubt: int = 0
    """Sent, and no reply came."""
    seen: int = 0
    """Accepted and found in the mailbox."""
    missing: int = 0
    """Accepted, read for, and not found yet; after the last reading these are lost."""
    doubled: int = 0
    """Copies beyond the first."""
    damaged: int = 0
    """Found with other octets than were sent."""
    delivered_though_refused: int = 0

    def __add__(self, other: Self) -> "Totals":
        return Totals(
            **{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        )

    @property
    def faults(self) -> dict[str, int]:
        """What no server may do, by name, where it was done."""
        named = {
            "lost": self.missing,
            "doubled": self.doubled,
            "damaged": self.damaged,
            "delivered though refused": self.delivered_though_refused,
        }
        return {name: count for name, count in named.items() if count}

    def to_dict(self) -> dict[str, int]:
        """Return the figures by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, figures: Mapping[str, int]) -> "Totals":
        """Make totals of figures by name, as they come from a worker."""
        return cls(**{field.name: int(figures.get(field.name, 0)) for field in fields(cls)})


class Ledger:
    """The messages of one worker in one run.

    `reads` says whether this worker looks for its messages again: only then can one be missing.
    """

    def __init__(self, nonce: str, worker: int, *, reads: bool) -> None:
        self.nonce = nonce
        self.worker = worker
        self.reads = reads
        self._counter = 0
        self._entries: dict[str, _Entry] = {}

    def new_id(self) -> str:
        """Return a fresh message id."""
        self._counter += 1
        return f"{self.nonce}.{self.worker}.{self._counter}"

    def send(self, message: Message, mailbox: str) -> None:
        """Note a message as sent to `mailbox`; call this before its text leaves."""
        self._entries[message.message_id] = _Entry(Fate.SENT, message.print, mailbox)

    def accept(self, message: Message) -> None:
        """Note that the server took the responsibility."""
        self._entries[message.message_id].fate = Fate.ACCEPTED

    def refuse(self, message: Message) -> None:
        """Note that the server did not take it."""
        self._entries[message.message_id].fate = Fate.REFUSED

    def see(self, message_id: str, place: str, octets: bytes | None = None) -> Sighting:
        """Note a copy found at `place`, a name that no other copy has; with `octets`, compare them."""
        entry = self._entries.get(message_id)
        if entry is None:
            return Sighting.FOREIGN
        if octets is not None and not entry.print.matches(octets):
            entry.damaged = True
        if place in entry.places:
            return Sighting.KNOWN
        entry.places += (place,)
        return Sighting.FIRST if len(entry.places) == 1 else Sighting.DOUBLE

    def is_damaged(self, message_id: str) -> bool:
        """Whether a copy with other octets was found."""
        entry = self._entries.get(message_id)
        return entry is not None and entry.damaged

    def awaited(self, mailbox: str | None = None) -> set[str]:
        """Return the ids that were accepted (for one mailbox) and not seen yet."""
        return {
            message_id
            for message_id, entry in self._entries.items()
            if entry.fate is Fate.ACCEPTED and not entry.places and mailbox in {None, entry.mailbox}
        }

    def mailboxes(self) -> set[str]:
        """Return the mailboxes to which something was sent."""
        return {entry.mailbox for entry in self._entries.values()}

    def totals(self) -> Totals:
        """Return the figures as they stand."""
        entries = self._entries.values()
        accepted = [entry for entry in entries if entry.fate is Fate.ACCEPTED]
        seen = sum(bool(entry.places) for entry in accepted)
        return Totals(
            sent=len(self._entries),
            accepted=len(accepted),
            refused=sum(entry.fate is Fate.REFUSED for entry in entries),
            in_doubt=sum(entry.fate is Fate.SENT for entry in entries),
            seen=seen,
            missing=len(accepted) - seen if self.reads else 0,
            doubled=sum(max(0, len(entry.places) - 1) for entry in entries),
            damaged=sum(entry.damaged for entry in entries),
            delivered_though_refused=sum(
                entry.fate is Fate.REFUSED and bool(entry.places) for entry in entries
            ),
        )
