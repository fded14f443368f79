"""NOOP (RFC 3501 §6.1.2)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("NOOP", State.ANY)
async def noop(_: ImapSession, call: Call) -> Answer:
    """Do nothing: the news that every command may bring are what clients poll for."""
    call.reader.end()
    return b"OK NOOP completed"
