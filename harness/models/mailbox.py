"""What a mailbox should hold and a session should see: numbers, UIDs and flags (RFC 9051 §2.3)."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class ModelMessage:
    """A message of the model; UIDs and octets never change, flags do."""

    uid: int
    octets: bytes
    flags: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class ModelMailbox:
    """The messages in ascending order of UID; the number of a message is its place, from 1."""

    messages: list[ModelMessage] = field(default_factory=list)
    next_uid: int = 1

    def append(self, octets: bytes, flags: Iterable[bytes] = (), uid: int | None = None) -> ModelMessage:
        """Add a message under the next UID, or under a greater one that the server has told."""
        given = self.next_uid if uid is None else uid
        if given < self.next_uid:
            raise ValueError(f"UIDs ascend: {given} is not above {self.next_uid - 1}")
        message = ModelMessage(given, octets, frozenset(flags))
        self.messages.append(message)
        self.next_uid = given + 1
        return message

    def store(self, number: int, item: bytes, flags: Iterable[bytes]) -> frozenset[bytes]:
        """STORE by number; returns the flags that the message has then."""
        message = self.messages[number - 1]
        change = frozenset(flags)
        match item.upper().removesuffix(b".SILENT"):
            case b"+FLAGS":
                message.flags |= change
            case b"-FLAGS":
                message.flags -= change
            case _:
                message.flags = change
        return message.flags

    def expunge(self, flag: bytes = rb"\Deleted") -> list[int]:
        """Remove the messages with the flag; returns the numbers as EXPUNGE announces them."""
        numbers = []
        for message in [each for each in self.messages if flag in each.flags]:
            numbers.append(self.messages.index(message) + 1)
            self.messages.remove(message)
        return numbers

    def uids(self) -> tuple[int, ...]:
        """All UIDs, ascending."""
        return tuple(message.uid for message in self.messages)


@dataclass(slots=True)
class SessionView:
    """The numbering that one session has: it changes only by what the session was told (RFC 9051 §7.4.1)."""

    uids: list[int] = field(default_factory=list)

    def exists(self, count: int, uids: Iterable[int]) -> None:
        """EXISTS: the mailbox, whose UIDs are given, has grown to `count` for this session."""
        known = set(self.uids)
        self.uids += [uid for uid in uids if uid not in known][: count - len(self.uids)]

    def expunge(self, number: int) -> int:
        """EXPUNGE: returns the UID that is gone."""
        return self.uids.pop(number - 1)
