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
    notify: frozenset[str] | None = None
    """NOTIFY= (RFC 3461 §4.1): NEVER alone, or some of SUCCESS, FAILURE and DELAY; None if not given."""
    orcpt: str | None = None
    """ORCPT= (RFC 3461 §4.2), decoded: the type of the address, `;` and the address."""
    targets: "tuple[Recipient | tuple[Mailbox, Refusal], ...]" = ()
    """Who an alias stands for in the end, and those of them who get no mail; none for any other address."""


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
    tells_strangers: bool = False
    """Whether VRFY and EXPN tell everybody who is known here (RFC 5321 §7.3)."""
    min_text_octets_per_s: float = 500.0
    """A slower sender is cut off, so that a drip of octets cannot hold a session for ever."""


@dataclass(slots=True)
class Envelope:
    """A mail transaction as MAIL and RCPT built it, with how it came."""

    reverse_path: ReversePath
    body: str | None = None
    """BODY= in upper case: 7BIT, 8BITMIME (RFC 6152 §2) or BINARYMIME (RFC 3030 §3); None if not given."""
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
    smtputf8: bool = False
    """SMTPUTF8 (RFC 6531 §3.4): addresses and header may hold UTF-8."""
    ret: str | None = None
    """RET= (RFC 3461 §4.3) in upper case: FULL or HDRS; None if not given."""
    envid: str | None = None
    """ENVID= (RFC 3461 §4.4), decoded."""
    chunks: list[bytes] | None = None
    """What BDAT has brought so far (RFC 3030 §2); None before the first chunk."""
    chunked_octets: int = 0
    has_failed: bool = False
    """A chunk was refused: nothing but RSET helps."""


class MailDesk(Protocol):
    """The server behind the session."""

    def recipient(self, mailbox: Mailbox, role: Role) -> Recipient | Refusal:
        """Look a forward path up."""
        ...

    def sender_refusal(self, reverse_path: ReversePath, account: "Any | None", role: Role) -> Refusal | None:
        """Return why this sender may not be used, if so (RFC 6409 §6.1)."""
        ...

    def change_for(self, envelope: Envelope, text: bytes) -> "Any | Refusal":
        """Return the change that takes the message on, to be committed.

        Its result has `outcomes`: for each recipient of the envelope, in order, None (250) or a `Refusal`.
        LMTP answers each with its own; in SMTP they are all None, or all refusals and nothing was taken on.
        """
        ...

    def named(self, name: str) -> tuple[Mailbox, ...]:
        """Return the mailboxes and aliases of ours that a name without a domain can mean."""
        ...

    def members(self, mailbox: Mailbox) -> tuple[Mailbox, ...] | None:
        """Return who an alias of ours stands for, for EXPN; None if it is none."""
        ...

    def scram_keys(self, login: str) -> "tuple[Any | None, ScramKeys]":
        """Return an account with its keys; for an unknown login None, with keys that look real."""
        ...
