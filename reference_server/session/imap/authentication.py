"""What LOGIN and AUTHENTICATE have in common: how a login ends (RFC 3501 §6.2.2, §6.2.3)."""

from typing import TYPE_CHECKING

from reference_server.session.imap import capabilities
from reference_server.session.imap.command import Answer, no
from reference_server.store.values import Account

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession


def accept(session: "ImapSession", account: Account, verb: bytes) -> Answer:
    """Go to the authenticated state, and tell what is offered there, which saves the client a round trip."""
    session.enter(account)
    return b"OK [CAPABILITY %s] %s completed" % (capabilities.offered(session), verb)


def reject(session: "ImapSession") -> Answer:
    """Refuse, without a word on what was wrong; a client that goes on guessing is cut off."""
    session.failed_logins += 1
    if session.failed_logins >= session.settings.max_failed_logins:
        session.say(b"BYE Too many failed logins")
        session.ended = True
    return no(b"Authentication failed", b"AUTHENTICATIONFAILED")


def privacy_required() -> Answer:
    """Refuse to hear of passwords in clear (RFC 3501 §11.2, RFC 5530)."""
    return no(b"Log in under TLS", b"PRIVACYREQUIRED")
