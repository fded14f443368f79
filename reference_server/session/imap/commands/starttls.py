"""STARTTLS (RFC 3501 §6.2.1)."""

from reference_server.session.base import StartTls
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession, Over


@command("STARTTLS", State.NOT_AUTHENTICATED)
async def starttls(session: ImapSession, call: Call) -> Answer:
    """Begin TLS; whatever came in clear behind the command is thrown away, not carried out under TLS."""
    call.reader.end()
    if session.secure or not session.settings.offers_starttls:
        return b"BAD TLS is not offered now"
    session.inbox.clear()
    session.outbox += call.tag + b" OK Begin TLS negotiation now\r\n"
    if not await StartTls():
        raise Over
    session.secured()
    return b""
