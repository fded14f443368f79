"""COPY and UID COPY (RFC 3501 §6.4.7, §6.4.8)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.copying import copy_messages, copy_uid
from reference_server.session.imap.session import ImapSession


@command("COPY", State.SELECTED, uid_form=True)
async def copy(session: ImapSession, call: Call) -> Answer:
    """Copy messages with their flags and internal dates, all or none."""
    result = await copy_messages(session, call, move=False)
    if isinstance(result, bytes):
        return result
    return b"OK [%s] COPY completed" % copy_uid(result) if result else b"OK COPY completed, of no message"
