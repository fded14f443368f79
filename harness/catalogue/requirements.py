"""Requirements as frozen values, and the grammar of their ids."""

import re
from dataclasses import dataclass
from enum import StrEnum

from harness.vocabulary.judging import Level

RFC_ID = re.compile(
    r"rfc(?P<rfc>[1-9][0-9]*)/(?P<section>[0-9A-Z]+(?:\.[0-9]+)*)/(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)"
)
"""`rfc5321/4.5.2/remove-one-dot`; sections are those of the RFC, unpadded, appendices by letter (`A.1`)."""

HAZARD_ID = re.compile(r"hazard/(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)")


class Side(StrEnum):
    """Whose duty it is."""

    SERVER = "server"
    CLIENT = "client"
    BOTH = "both"
    FORMAT = "format"
    OPERATOR = "operator"


class Visibility(StrEnum):
    """How a duty is seen from outside the server."""

    CONNECTION = "connection"
    """In its replies, its state or its time, on a connection."""
    DELIVERY = "delivery"
    """In the delivered mail, in a notification, or at the next hop."""
    HIDDEN = "hidden"
    """Not at all; the entry has the reason."""


class Severity(StrEnum):
    """How much harm a hazard does where it is exploitable."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Rfc:
    """One RFC of the catalogue's index."""

    number: int
    title: str
    group: str
    """The group word that selects its checks: smtp, lmtp, pop3, imap."""
    replaced_by: int | None = None

    @property
    def folder(self) -> str:
        """The first part of its requirements' ids, and the name of its suite: `rfc5321`."""
        return f"rfc{self.number}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence of an RFC, or one known danger, in our own words."""

    id: str
    level: Level
    side: Side
    statement: str
    """Empty where nothing is owed to who tests a server: duties of clients, what is hidden, freedoms."""
    source: str
    """Where it is from: `RFC 5321 §4.5.2`, or a hazard's CVE or paper."""
    severity: Severity | None = None
    """Of a hazard only."""
    visibility: Visibility | None = None
    """None until somebody has reviewed the entry; hazards have none."""
    reason: str = ""
    """Why it is hidden, or why no check judges it though one could see it."""
    digests: tuple[str, ...] = ()
    """Of the RFC's sentences that say it; the sentences themselves are not ours to copy."""
    replaced_by: str = ""
    """The id of the same duty in the RFC that replaced this one."""

    @property
    def folder(self) -> str:
        """The first part of the id: `rfc5321`, or `hazard`."""
        return self.id.split("/", 1)[0]

    @property
    def is_reviewed(self) -> bool:
        """Say whether somebody has decided what it is and how it is seen; hazards are written by hand."""
        return self.visibility is not None or self.level is Level.HAZARD

    @property
    def binds_server(self) -> bool:
        """Say whether the server has to keep it; a MAY is no duty."""
        return self.side in _OF_SERVER and self.level not in _NO_DUTY

    @property
    def is_visible(self) -> bool:
        """Say whether it shows on a connection or in a delivery."""
        return self.visibility in _SEEN

    @property
    def needs_statement(self) -> bool:
        """Say whether it must be told in our own words: a visible duty of the server."""
        return self.binds_server and self.is_visible

    def sort_key(self) -> tuple[str, int, tuple[tuple[int, str], ...], str]:
        """Order as the RFCs read: by number, by section with 4.10 after 4.9, by slug."""
        match = RFC_ID.fullmatch(self.id)
        if match is None:
            return ("~", 0, (), self.id)
        parts = tuple(
            (int(part), "") if part.isdigit() else (10**6, part) for part in match["section"].split(".")
        )
        return ("rfc", int(match["rfc"]), parts, match["slug"])


_OF_SERVER = frozenset({Side.SERVER, Side.BOTH})
_NO_DUTY = frozenset({Level.MAY, Level.HAZARD})
_SEEN = frozenset({Visibility.CONNECTION, Visibility.DELIVERY})


def source_of(requirement_id: str) -> str:
    """Return where an RFC's requirement is from: `RFC 5321 §4.5.2`, or `RFC 3501 appendix A.1`."""
    match = RFC_ID.fullmatch(requirement_id)
    if match is None:
        message = f"not the id of an RFC's requirement: {requirement_id!r}"
        raise ValueError(message)
    section = match["section"]
    word = "§" if section[0].isdigit() else "appendix "
    return f"RFC {match['rfc']} {word}{section}"
