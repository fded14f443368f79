"""ID (RFC 2971)."""

from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession

_MAX_PAIRS = 30
_MAX_NAME_OCTETS = 30
_MAX_VALUE_OCTETS = 1024


@command("ID", State.ANY)
async def id_(session: ImapSession, call: Call) -> Answer:
    """Exchange names; nothing depends on them (RFC 2971 §3.1)."""
    call.reader.sp()
    _read_parameters(call.reader)
    call.reader.end()
    session.say(b'ID ("name" "mailproof")')
    return b"OK ID completed"


def _read_parameters(reader: CommandReader) -> None:
    """Read `"(" [string SP nstring *(SP string SP nstring)] ")" / nil` within the limits of RFC 2971 §3.3."""
    if not reader.follows(b"("):
        if reader.keyword() != b"NIL":
            raise Garbled(b"Expected NIL or a list of fields")
        return
    reader.expect(b"(")
    pairs = 0
    while not reader.skip(b")"):
        if pairs:
            reader.sp()
        name = reader.string()
        reader.sp()
        value = reader.nstring()
        pairs += 1
        if pairs > _MAX_PAIRS or len(name) > _MAX_NAME_OCTETS or len(value or b"") > _MAX_VALUE_OCTETS:
            raise Garbled(b"The ID is too long")
