"""What the session asks of the rest of the server: who a recipient is, and to take a message on.

The session knows the protocol; routing, delivery, accounts and the queue stand behind `MailDesk`.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from reference_server.codec.sasl import ScramKeys
from reference_server.codec.smtp.path import Mailbox, ReversePath


class Role(Enum):
    """Whom a listener serves."""

    MX = "mx"
    """Mail from anybody for the server's own domains (RFC 5321)."""
    SUBMISSION = "submission"
    """Mail from authenticated users to anybody (RFC 6409)."""
    LMTP = "lmtp"
    """Final delivery, one reply per recipient (RFC 2033)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a recipient, a sender or a message is not taken, as the reply says it."""

    code: int
    enhanced: str
    text: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient that was accepted."""

    mailbox: Mailbox
    """As the client gave it; with our domain where `Postmaster` stood alone."""
    account: "Any | None"
    """The store's account for local delivery, None for a recipient that is relayed."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """What a listener's sessions have in common."""

    role: Role
    hostname: str
    max_message_octets: int = 52_428_800
    max_recipients: int = 1000
    max_errors: int = 500
    """Refused commands after which the session ends with 421."""
    max_failed_logins: int = 10
    offers_starttls: bool = True
    clear_logins: bool = False
    """Whether AUTH is offered without TLS."""
    command_timeout_s: float = 300.0
    """RFC 5321 §4.5.3.2.7: at least 5 minutes."""
    text_timeout_s: float = 180.0
    """How long a silence within DATA may last, and the grace before `min_text_octets_per_s` counts."""
    min_text_octets_per_s: float = 500.0
    """A slower sender is cut off, so that a drip of octets cannot hold a session for ever."""


@dataclass(slots=True)
class Envelope:
    """A mail transaction as MAIL and RCPT built it, with how it came."""

    reverse_path: ReversePath
    body: str | None = None
    """The value of BODY= (RFC 6152 §2)."""
    recipients: list[Recipient] = field(default_factory=list)
    hello_name: str = ""
    peer_address: str = ""
    protocol: str = "SMTP"
    """The `with` keyword of the Received field (RFC 3848)."""
    role: Role = Role.MX
    account: "Any | None" = None
    """The authenticated account."""
    refused: int = 0
    """Recipients that were refused so far."""


class MailDesk(Protocol):
    """The server behind the session."""

    def recipient(self, mailbox: Mailbox, role: Role) -> Recipient | Refusal:
        """Look a forward path up."""
        ...

    def sender_refusal(self, reverse_path: ReversePath, account: "Any | None", role: Role) -> Refusal | None:
        """Return why this sender may not be used, if so (RFC 6409 §6.1)."""
        ...

    def change_for(self, envelope: Envelope, text: bytes) -> "Any | Refusal":
        """Return the change that takes the message on for all its recipients, to be committed."""
        ...

    def scram_keys(self, login: str) -> "tuple[Any | None, ScramKeys]":
        """Return an account with its keys; for an unknown login None, with keys that look real."""
        ...
