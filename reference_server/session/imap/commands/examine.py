"""EXAMINE (RFC 3501 §6.3.2)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.opening import open_mailbox
from reference_server.session.imap.session import ImapSession


@command("EXAMINE", State.LOGGED_IN)
async def examine(session: ImapSession, call: Call) -> Answer:
    r"""Select a mailbox for reading only: nothing changes in it, not even `\Recent`."""
    return open_mailbox(session, call, read_only=True)
