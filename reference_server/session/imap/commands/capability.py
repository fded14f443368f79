"""CAPABILITY (RFC 3501 §6.1.1)."""

from reference_server.session.imap import capabilities
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("CAPABILITY", State.ANY)
async def capability(session: ImapSession, call: Call) -> Answer:
    """Tell what is offered in this state."""
    call.reader.end()
    session.say(b"CAPABILITY " + capabilities.offered(session))
    return b"OK CAPABILITY completed"
