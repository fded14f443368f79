"""CAPA: what is announced, and only where it is also permitted (RFC 2449 §5)."""

from reference_server.codec.sasl import MECHANISMS, PLAINTEXT_MECHANISMS
from reference_server.session.pop3.conversation import Conversation


def may_send_password(session: Conversation) -> bool:
    """Whether a password may come over this connection as it is now."""
    return session.secure or session.settings.clear_logins


def permitted_mechanisms(session: Conversation) -> tuple[str, ...]:
    """Return the SASL mechanisms that AUTH takes now."""
    if may_send_password(session):
        return MECHANISMS
    return tuple(mechanism for mechanism in MECHANISMS if mechanism not in PLAINTEXT_MECHANISMS)


def capabilities(session: Conversation, *, authorized: bool) -> list[bytes]:
    """Return the capability list; STLS is announced in AUTHORIZATION only (RFC 2595 §4), all else in both."""
    lines = [b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING", b"EXPIRE NEVER"]
    if may_send_password(session):
        lines.append(b"USER")
    lines.append(b"SASL " + " ".join(permitted_mechanisms(session)).encode("ascii"))
    if session.settings.offers_stls and not session.secure and not authorized:
        lines.append(b"STLS")
    lines.append(b"IMPLEMENTATION mailproof")
    return lines
