"""MOVE and UID MOVE (RFC 6851)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.copying import copy_messages, copy_uid
from reference_server.session.imap.session import ImapSession


@command("MOVE", State.SELECTED, uid_form=True)
async def move(session: ImapSession, call: Call) -> Answer:
    """Copy and expunge in one step; COPYUID goes before the EXPUNGE responses (RFC 6851 §4.3)."""
    result = await copy_messages(session, call, move=True)
    if isinstance(result, bytes):
        return result
    if result is None:
        return b"OK MOVE completed, of no message"
    session.say(b"OK [%s] Moved" % copy_uid(result))
    return b"OK MOVE completed"
