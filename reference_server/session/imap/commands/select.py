"""SELECT (RFC 3501 §6.3.1)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.opening import open_mailbox
from reference_server.session.imap.session import ImapSession


@command("SELECT", State.LOGGED_IN)
async def select(session: ImapSession, call: Call) -> Answer:
    """Select a mailbox for reading and writing."""
    return open_mailbox(session, call, read_only=False)
