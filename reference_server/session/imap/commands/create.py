"""CREATE (RFC 3501 §6.3.3)."""

from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.refusals import answer_to
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import CreateMailbox, Refusal


@command("CREATE", State.LOGGED_IN)
async def create(session: ImapSession, call: Call) -> Answer:
    """Make a mailbox, and the names above it that are missing."""
    call.reader.sp()
    name = read_mailbox(call.reader)
    call.reader.end()
    result = await Commit(CreateMailbox(session.owner.account_id, name))
    return answer_to(result) if isinstance(result, Refusal) else b"OK CREATE completed"
