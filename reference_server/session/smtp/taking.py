"""The end of a transaction: the text judged, committed, and answered for, to LMTP once per recipient."""

from collections.abc import Sequence

from reference_server.codec.smtp.reply import reply
from reference_server.codec.smtp.text import has_stray_line_ends
from reference_server.session.base import Commit
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.store.errors import StoreUnavailable

TOO_LARGE = reply(552, "5.3.4", "message size exceeds the fixed maximum")
_TAKEN = reply(250, "2.6.0", "message taken")
_STRAY_LINE_END = reply(554, "5.6.0", "a CR or LF stands alone in the message (RFC 5321 2.3.8)")
_UNAVAILABLE = reply(451, "4.3.0", "the message could not be stored, try again later")
_EIGHT_BIT_MASK = bytes(octet & 0x7F for octet in range(256))


async def finish(c: Conversation, envelope: Envelope, text: bytes | None) -> None:
    """Judge the text, have it committed, and answer (RFC 5321 §4.1.1.4, RFC 2033 §4.2, §4.3).

    No text is one that was too long.
    """
    if not envelope.recipients:
        c.outbox += _TAKEN
        return
    refusal = _refusal_of(c, envelope, text)
    if text is None or refusal is not None:
        answer(c, envelope, refusal or TOO_LARGE)
        return
    if "smtp-8bit-stripped" in c.defects:
        text = text.translate(_EIGHT_BIT_MASK)
    await _take(c, envelope, text)


def answer(c: Conversation, envelope: Envelope, outcome: bytes) -> None:
    """Say the same of all recipients: once, or to an LMTP client once for each."""
    if c.settings.role is not Role.LMTP:
        c.outbox += outcome
        return
    for recipient in _answered(c, envelope):
        c.outbox += _said_to(recipient, outcome)


def _refusal_of(c: Conversation, envelope: Envelope, text: bytes | None) -> bytes | None:
    """Return why the text is not taken, whoever it is for."""
    if text is None or len(text) > c.settings.max_message_octets:
        return TOO_LARGE
    if envelope.body == "BINARYMIME" and "smtp-binary-line-ends" not in c.defects:
        # RFC 3030 §3: all bits of each octet are preserved, and CR and LF are octets like any other.
        return None
    if has_stray_line_ends(text) and "smtp-lf-dot-lf" not in c.defects:
        return _STRAY_LINE_END
    return None


async def _take(c: Conversation, envelope: Envelope, text: bytes) -> None:
    """Have the message synced to disk before anybody says 250 (RFC 5321 §6.1).

    To an LMTP client each recipient's own outcome is told: what hinders one touches no other (RFC 2033 §4.2).
    """
    change = c.desk.change_for(envelope, text)
    if isinstance(change, Refusal):
        answer(c, envelope, _reply_to(change))
        return
    try:
        result = await Commit(change)
    except StoreUnavailable:
        # Nothing of it is on disk: the client keeps the message and comes again.
        answer(c, envelope, _UNAVAILABLE)
        return
    outcomes: Sequence[Refusal | None] = result.outcomes
    if c.settings.role is not Role.LMTP:
        c.outbox += _reply_to(outcomes[0])
        return
    for recipient, outcome in zip(_answered(c, envelope), outcomes, strict=False):
        c.outbox += _said_to(recipient, _reply_to(outcome))


def _reply_to(outcome: Refusal | None) -> bytes:
    return _TAKEN if outcome is None else reply(outcome.code, outcome.enhanced, outcome.text)


def _answered(c: Conversation, envelope: Envelope) -> list[Recipient]:
    return envelope.recipients[:1] if "lmtp-single-reply" in c.defects else envelope.recipients


def _said_to(recipient: Recipient, outcome: bytes) -> bytes:
    """Name the recipient in the reply that is for it, as the example of RFC 2033 §4.2 does.

    A name outside ASCII is left out: RFC 6531 §3.7.4 lets none be in this reply.
    """
    if not recipient.mailbox.is_ascii:
        return outcome
    code, enhanced, text = outcome.split(b" ", 2)
    return b"%b %b <%b> %b" % (code, enhanced, str(recipient.mailbox).encode("ascii"), text)
