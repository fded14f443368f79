"""CHECK (RFC 3501 §6.4.1)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("CHECK", State.SELECTED)
async def check(_: ImapSession, call: Call) -> Answer:
    """Do nothing: every change is on disk before it is acknowledged."""
    call.reader.end()
    return b"OK CHECK completed"
