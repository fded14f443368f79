"""BDAT: the text in chunks of announced length (RFC 3030 §2), to LMTP too (RFC 2033 §4.3)."""

from reference_server.codec.smtp.command import CommandError, parse_bdat
from reference_server.codec.smtp.reply import reply
from reference_server.codec.smtp.text import unstuff
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Role
from reference_server.session.smtp.taking import TOO_LARGE, answer, finish

_NO_TRANSACTION = reply(503, "5.5.1", "MAIL and RCPT come before BDAT")
_FAILED = reply(503, "5.5.1", "an earlier chunk was refused, send RSET")
_NO_RECIPIENT = reply(503, "5.5.1", "RCPT comes before BDAT")
_NO_VALID_RECIPIENT = reply(554, "5.5.1", "no valid recipients")


async def bdat(c: Conversation, argument: bytes | None) -> None:
    """Take a chunk, exactly as long as it was announced; with LAST the message is complete.

    Whatever is wrong with the command, the chunk is swallowed before the reply (RFC 3030 §2): it would else
    be read as commands. Only a length that cannot be read leaves nothing to swallow.
    """
    try:
        command = parse_bdat(argument or b"")
    except CommandError as error:
        c.refuse(501, "5.5.4", str(error))
        return
    envelope = c.envelope
    refusal = (
        _refusal_of(c, command.size)
        if command.is_well_formed
        else reply(501, "5.5.4", "BDAT is followed by a number of octets and perhaps LAST")
    )
    if refusal is None or "smtp-bdat-refused-chunk-read" not in c.defects:
        chunk = await c.read_octets(command.size, keep=refusal is None)
    else:
        chunk = b""
    if envelope is None or refusal is not None:
        _refuse(c, refusal or _NO_TRANSACTION, is_last=command.is_last)
        return
    envelope.chunked_octets += command.size
    if not command.is_last:
        envelope.chunks = [*(envelope.chunks or ()), chunk]
        c.say(250, "2.0.0", f"{command.size} octets received")
        return
    c.envelope = None
    text = b"".join((*envelope.chunks, chunk)) if envelope.chunks else chunk
    if "smtp-bdat-unstuffed" in c.defects:
        text = unstuff(text)
    await finish(c, envelope, text)


def _refusal_of(c: Conversation, size: int) -> bytes | None:
    """Return why the chunk that comes now is not taken."""
    envelope = c.envelope
    if envelope is None or not c.extended:
        return _NO_TRANSACTION
    if envelope.has_failed:
        return _FAILED
    if not envelope.recipients:
        return _NO_VALID_RECIPIENT if envelope.refused and c.settings.role is not Role.LMTP else _NO_RECIPIENT
    if envelope.chunked_octets + size > c.settings.max_message_octets:
        return TOO_LARGE
    return None


def _refuse(c: Conversation, refusal: bytes, *, is_last: bool) -> None:
    """Refuse a chunk, and so the message: nothing of it may be delivered without this chunk."""
    envelope = c.envelope
    if envelope is None:
        c.outbox += refusal
    elif is_last:
        # RFC 2033 §4.3: LAST has a reply for each recipient that was accepted, and none if there was none.
        c.envelope = None
        if not envelope.recipients and "lmtp-bdat-reply-without-recipient" in c.defects:
            c.outbox += refusal
        answer(c, envelope, refusal)
    else:
        envelope.has_failed = True
        envelope.chunks = None
        c.outbox += refusal
    c.note_error()
