"""LSUB (RFC 3501 §6.3.9)."""

from reference_server.codec.imap import encode
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.listing import read_patterns
from reference_server.session.imap.session import ImapSession
from reference_server.store.values import superiors


@command("LSUB", State.LOGGED_IN)
async def lsub(session: ImapSession, call: Call) -> Answer:
    r"""Name the subscriptions that match.

    With a `%` at the end, a level that is not subscribed but has subscriptions below it is named as
    `\Noselect`.
    """
    wanted = read_patterns(call.reader)
    if wanted is None:
        session.say(b'LSUB (\\Noselect) "/" ""')
        return b"OK LSUB completed"
    subscribed = session.store.subscriptions(session.owner.account_id)
    names = dict.fromkeys(subscribed, b"")
    if wanted.ends_in_level:
        for name in subscribed:
            for above in superiors(name):
                names.setdefault(above, b"\\Noselect")
    for name in sorted(names):
        if wanted.matches(name):
            session.say(b'LSUB (%s) "/" %s' % (names[name], encode.mailbox(name)))
    return b"OK LSUB completed"
