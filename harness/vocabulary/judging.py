"""The words of a judgement: levels, outcomes and what a check needs of its target."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.vocabulary.services import Service


class Level(StrEnum):
    """How strongly the text demands it (RFC 2119, RFC 8174)."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"
    PROSE = "prose"
    """A duty that the text states without a key word, as RFC 1939 does throughout."""
    HAZARD = "hazard"
    """No sentence of an RFC, but a known danger with a source (CVE, paper)."""


class Outcome(StrEnum):
    """What a check found."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    """A MUST, or a duty stated in prose, is broken."""
    DEVIATES = "deviates"
    """A SHOULD is not followed."""
    OBSERVED = "observed"
    """A MAY: recorded, never a failure."""
    EXPLOITABLE = "exploitable"
    NOT_EXPLOITABLE = "not-exploitable"
    UNSUPPORTED = "unsupported"
    """The target does not offer, or does not permit, what the check needs."""
    WAIVED = "waived"
    """A known finding with a reason and an end."""
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    """Our own fault."""


class Need(StrEnum):
    """What a check needs beyond a particular service: roles that several services can play."""

    SUBMIT = "submit"
    """Some way to hand a message in (SMTP, submission or LMTP)."""
    RETRIEVE = "retrieve"
    """Some way to read it back (IMAP or POP3)."""
    OUTBOUND = "outbound"
    """The target resolves names through mailproof's DNS and relays to mailproof's next hops."""
    UNKNOWN_RECIPIENT = "unknown-recipient"
    """An address of the target's domain that is surely no recipient."""
    TWO_ACCOUNTS = "two-accounts"
    EMPTY_MAILDROP = "empty-maildrop"
    """A POP3 account whose whole maildrop the checks may empty."""
    HOSTILE = "hostile-input"
    """The target file permits hostile input."""
    IMAP = "imap-or-imaps"
    """IMAP, be it in clear or under TLS from the first octet on."""
    POP3 = "pop3-or-pop3s"
    """POP3, likewise."""


PLAYED_BY: Mapping[Need, tuple[Service, ...]] = {
    Need.IMAP: (Service.IMAP, Service.IMAPS),
    Need.POP3: (Service.POP3, Service.POP3S),
}
"""The services that can play a role to a check that does not care which; the first that is there does."""


@dataclass(frozen=True, slots=True)
class Offers:
    """The check needs `capability` (upper case, without parameters) to be announced on `service`.

    For SMTP and LMTP this is an EHLO keyword, for POP3 a CAPA tag, for IMAP a capability name.
    `authenticated` asks for the announcement after login (IMAP, POP3).
    """

    service: Service | Need
    """A service, or a role of `PLAYED_BY`."""
    capability: str
    authenticated: bool = False
