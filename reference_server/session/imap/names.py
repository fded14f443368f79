"""Mailbox names as commands give them (RFC 3501 §5.1)."""

from reference_server.codec.imap.lexer import CommandReader
from reference_server.codec.imap.mutf7 import decode_mailbox_name
from reference_server.store.values import canonical_name


class InvalidName(Exception):
    """The name cannot be one of a mailbox: no canonical modified UTF-7. The answer is NO."""

    text = b"The mailbox name is not valid modified UTF-7"


def read_mailbox(reader: CommandReader) -> str:
    """Read `mailbox`; INBOX in any case is INBOX."""
    return canonical_name(read_name(reader.astring()))


def read_name(octets: bytes) -> str:
    """Decode a name or pattern that was read."""
    name = decode_mailbox_name(octets)
    if name is None:
        raise InvalidName
    return name
