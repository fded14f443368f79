"""ENABLE (RFC 5161)."""

from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("ENABLE", State.AUTHENTICATED)
async def enable(session: ImapSession, call: Call) -> Answer:
    """Pass over what needs no switching on, which is all that is offered here (RFC 5161 §3.1)."""
    reader = call.reader
    reader.sp()
    reader.keyword()
    while reader.skip(b" "):
        reader.keyword()
    reader.end()
    session.say(b"ENABLED")
    return b"OK ENABLE completed"
