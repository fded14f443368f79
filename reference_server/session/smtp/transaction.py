"""The mail transaction: MAIL, RCPT, DATA and RSET (RFC 5321 §3.3, §4.1.1)."""

from dataclasses import replace

from reference_server.codec.smtp.command import (
    CommandError,
    ParameterError,
    PathError,
    parse_mail,
    parse_rcpt,
)
from reference_server.codec.smtp.reply import reply
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role
from reference_server.session.smtp.parameters import apply_to_mail, read_for_rcpt
from reference_server.session.smtp.taking import finish

_SENDER_OK = reply(250, "2.1.0", "sender OK")
_RECIPIENT_OK = reply(250, "2.1.5", "recipient OK")
_RESET_OK = reply(250, "2.0.0", "OK")
_GO_AHEAD = reply(354, "", "end the message with a line that holds a single dot")
_ASCII_SENDER = Refusal(550, "5.6.7", "an address outside ASCII needs SMTPUTF8")
_ASCII_RECIPIENT = Refusal(553, "5.6.7", "an address outside ASCII needs SMTPUTF8")
"""RFC 6531 §3.5."""


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
    refusal = apply_to_mail(c, envelope, command.parameters) if command.parameters else None
    if refusal is None and not command.is_ascii and not envelope.smtputf8:
        refusal = _ASCII_RECIPIENT if "smtp-utf8-sender-code" in c.defects else _ASCII_SENDER
    if command.reverse_path is None and "smtp-null-sender-rejected" in c.defects:
        refusal = Refusal(550, "5.1.8", "null sender refused")
    if refusal is None:
        refusal = c.desk.sender_refusal(command.reverse_path, c.account, settings.role)
    if refusal is not None:
        c.refuse_with(refusal)
        return
    c.envelope = envelope
    c.outbox += _SENDER_OK


def rcpt(c: Conversation, argument: bytes | None) -> None:
    """Add a recipient (RFC 5321 §4.1.1.3)."""
    envelope = c.envelope
    if envelope is None:
        c.refuse(503, "5.5.1", "MAIL comes before RCPT")
        return
    if envelope.chunks is not None or envelope.has_failed:
        c.refuse(503, "5.5.1", "RCPT comes before BDAT")
        return
    most = 50 if "smtp-rcpt-limit-50" in c.defects else c.settings.max_recipients
    if len(envelope.recipients) + envelope.refused >= most:
        # RFC 5321 §4.5.3.1.10: 452, and those before stay accepted. RFC 9422 §4.2: refused ones count.
        c.say(452, "4.5.3", "too many recipients")
        return
    recipient = _recipient_of(c, envelope, argument or b"")
    if isinstance(recipient, Refusal):
        envelope.refused += 1
        c.refuse_with(recipient)
        return
    envelope.recipients.append(recipient)
    c.outbox += _RECIPIENT_OK


def _recipient_of(c: Conversation, envelope: Envelope, argument: bytes) -> Recipient | Refusal:
    """Return whom the argument of RCPT names, with what is wished for them."""
    try:
        command = parse_rcpt(argument)
    except (CommandError, ParameterError) as error:
        return Refusal(501, "5.5.4", str(error))
    except PathError as error:
        return Refusal(501, "5.1.3", str(error))
    wishes = read_for_rcpt(c, command.parameters) if command.parameters else None
    if isinstance(wishes, Refusal):
        return wishes
    if not command.is_ascii and not envelope.smtputf8:
        return _ASCII_SENDER if "smtp-utf8-recipient-code" in c.defects else _ASCII_RECIPIENT
    recipient = c.desk.recipient(command.forward_path, c.settings.role)
    if wishes is None or isinstance(recipient, Refusal):
        return recipient
    return replace(recipient, notify=wishes[0], orcpt=wishes[1])


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
    if (envelope.chunks is not None or envelope.has_failed) and "smtp-data-after-bdat-354" not in c.defects:
        c.refuse(503, "5.5.1", "a transaction with BDAT in it takes no DATA")
        return
    if envelope.body == "BINARYMIME" and "smtp-binary-by-data" not in c.defects:
        c.refuse(503, "5.5.1", "BODY=BINARYMIME needs BDAT")
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
    await finish(c, envelope, text)
