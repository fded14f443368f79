"""STATUS (RFC 3501 §6.3.10)."""

from collections.abc import Callable
from typing import Final

from reference_server.codec.imap import encode
from reference_server.codec.imap.lexer import Garbled
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.session import ImapSession
from reference_server.store.mailbox import Mailbox

_ITEMS: Final[dict[bytes, Callable[[Mailbox], int]]] = {
    b"MESSAGES": len,
    b"RECENT": lambda mailbox: mailbox.recent,
    b"UIDNEXT": lambda mailbox: mailbox.uid_next,
    b"UIDVALIDITY": lambda mailbox: mailbox.uid_validity,
    b"UNSEEN": lambda mailbox: mailbox.unseen,
}


@command("STATUS", State.LOGGED_IN)
async def status(session: ImapSession, call: Call) -> Answer:
    """Count a mailbox without selecting it."""
    reader = call.reader
    reader.sp()
    name = read_mailbox(reader)
    reader.sp()
    reader.expect(b"(")
    wanted = [reader.keyword()]
    while reader.skip(b" "):
        wanted.append(reader.keyword())
    reader.expect(b")")
    reader.end()
    if any(word not in _ITEMS for word in wanted):
        raise Garbled(b"Unknown item of STATUS")
    mailbox = session.store.mailbox(session.owner.account_id, name)
    if mailbox is None:
        return no(b"There is no such mailbox", b"NONEXISTENT")
    counts = b" ".join(b"%s %d" % (word, _ITEMS[word](mailbox)) for word in dict.fromkeys(wanted))
    session.say(b"STATUS %s (%s)" % (encode.mailbox(name), counts))
    return b"OK STATUS completed"
