"""NAMESPACE (RFC 2342)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("NAMESPACE", State.LOGGED_IN)
async def namespace(session: ImapSession, call: Call) -> Answer:
    """Tell that there are personal mailboxes only, without a prefix."""
    call.reader.end()
    session.say(b'NAMESPACE (("" "/")) NIL NIL')
    return b"OK NAMESPACE completed"
