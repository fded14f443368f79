"""What SELECT and EXAMINE have in common (RFC 3501 §6.3.1, §6.3.2)."""

from typing import TYPE_CHECKING

from reference_server.session.imap.command import Answer, Call, no
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.selected import Selected

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession


def open_mailbox(session: "ImapSession", call: Call, *, read_only: bool) -> Answer:
    """Leave the selected mailbox, also if the new one cannot be opened; then open that and describe it."""
    call.reader.sp()
    name = read_mailbox(call.reader)
    call.reader.end()
    session.deselect()
    mailbox = session.store.mailbox(session.owner.account_id, name)
    if mailbox is None:
        return no(b"There is no such mailbox", b"NONEXISTENT")
    view = session.store.view(mailbox, claims_recent=not read_only)
    selected = Selected(view, read_only=read_only)
    session.select(selected)
    session.outbox += b"* FLAGS (%s)\r\n* %d EXISTS\r\n* %d RECENT\r\n" % (
        selected.known_flags(),
        len(view),
        view.recent,
    )
    first_unseen = view.first_unseen
    if first_unseen is not None:
        session.say(b"OK [UNSEEN %d] First unseen message" % first_unseen)
    session.say(b"OK [PERMANENTFLAGS %s] Flags that can be changed" % selected.permanent_flags())
    session.say(b"OK [UIDVALIDITY %d] UIDs are valid" % mailbox.uid_validity)
    session.say(b"OK [UIDNEXT %d] Predicted next UID" % mailbox.uid_next)
    if read_only:
        return b"OK [READ-ONLY] EXAMINE completed"
    return b"OK [READ-WRITE] SELECT completed"
