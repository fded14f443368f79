"""ENVELOPE: the header in a client's short form (RFC 3501 §7.4.2)."""

from typing import Final

from reference_server.codec.imap.encode import nstring
from reference_server.codec.mime.address import Address, parse_address_list
from reference_server.codec.mime.header import first_fields

_FIELDS: Final = frozenset(
    (
        b"date",
        b"subject",
        b"from",
        b"sender",
        b"reply-to",
        b"to",
        b"cc",
        b"bcc",
        b"in-reply-to",
        b"message-id",
    )
)


def encode_envelope(octets: bytes, start: int, body: int) -> bytes:
    """Write the envelope of the message whose header is `octets[start:body]`.

    Sender and Reply-To that are missing or empty are the same as From (RFC 3501 §7.4.2).
    """
    values = first_fields(octets, start, body, _FIELDS)
    from_ = _addresses(values.get(b"from"))
    return b"(%s %s %s %s %s %s %s %s %s %s)" % (
        nstring(values.get(b"date")),
        nstring(values.get(b"subject")),
        from_ or b"NIL",
        _addresses(values.get(b"sender")) or from_ or b"NIL",
        _addresses(values.get(b"reply-to")) or from_ or b"NIL",
        _addresses(values.get(b"to")) or b"NIL",
        _addresses(values.get(b"cc")) or b"NIL",
        _addresses(values.get(b"bcc")) or b"NIL",
        nstring(values.get(b"in-reply-to")),
        nstring(values.get(b"message-id")),
    )


def _addresses(value: bytes | None) -> bytes:
    """Write a list of addresses; empty if there is none."""
    addresses = parse_address_list(value) if value else []
    return b"(" + b"".join(map(_address, addresses)) + b")" if addresses else b""


def _address(address: Address) -> bytes:
    return b"(%s %s %s %s)" % (
        nstring(address.personal),
        nstring(address.route),
        nstring(address.mailbox),
        nstring(address.host),
    )
