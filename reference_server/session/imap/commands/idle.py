"""IDLE (RFC 2177)."""

from reference_server.codec.imap.lexer import Garbled
from reference_server.session.base import Input
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession

_LINE_OCTETS = 64


@command("IDLE", State.LOGGED_IN)
async def idle(session: ImapSession, call: Call) -> Answer:
    """Report news as they come, until the client says DONE."""
    call.reader.end()
    session.outbox += b"+ idling\r\n"
    selected = session.selected
    wait = Input(session.settings.idle_timeout_s, news=True)
    if selected is not None:
        selected.view.on_news = session.ring
    try:
        while (line := session.line_at_hand(_LINE_OCTETS)) is None:
            if selected is not None:
                session.report_news(expunge=True)
            session.take_arrival(await wait)
    finally:
        if selected is not None:
            selected.view.on_news = None
    if line.upper() != b"DONE":
        raise Garbled(b"Expected DONE")
    return b"OK IDLE terminated"
