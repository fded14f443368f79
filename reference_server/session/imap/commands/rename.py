"""RENAME (RFC 3501 §6.3.5)."""

from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.refusals import answer_to
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Refusal, RenameMailbox


@command("RENAME", State.LOGGED_IN)
async def rename(session: ImapSession, call: Call) -> Answer:
    """Give a mailbox and those below it a new name; INBOX stays, and is emptied into the new one."""
    call.reader.sp()
    name = read_mailbox(call.reader)
    call.reader.sp()
    new_name = read_mailbox(call.reader)
    call.reader.end()
    result = await Commit(RenameMailbox(session.owner.account_id, name, new_name))
    return answer_to(result) if isinstance(result, Refusal) else b"OK RENAME completed"
