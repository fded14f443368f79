"""The parameters of MAIL and RCPT: what the extensions let a client say, each carried out or refused."""

from reference_server.codec.smtp.notification import read_envid, read_notify, read_orcpt, read_ret
from reference_server.codec.smtp.parameters import ParameterError, decode_xtext
from reference_server.codec.smtp.path import PathError, parse_mailbox
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Envelope, Refusal, Role

_SIZE_DIGITS = 20
"""RFC 1870 §3: size-value = 1*20DIGIT."""
_BODIES = frozenset({"7BIT", "8BITMIME", "BINARYMIME"})

Wishes = tuple[frozenset[str] | None, str | None]
"""NOTIFY and ORCPT of one RCPT."""


def apply_to_mail(c: Conversation, envelope: Envelope, parameters: dict[str, str | None]) -> Refusal | None:
    """Carry out the parameters of MAIL; without EHLO there are none (RFC 5321 §4.1.1.11: 555)."""
    for keyword, value in parameters.items():
        refusal = _apply_one(c, envelope, keyword, value) if c.extended else _unknown(keyword)
        if refusal is not None:
            return refusal
    return None


def _apply_one(c: Conversation, envelope: Envelope, keyword: str, value: str | None) -> Refusal | None:
    refusal: Refusal | None = None
    try:
        match keyword:
            case "SIZE":
                refusal = _check_size(c, value)
            case "BODY":
                refusal = _set_body(envelope, value)
            case "SMTPUTF8":
                refusal = _set_smtputf8(envelope, value)
            case "RET":
                envelope.ret = read_ret(value)
            case "ENVID":
                envelope.envid = read_envid(value)
            case "AUTH" if c.settings.role is Role.SUBMISSION:
                refusal = _check_auth(value)
            case _:
                refusal = _unknown(keyword)
    except ParameterError as error:
        return _malformed(c, error)
    return refusal


def read_for_rcpt(c: Conversation, parameters: dict[str, str | None]) -> Wishes | Refusal:
    """Read the parameters of RCPT, which are those of RFC 3461."""
    notify: frozenset[str] | None = None
    orcpt: str | None = None
    try:
        for keyword, value in parameters.items():
            if keyword == "NOTIFY" and c.extended:
                notify = read_notify(value)
                if "smtp-notify-case" in c.defects and value != (value or "").upper():
                    raise ParameterError("NOTIFY in small letters")
            elif keyword == "ORCPT" and c.extended:
                orcpt = read_orcpt(value)
            else:
                return _unknown(keyword)
    except ParameterError as error:
        return _malformed(c, error) or (notify, orcpt)
    return notify, orcpt


def _malformed(c: Conversation, error: ParameterError) -> Refusal | None:
    """RFC 3461 §5.1: 501 for values that are not valid."""
    return None if "smtp-dsn-unchecked" in c.defects else Refusal(501, "5.5.4", str(error))


def _unknown(keyword: str) -> Refusal:
    return Refusal(555, "5.5.4", f"parameter {keyword} is not known here")


def _check_size(c: Conversation, value: str | None) -> Refusal | None:
    """Refuse at once what would be refused after the text (RFC 1870 §6.1)."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > _SIZE_DIGITS:
        return Refusal(501, "5.5.4", "SIZE is a number of octets")
    if int(value) > c.settings.max_message_octets:
        return Refusal(552, "5.3.4", "message size exceeds the fixed maximum")
    return None


def _set_body(envelope: Envelope, value: str | None) -> Refusal | None:
    """body-value = "7BIT" / "8BITMIME" / "BINARYMIME" (RFC 6152 §2, RFC 3030 §3)."""
    body = (value or "").upper()
    if body not in _BODIES:
        return Refusal(501, "5.5.4", "BODY is 7BIT, 8BITMIME or BINARYMIME")
    envelope.body = body
    return None


def _set_smtputf8(envelope: Envelope, value: str | None) -> Refusal | None:
    """Let addresses hold UTF-8, and say so in the trace (RFC 6531 §3.4, §4.3)."""
    if value is not None:
        return Refusal(501, "5.5.4", "SMTPUTF8 takes no value")
    envelope.smtputf8 = True
    # UTF8SMTP, UTF8SMTPA, UTF8SMTPS, UTF8SMTPSA; UTF8LMTP and so on.
    envelope.protocol = "UTF8" + envelope.protocol.removeprefix("E")
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
