"""The store's words: accounts, messages to be stored, and refusals."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum, auto

from reference_server.codec.sasl import ScramKeys

__all__ = [
    "DELIMITER",
    "INBOX",
    "NAME_LIMIT_OCTETS",
    "NO_DAY",
    "Account",
    "InternalDate",
    "MailboxEntry",
    "Message",
    "NewMessage",
    "Quota",
    "Refusal",
    "ScramKeys",
    "Secret",
    "Usage",
    "canonical_name",
    "is_good_name",
    "superiors",
]

INBOX = "INBOX"
DELIMITER = "/"
"""Between the levels of a mailbox name."""


class Refusal(StrEnum):
    """Why a change was not made; refusals are values, the session finds the protocol's words for them."""

    NO_SUCH_ACCOUNT = auto()
    ACCOUNT_EXISTS = auto()
    NO_SUCH_MAILBOX = auto()
    """IMAP says `[TRYCREATE]` for APPEND, COPY and MOVE, `[NONEXISTENT]` elsewhere."""
    MAILBOX_EXISTS = auto()
    """`[ALREADYEXISTS]`."""
    NOT_SELECTABLE = auto()
    r"""The name is only a node in the tree (`\Noselect`)."""
    HAS_CHILDREN = auto()
    r"""`DELETE` of a `\Noselect` name that has names below it (RFC 3501 §6.3.4)."""
    NOT_ALLOWED = auto()
    """INBOX cannot be deleted, a mailbox cannot be moved below itself: `[CANNOT]`."""
    BAD_NAME = auto()
    """An empty level, a control character, or too long: `[CANNOT]`."""
    TOO_MANY_KEYWORDS = auto()
    """`[LIMIT]`."""
    OVER_QUOTA = auto()
    """The account has no room for it: `[OVERQUOTA]` (RFC 5530 §3), 5.2.2 in SMTP's words."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What is kept of a password: an argon2id hash, and the keys of SCRAM."""

    password_hash: str = field(repr=False)
    scram: ScramKeys = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quota:
    """How much an account may hold; None is no limit."""

    octets: int | None = None
    messages: int | None = None


@dataclass(slots=True)
class Usage:
    """How much an account holds in all its mailboxes, and how much it may."""

    octets: int
    messages: int
    quota: Quota | None = None
    """None where nothing is limited."""

    def has_room(self, octets: int, messages: int) -> bool:
        """Whether so much more fits."""
        quota = self.quota
        if quota is None:
            return True
        return (quota.octets is None or self.octets + octets <= quota.octets) and (
            quota.messages is None or self.messages + messages <= quota.messages
        )

    @property
    def is_full(self) -> bool:
        """Whether not even an octet more fits."""
        return not self.has_room(1, 1)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who receives mail and logs in, by the address or its local part."""

    account_id: int
    address: str
    secret: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class InternalDate:
    """When a message came: INTERNALDATE keeps the zone that it was given in (RFC 3501 §2.3.3)."""

    seconds: int
    """Since the epoch, UTC."""
    zone_min: int = 0
    """Minutes east of UTC."""

    @classmethod
    def at(cls, moment: datetime) -> "InternalDate":
        """Return the date of a `datetime` that knows its zone."""
        offset = moment.utcoffset() or timedelta()
        return cls(int(moment.timestamp()), int(offset.total_seconds() // 60))

    def as_datetime(self) -> datetime:
        """Return the same moment in the same zone."""
        return datetime.fromtimestamp(self.seconds, timezone(timedelta(minutes=self.zone_min)))

    @property
    def local_day(self) -> int:
        """The day by its own zone, as days since 1970-01-01: what SEARCH BEFORE/ON/SINCE compare."""
        return (self.seconds + 60 * self.zone_min) // 86400


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be stored; its octets come back exactly as they are here."""

    octets: bytes = field(repr=False)
    flags: tuple[str, ...] = ()
    r"""System flags and keywords, spelled as the client did; `\Recent` is left out."""
    internal_date: InternalDate | None = None
    """None: the moment at which it is stored, UTC."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a mailbox knows of one message without reading it."""

    uid: int
    message_id: int
    flags: int
    modseq: int
    internal_date: int
    zone_min: int
    size: int
    sent_day: int
    """Day of the Date field, as days since 1970-01-01; `NO_DAY` where there is none that can be read."""
    open_end: int = 0
    """1 if the octets do not end in CRLF: POP3 adds one, and counts it."""

    def row(self) -> tuple[int, ...]:
        """Return the values in the order of the columns."""
        return (
            self.uid,
            self.message_id,
            self.flags,
            self.modseq,
            self.internal_date,
            self.zone_min,
            self.size,
            self.sent_day,
            self.open_end,
        )


NO_DAY = -(2**31)


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """A name in an account's list of mailboxes."""

    mailbox_id: int
    account_id: int
    name: str
    uid_validity: int
    selectable: bool = True


NAME_LIMIT_OCTETS = 1000
"""The longest mailbox name, so that no client fills the memory with names."""


def canonical_name(name: str) -> str:
    """INBOX in any case is INBOX (RFC 3501 §5.1), alone and as the first level; all else is as it is."""
    head, delimiter, rest = name.partition(DELIMITER)
    return INBOX + delimiter + rest if head.upper() == INBOX else name


def is_good_name(name: str) -> bool:
    """Whether `name` can be created: no empty level, control character or lone surrogate; not too long."""
    if not name or any(level == "" for level in name.split(DELIMITER)):
        return False
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in name):
        return False
    if any(0xD800 <= ord(character) < 0xE000 for character in name):
        return False
    return len(name.encode()) <= NAME_LIMIT_OCTETS


def superiors(name: str) -> tuple[str, ...]:
    """Return the names above `name`, the highest first."""
    levels = name.split(DELIMITER)
    return tuple(DELIMITER.join(levels[:depth]) for depth in range(1, len(levels)))
