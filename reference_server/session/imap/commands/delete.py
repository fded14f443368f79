"""DELETE (RFC 3501 §6.3.4)."""

from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.refusals import answer_to
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import DeleteMailbox, Refusal


@command("DELETE", State.LOGGED_IN)
async def delete(session: ImapSession, call: Call) -> Answer:
    """Remove a mailbox; who deletes the one that is selected is then in the authenticated state."""
    call.reader.sp()
    name = read_mailbox(call.reader)
    call.reader.end()
    result = await Commit(DeleteMailbox(session.owner.account_id, name))
    if isinstance(result, Refusal):
        return answer_to(result)
    if session.selected is not None and session.selected.mailbox_id == result.mailbox_id:
        session.deselect()
    return b"OK DELETE completed"
