"""LIST (RFC 3501 §6.3.8), with the attributes of CHILDREN (RFC 3348)."""

from reference_server.codec.imap import encode
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.listing import read_patterns
from reference_server.session.imap.session import SLICE_OCTETS, ImapSession
from reference_server.store.values import superiors


@command("LIST", State.LOGGED_IN)
async def list_(session: ImapSession, call: Call) -> Answer:
    """Name the mailboxes that match; with an empty pattern, tell the hierarchy delimiter."""
    wanted = read_patterns(call.reader)
    if wanted is None:
        session.say(b'LIST (\\Noselect) "/" ""')
        return b"OK LIST completed"
    entries = session.store.mailboxes(session.owner.account_id)
    parents = {above for entry in entries for above in superiors(entry.name)}
    for entry in entries:
        if not wanted.matches(entry.name):
            continue
        attributes = b"\\HasChildren" if entry.name in parents else b"\\HasNoChildren"
        if not entry.selectable:
            attributes = b"\\Noselect " + attributes
        session.say(b'LIST (%s) "/" %s' % (attributes, encode.mailbox(entry.name)))
        if len(session.outbox) > SLICE_OCTETS:
            await session.flush()
    return b"OK LIST completed"
