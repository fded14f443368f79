"""What of a message must come back: every field and the whole body, below what transport adds."""

from harness.conformance import Finding, verify_equal
from harness.vocabulary.errors import RemoteProtocolError
from harness.wire.message import HeaderField, parse_header, split_message

MAY_GO = frozenset(
    {b"return-path", b"bcc", b"resent-bcc", b"content-length", b"status", b"x-status", b"x-uid"}
)
"""Fields that transport or delivery may take away (RFC 5321 §4.4, RFC 6409 §8) or keep for itself."""


def fields_of(message: bytes) -> list[HeaderField]:
    """Return the fields of a message as it was given back; a header that is none is a finding."""
    header, _ = split_message(message)
    try:
        return list(parse_header(header))
    except RemoteProtocolError as error:
        raise Finding("a header of fields (RFC 5322 §2.2)", repr(error)) from error


def kept_fields(sent: bytes, stored: bytes) -> list[bytes]:
    """Return the fields that were sent and are still there, octet for octet, in the order that they have now.

    Fields with the same octets are counted; those on top are taken for added ones.
    """
    missing = [field.octets for field in fields_of(sent)]
    kept = []
    for field in reversed(fields_of(stored)):
        if field.octets in missing:
            missing.remove(field.octets)
            kept.append(field.octets)
    return kept[::-1]


def judged_fields(sent: bytes) -> list[bytes]:
    """Return the fields that were sent, without those that may go."""
    return [field.octets for field in fields_of(sent) if field.name.lower() not in MAY_GO]


def verify_intact(sent: bytes, stored: bytes) -> None:
    """Demand every field that was sent, in its octets, and the body; fields may have been added.

    The order of the fields is another duty (RFC 5322 §3.6). SMTP sends whole lines, so that a body whose last
    line has no CRLF gets one (RFC 5321 §4.1.1.4).
    """
    wanted = judged_fields(sent)
    left = list(kept_fields(sent, stored))
    for octets in wanted:
        if octets not in left:
            raise Finding(f"the field {octets!r} that was sent", f"the header {split_message(stored)[0]!r}")
        left.remove(octets)
    body = split_message(sent)[1]
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    verify_equal("the body", expected=body, actual=split_message(stored)[1])
