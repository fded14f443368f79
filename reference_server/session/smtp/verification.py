"""VRFY and EXPN: who a name is, and whom an alias stands for (RFC 5321 §3.5).

Strangers are told neither, unless the server is set to (§7.3); an LMTP client and an authenticated user are
none.
"""

from reference_server.codec.smtp.path import Mailbox, PathError, parse_mailbox
from reference_server.codec.smtp.reply import reply
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Recipient, Refusal, Role

_CANNOT_VERIFY = reply(252, "2.0.0", "cannot VRFY user, but will accept the message and attempt delivery")
_NOT_IN_ASCII = "the mailbox can only be shown with SMTPUTF8"


def vrfy(c: Conversation, argument: bytes | None) -> None:
    """Say whether somebody is known, and by which mailbox (RFC 5321 §3.5.1, §4.1.1.6)."""
    asked = _read(c, argument)
    if asked is None:
        c.refuse(501, "5.5.4", "VRFY is followed by a user name or a mailbox")
        return
    name, takes_utf8 = asked
    if "smtp-vrfy-claims" in c.defects:
        c.say(250, "2.1.5", f"<{name}>")
        return
    if not tells(c):
        c.outbox += _CANNOT_VERIFY
        return
    found = _mailboxes(c, name)
    if len(found) > 1:
        # RFC 5321 §3.5.1: "the server MAY either note the ambiguity or identify the alternatives".
        c.refuse(553, "5.1.4", "User ambiguous; possibilities are", *_bracketed(found, takes_utf8=takes_utf8))
        return
    recipient = c.desk.recipient(found[0], c.settings.role) if found else None
    if recipient is None:
        c.refuse(550, "5.1.1", "no such user here")
    elif isinstance(recipient, Refusal):
        if recipient.code < 500:
            # They exist, but no message would be taken now.
            c.outbox += _CANNOT_VERIFY
        else:
            c.refuse_with(recipient)
    elif recipient.account is None:
        # An alias of ours, or an address elsewhere.
        c.outbox += _CANNOT_VERIFY
    elif recipient.mailbox.is_ascii or takes_utf8:
        c.outbox += reply(250, "2.1.5", f"<{_route_of(c, recipient)}>", utf8=takes_utf8)
    else:
        # RFC 6531 §3.7.4.2.
        c.say(252, "2.6.8", _NOT_IN_ASCII)


def expn(c: Conversation, argument: bytes | None) -> None:
    """Tell whom an alias stands for, one mailbox on each line (RFC 5321 §3.5.1, §4.1.1.7)."""
    asked = _read(c, argument)
    if asked is None:
        c.refuse(501, "5.5.4", "EXPN is followed by the name of a list")
        return
    name, takes_utf8 = asked
    if not tells(c):
        c.refuse(550, "5.7.1", "access denied to you")
        return
    found = _mailboxes(c, name)
    members = c.desk.members(found[0]) if len(found) == 1 else None
    if members is None:
        c.refuse(550, "5.1.1", "no mailing list of that name")
    elif takes_utf8 or all(member.is_ascii for member in members):
        c.outbox += reply(250, "2.1.5", *(f"<{member}>" for member in members), utf8=takes_utf8)
    else:
        c.refuse(550, "5.6.8", _NOT_IN_ASCII)


def tells(c: Conversation) -> bool:
    """Whether this client may know who is known here."""
    return c.settings.tells_strangers or c.settings.role is Role.LMTP or c.account is not None


def _read(c: Conversation, argument: bytes | None) -> tuple[str, bool] | None:
    """Read `String [SP "SMTPUTF8"]` (RFC 6531 §3.7.4.2), without angle brackets where they are given."""
    name = (argument or b"").strip()
    before, space, word = name.rpartition(b" ")
    keyword, equals, _ = word.upper().partition(b"=")
    takes_utf8 = bool(space) and keyword == b"SMTPUTF8"
    if takes_utf8:
        if equals:
            return None
        name = before.rstrip()
    if name.startswith(b"<") and name.endswith(b">"):
        name = name[1:-1]
    takes_utf8 = takes_utf8 or "smtp-utf8-in-vrfy" in c.defects
    return (name.decode("utf-8"), takes_utf8) if name else None


def _mailboxes(c: Conversation, name: str) -> tuple[Mailbox, ...]:
    """Return whom a mailbox or a user name can mean."""
    if "@" not in name:
        name = name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name
        return c.desk.named(name)
    try:
        return (parse_mailbox(name.encode("utf-8")),)
    except PathError:
        return ()


def _route_of(c: Conversation, recipient: Recipient) -> Mailbox:
    """Return the mailbox as it can be used anywhere: with a domain, not an address literal of ours."""
    (mailbox, *_) = c.desk.named(recipient.mailbox.local_part) or (recipient.mailbox,)
    return mailbox if recipient.mailbox.domain.startswith("[") else recipient.mailbox


def _bracketed(mailboxes: tuple[Mailbox, ...], *, takes_utf8: bool) -> list[str]:
    """Write the alternatives that may be shown."""
    return [f"<{mailbox}>" for mailbox in mailboxes if takes_utf8 or mailbox.is_ascii]
