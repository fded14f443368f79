"""SUBSCRIBE (RFC 3501 §6.3.6)."""

from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Subscribe
from reference_server.store.values import is_good_name


@command("SUBSCRIBE", State.LOGGED_IN)
async def subscribe(session: ImapSession, call: Call) -> Answer:
    """Put a name on the list of subscriptions; the mailbox need not exist."""
    call.reader.sp()
    name = read_mailbox(call.reader)
    call.reader.end()
    if not is_good_name(name):
        return no(b"No mailbox can have this name", b"CANNOT")
    await Commit(Subscribe(session.owner.account_id, name))
    return b"OK SUBSCRIBE completed"
