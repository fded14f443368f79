"""What is announced, and when (RFC 3501 §6.1.1, §7.2.1)."""

from typing import TYPE_CHECKING, Final

from reference_server.session.imap.command import State

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession

_ALWAYS: Final = (b"IMAP4rev1", b"SASL-IR", b"LITERAL+", b"ID", b"ENABLE", b"IDLE")
_LOGGED_IN: Final = (
    b"UIDPLUS",
    b"MOVE",
    b"UNSELECT",
    b"NAMESPACE",
    b"CHILDREN",
    b"ESEARCH",
    b"MULTIAPPEND",
)
_MECHANISMS: Final = (b"AUTH=PLAIN", b"AUTH=LOGIN", b"AUTH=SCRAM-SHA-256")


def takes_passwords(session: "ImapSession") -> bool:
    """Whether a password may be sent now: under TLS, or where the operator allows it in clear."""
    return session.secure or session.settings.clear_logins


def offered(session: "ImapSession") -> bytes:
    """Return the capabilities in this state, with spaces between them."""
    words = list(_ALWAYS)
    if session.state is State.NOT_AUTHENTICATED:
        if session.settings.offers_starttls and not session.secure:
            words.append(b"STARTTLS")
        if takes_passwords(session):
            words.extend(_MECHANISMS)
        else:
            # LOGIN is not to be tried at all (RFC 3501 §11.2); SCRAM shows no password, but without TLS its
            # messages can be tampered with (RFC 5802 §9)
            words.append(b"LOGINDISABLED")
    else:
        words.extend(_LOGGED_IN)
    return b" ".join(words)
