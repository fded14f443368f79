"""UNSELECT (RFC 3691)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("UNSELECT", State.SELECTED)
async def unselect(session: ImapSession, call: Call) -> Answer:
    """Leave the mailbox; nothing is expunged."""
    call.reader.end()
    session.deselect()
    return b"OK UNSELECT completed"
