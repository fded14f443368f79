"""CLOSE (RFC 3501 §6.4.2)."""

from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Expunge


@command("CLOSE", State.SELECTED)
async def close(session: ImapSession, call: Call) -> Answer:
    r"""Remove the messages with `\Deleted` without a word, unless after EXAMINE, and leave the mailbox."""
    call.reader.end()
    selected = session.chosen
    if not selected.read_only:
        await Commit(Expunge(selected.mailbox_id))
    session.deselect()
    return b"OK CLOSE completed"
