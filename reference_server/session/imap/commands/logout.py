"""LOGOUT (RFC 3501 §6.1.3)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("LOGOUT", State.ANY)
async def logout(session: ImapSession, call: Call) -> Answer:
    """Say BYE, then OK; nothing is expunged."""
    call.reader.end()
    session.deselect()
    session.say(b"BYE Logging out")
    session.ended = True
    return b"OK LOGOUT completed"
