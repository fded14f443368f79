"""The words of IMAP: conditions, states, flags, mailbox attributes, response codes and limits.

RFC 3501 and RFC 9051, with the extensions whose words appear here named beside them.
"""

from enum import StrEnum


class Condition(StrEnum):
    """The five status responses (RFC 9051 §7.1)."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    BYE = "BYE"
    """Untagged only: the server is about to close (RFC 9051 §7.1.5)."""
    PREAUTH = "PREAUTH"
    """Only as a greeting: no login is needed (RFC 9051 §7.1.4)."""


class SessionState(StrEnum):
    """The states of a connection (RFC 9051 §3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


SEEN = rb"\Seen"
ANSWERED = rb"\Answered"
FLAGGED = rb"\Flagged"
DELETED = rb"\Deleted"
DRAFT = rb"\Draft"
RECENT = rb"\Recent"
"""Set by the server alone, and gone in IMAP4rev2 (RFC 3501 §2.3.2, RFC 9051 §2.3.2)."""
ANY_KEYWORD = rb"\*"
"""In PERMANENTFLAGS: new keywords can be made by storing them (RFC 9051 §7.1)."""

SYSTEM_FLAGS = (SEEN, ANSWERED, FLAGGED, DELETED, DRAFT)
"""The system flags that a client may set (RFC 9051 §2.3.2)."""

INBOX = "INBOX"
"""The one mailbox name that has no case (RFC 9051 §5.1)."""

SELECTABILITY_ATTRIBUTES = (rb"\NonExistent", rb"\Noselect", rb"\Marked", rb"\Unmarked")
"""`mbx-list-sflag`: at most one of them in a LIST response (RFC 9051 §9)."""

STATUS_ITEMS = (b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN")
"""What STATUS can be asked for in IMAP4rev1 (RFC 3501 §6.3.10)."""

MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
"""`date-month` (RFC 9051 §9)."""

LARGEST_NUMBER = 2**32 - 1
"""`number` is an unsigned 32-bit integer (RFC 9051 §9)."""

LARGEST_NUMBER64 = 2**63 - 1
"""`number64` is an unsigned 63-bit integer (RFC 9051 §9)."""

LITERAL_MINUS_OCTETS = 4096
"""With LITERAL-, a non-synchronizing literal may be no longer (RFC 7888 §5)."""

COMMAND_LINE_OCTETS = 8192
"""Clients should keep command lines, without literals, below this (RFC 7162 §4, RFC 2683 §3.2.1.5)."""

IDLE_RENEWAL_S = 29 * 60
"""IDLE should be ended and begun again after this, lest the server takes us for dead (RFC 9051 §6.3.13)."""
