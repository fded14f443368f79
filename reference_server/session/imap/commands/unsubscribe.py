"""UNSUBSCRIBE (RFC 3501 §6.3.7)."""

from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Subscribe


@command("UNSUBSCRIBE", State.LOGGED_IN)
async def unsubscribe(session: ImapSession, call: Call) -> Answer:
    """Take a name off the list of subscriptions; one that is not on it makes no difference."""
    call.reader.sp()
    name = read_mailbox(call.reader)
    call.reader.end()
    await Commit(Subscribe(session.owner.account_id, name, subscribed=False))
    return b"OK UNSUBSCRIBE completed"
