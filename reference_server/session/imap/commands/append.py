"""APPEND (RFC 3501 §6.3.11), also of several messages at once (RFC 3502)."""

from reference_server.codec.imap.dates import parse_date_time
from reference_server.codec.imap.lexer import CommandReader
from reference_server.codec.imap.sequence_set import encode_numbers
from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.flags import settable
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.refusals import answer_to
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Append, InternalDate, NewMessage, Refusal


@command("APPEND", State.LOGGED_IN)
async def append(session: ImapSession, call: Call) -> Answer:
    """Store messages, all or none; the octets are kept as they came."""
    reader = call.reader
    reader.sp()
    name = read_mailbox(reader)
    messages: list[NewMessage] = []
    while not messages or not reader.ended():
        messages.append(_read_message(reader))
    if not all(message.octets for message in messages):
        # how a client cancels an APPEND (RFC 3502 §6.3.11)
        return no(b"A message cannot be empty")
    result = await Commit(Append(session.owner.account_id, name, tuple(messages)))
    if isinstance(result, Refusal):
        return answer_to(result, destination=True)
    uids = encode_numbers(result.uids)
    return b"OK [APPENDUID %d %s] APPEND completed" % (result.uid_validity, uids)


def _read_message(reader: CommandReader) -> NewMessage:
    """Read `[SP flag-list] [SP date-time] SP literal`."""
    reader.sp()
    flags: tuple[str, ...] = ()
    if reader.follows(b"("):
        flags = settable(reader.flag_list())
        reader.sp()
    internal_date = None
    if reader.follows(b'"'):
        internal_date = InternalDate(*parse_date_time(reader.date_quoted()))
        reader.sp()
    return NewMessage(reader.literal(), flags, internal_date)
