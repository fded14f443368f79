"""The mail transaction: MAIL, RCPT, DATA and RSET (RFC 5321 §3.3, §4.1.1)."""

from reference_server.codec.smtp.command import (
    CommandError,
    ParameterError,
    PathError,
    parse_mail,
    parse_rcpt,
)
from reference_server.codec.smtp.parameters import decode_xtext
from reference_server.codec.smtp.path import parse_mailbox
from reference_server.codec.smtp.reply import reply
from reference_server.codec.smtp.text import has_stray_line_ends
from reference_server.session.base import Commit
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.store.errors import StoreUnavailable

_SENDER_OK = reply(250, "2.1.0", "sender OK")
_RECIPIENT_OK = reply(250, "2.1.5", "recipient OK")
_RESET_OK = reply(250, "2.0.0", "OK")
_GO_AHEAD = reply(354, "", "end the message with a line that holds a single dot")
_TAKEN = reply(250, "2.6.0", "message taken")
_TOO_LARGE = reply(552, "5.3.4", "message size exceeds the fixed maximum")
_STRAY_LINE_END = reply(554, "5.6.0", "a CR or LF stands alone in the message (RFC 5321 2.3.8)")
_SIZE_DIGITS = 20
"""RFC 1870 §3: size-value = 1*20DIGIT."""
_EIGHT_BIT_MASK = bytes(octet & 0x7F for octet in range(256))


def mail(c: Conversation, argument: bytes | None) -> None:
    """Open a transaction (RFC 5321 §4.1.1.2)."""
    settings = c.settings
    if c.hello_name is None:
        c.refuse(503, "5.5.1", "introduce yourself first")
        return
    if settings.role is Role.SUBMISSION and c.account is None:
        c.refuse(530, "5.7.0", "authentication required")
        return
    if c.envelope is not None:
        c.refuse(503, "5.5.1", "a transaction is open already")
        return
    try:
        command = parse_mail(argument or b"")
    except (CommandError, PathError) as error:
        c.refuse(501, "5.1.7" if isinstance(error, PathError) else "5.5.4", str(error))
        return
    except ParameterError as error:
        c.refuse(501, "5.5.4", str(error))
        return
    envelope = Envelope(
        command.reverse_path,
        hello_name=c.hello_name,
        peer_address=c.peer.address,
        protocol=c.protocol,
        role=settings.role,
        account=c.account,
    )
    refusal = _apply_parameters(c, envelope, command.parameters) if command.parameters else None
    if command.reverse_path is None and "smtp-null-sender-rejected" in c.defects:
        refusal = Refusal(550, "5.1.8", "null sender refused")
    if refusal is None:
        refusal = c.desk.sender_refusal(command.reverse_path, c.account, settings.role)
    if refusal is not None:
        c.refuse_with(refusal)
        return
    c.envelope = envelope
    c.outbox += _SENDER_OK


def _apply_parameters(
    c: Conversation, envelope: Envelope, parameters: dict[str, str | None]
) -> Refusal | None:
    """Carry out the parameters of MAIL; without EHLO there are none (RFC 5321 §4.1.1.11: 555)."""
    for keyword, value in parameters.items():
        if keyword == "SIZE" and c.extended:
            refusal = _check_size(c, value)
        elif keyword == "BODY" and c.extended:
            refusal = _set_body(envelope, value)
        elif keyword == "AUTH" and c.extended and c.settings.role is Role.SUBMISSION:
            refusal = _check_auth(value)
        else:
            refusal = Refusal(555, "5.5.4", f"parameter {keyword} is not known here")
        if refusal is not None:
            return refusal
    return None


def _check_size(c: Conversation, value: str | None) -> Refusal | None:
    """Refuse at once what would be refused after the text (RFC 1870 §6.1)."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > _SIZE_DIGITS:
        return Refusal(501, "5.5.4", "SIZE is a number of octets")
    if int(value) > c.settings.max_message_octets:
        return Refusal(552, "5.3.4", "message size exceeds the fixed maximum")
    return None


def _set_body(envelope: Envelope, value: str | None) -> Refusal | None:
    """RFC 6152 §2: body-value = "7BIT" / "8BITMIME"."""
    body = (value or "").upper()
    if body not in ("7BIT", "8BITMIME"):
        return Refusal(501, "5.5.4", "BODY is 7BIT or 8BITMIME")
    envelope.body = body
    return None


def _check_auth(value: str | None) -> Refusal | None:
    """Read AUTH= and believe none of it, as RFC 4954 §5 lets a server do.

    The value is `<>` or a mailbox in xtext.
    """
    if value == "<>":
        return None
    try:
        parse_mailbox(decode_xtext(value or ""))
    except (ParameterError, PathError):
        return Refusal(501, "5.5.4", "AUTH is <> or a mailbox in xtext")
    return None


def rcpt(c: Conversation, argument: bytes | None) -> None:
    """Add a recipient (RFC 5321 §4.1.1.3)."""
    envelope = c.envelope
    if envelope is None:
        c.refuse(503, "5.5.1", "MAIL comes before RCPT")
        return
    try:
        command = parse_rcpt(argument or b"")
    except (CommandError, PathError) as error:
        envelope.refused += 1
        c.refuse(501, "5.1.3" if isinstance(error, PathError) else "5.5.4", str(error))
        return
    except ParameterError as error:
        envelope.refused += 1
        c.refuse(501, "5.5.4", str(error))
        return
    if command.parameters:
        envelope.refused += 1
        c.refuse(555, "5.5.4", f"parameter {next(iter(command.parameters))} is not known here")
        return
    most = 50 if "smtp-rcpt-limit-50" in c.defects else c.settings.max_recipients
    if len(envelope.recipients) >= most:
        # RFC 5321 §4.5.3.1.10: 452, and those before stay accepted.
        c.say(452, "4.5.3", "too many recipients")
        return
    recipient = c.desk.recipient(command.forward_path, c.settings.role)
    if isinstance(recipient, Refusal):
        envelope.refused += 1
        c.refuse_with(recipient)
        return
    envelope.recipients.append(recipient)
    c.outbox += _RECIPIENT_OK


def rset(c: Conversation, argument: bytes | None) -> None:
    """Drop the transaction, keep the greeting and the login (RFC 5321 §4.1.1.5)."""
    if argument is not None:
        c.refuse(501, "5.5.4", "RSET takes no argument")
        return
    if "smtp-rset-ignored" not in c.defects:
        c.envelope = None
    c.outbox += _RESET_OK


async def data(c: Conversation, argument: bytes | None) -> None:
    """Take the text and answer for it (RFC 5321 §4.1.1.4); for LMTP once per recipient (RFC 2033 §4.2)."""
    envelope = c.envelope
    if argument is not None:
        c.refuse(501, "5.5.4", "DATA takes no argument")
        return
    if envelope is None:
        c.refuse(503, "5.5.1", "MAIL and RCPT come before DATA")
        return
    if not envelope.recipients and "smtp-data-no-rcpt" not in c.defects:
        if envelope.refused and c.settings.role is not Role.LMTP:
            c.refuse(554, "5.5.1", "no valid recipients")
        else:
            # For LMTP 503 is demanded (RFC 2033 §4.2).
            c.refuse(503, "5.5.1", "RCPT comes before DATA")
        return
    c.outbox += _GO_AHEAD
    text = await c.read_text()
    c.envelope = None
    outcome = await take(c, envelope, text)
    if c.settings.role is not Role.LMTP:
        c.outbox += outcome
        return
    answered = envelope.recipients[:1] if "lmtp-single-reply" in c.defects else envelope.recipients
    for recipient in answered:
        c.outbox += _said_to(recipient, outcome)


def _said_to(recipient: Recipient, outcome: bytes) -> bytes:
    """Name the recipient in the reply that is for it, as the example of RFC 2033 §4.2 does."""
    code, enhanced, text = outcome.split(b" ", 2)
    return b"%b %b <%b> %b" % (code, enhanced, str(recipient.mailbox).encode("ascii", "replace"), text)


async def take(c: Conversation, envelope: Envelope, text: bytes | None) -> bytes:
    """Judge the text, commit it for every recipient in one change, and return the reply."""
    if not envelope.recipients:
        return _TAKEN
    if text is None:
        return _TOO_LARGE
    if len(text) > c.settings.max_message_octets:
        return _TOO_LARGE
    if has_stray_line_ends(text) and "smtp-lf-dot-lf" not in c.defects:
        return _STRAY_LINE_END
    if "smtp-8bit-stripped" in c.defects:
        text = text.translate(_EIGHT_BIT_MASK)
    return await _commit(c, envelope, text)


async def _commit(c: Conversation, envelope: Envelope, text: bytes) -> bytes:
    """Have the message synced to disk before anybody says 250 (RFC 5321 §6.1)."""
    change = c.desk.change_for(envelope, text)
    if isinstance(change, Refusal):
        return reply(change.code, change.enhanced, change.text)
    try:
        await Commit(change)
    except StoreUnavailable:
        # Nothing of it is on disk: the client keeps the message and comes again.
        return reply(451, "4.3.0", "the message could not be stored, try again later")
    return _TAKEN
