"""The words of IMAP for what the store refuses (RFC 3501 §7.1, RFC 5530)."""

from typing import Final

from reference_server.session.imap.command import Answer, no
from reference_server.store.values import Refusal

_ANSWERS: Final[dict[Refusal, Answer]] = {
    Refusal.NO_SUCH_ACCOUNT: no(b"The account is gone", b"CONTACTADMIN"),
    Refusal.NO_SUCH_MAILBOX: no(b"There is no such mailbox", b"NONEXISTENT"),
    Refusal.MAILBOX_EXISTS: no(b"The mailbox exists already", b"ALREADYEXISTS"),
    Refusal.NOT_SELECTABLE: no(b"The name is no mailbox, only mailboxes are below it", b"NONEXISTENT"),
    Refusal.HAS_CHILDREN: no(b"There are mailboxes below this name", b"HASCHILDREN"),
    Refusal.NOT_ALLOWED: no(b"That cannot be done with this mailbox", b"CANNOT"),
    Refusal.BAD_NAME: no(b"No mailbox can have this name", b"CANNOT"),
    Refusal.TOO_MANY_KEYWORDS: no(b"The mailbox has too many keywords", b"LIMIT"),
    Refusal.OVER_QUOTA: no(b"The account has no room left for it", b"OVERQUOTA"),
}


def answer_to(refusal: Refusal, *, destination: bool = False) -> Answer:
    """Return the tagged NO; a missing `destination` could be made by CREATE (RFC 3501 §6.3.11, §6.4.7)."""
    if destination and refusal in (Refusal.NO_SUCH_MAILBOX, Refusal.NOT_SELECTABLE):
        return no(b"There is no such mailbox", b"TRYCREATE")
    return _ANSWERS.get(refusal) or no(b"That cannot be done", b"CANNOT")
