"""Reading a delivery status notification (RFC 3464, RFC 6522), as far as the checks judge it."""

import re
from dataclasses import dataclass

from harness.conformance import Finding
from harness.targets import StoredMessage
from harness.vocabulary.errors import RemoteProtocolError
from harness.wire.message import HeaderField, find_fields, parse_header, split_message

_PARAMETER = re.compile(rb';\s*([!#$&-.0-9A-Z^-z{|}~]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;()"]+))')
_COMMENT = re.compile(rb"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A body part: its header fields and its octets."""

    fields: tuple[HeaderField, ...]
    octets: bytes

    @property
    def media_type(self) -> bytes:
        """Type and subtype in lower case; RFC 2045 §5.2 says what it is where nothing is said."""
        return media_type(self.fields)


@dataclass(frozen=True, slots=True)
class Report:
    """The parts of a multipart/report."""

    report_type: bytes
    parts: tuple[Part, ...]

    @property
    def groups(self) -> tuple[tuple[HeaderField, ...], ...]:
        """The fields of the message/delivery-status: those of the message, then those of each recipient."""
        for part in self.parts:
            if part.media_type in {b"message/delivery-status", b"message/global-delivery-status"}:
                blocks = re.split(rb"(?:\r\n)(?:[ \t]*\r\n)+", part.octets.strip(b"\r\n"))
                return tuple(parse_header(block.rstrip(b"\r\n") + b"\r\n") for block in blocks)
        return ()

    def values(self, name: str) -> list[bytes]:
        """What the fields of that name say, of all recipients."""
        return [field.value for group in self.groups[1:] for field in find_fields(group, name)]


def media_type(fields: tuple[HeaderField, ...]) -> bytes:
    """Return type and subtype of an entity, in lower case."""
    found = find_fields(fields, "Content-Type")
    return found[0].value.partition(b";")[0].strip().lower() if found else b"text/plain"


def read_report(message: StoredMessage) -> Report | None:
    """Return the report that a notification is, or None where it is in another form.

    RFC 5321 §6.1 does not say which form a notification has.
    """
    fields = message.fields
    if media_type(fields) != b"multipart/report":
        return None
    value = find_fields(fields, "Content-Type")[0].value
    parameters = {
        name.lower(): re.sub(rb"\\(.)", rb"\1", quoted) if quoted else plain
        for name, quoted, plain in _PARAMETER.findall(value)
    }
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise Finding("a boundary in the Content-Type (RFC 2046 §5.1.1)", repr(value))
    return Report(parameters.get(b"report-type", b"").lower(), _split(message.text, boundary))


def _split(body: bytes, boundary: bytes) -> tuple[Part, ...]:
    pieces = re.split(rb"(?:\A|\r\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r\n|\Z)", body)
    parts = []
    # Before the first delimiter is the preamble; between two pieces stands what the group caught.
    for closing, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if closing:
            break
        header, octets = split_message(piece)
        parts.append(Part(parse_header(header), octets))
    return tuple(parts)


def tells_of_failure(message: StoredMessage) -> bool:
    """Whether a notification says that something failed, rather than that it is late."""
    try:
        report = read_report(message)
        actions = [] if report is None else report.values("Action")
    except RemoteProtocolError:
        return True
    return not actions or any(without_comments(action).lower() != b"delayed" for action in actions)


def without_comments(value: bytes) -> bytes:
    """Return a field's value without its comments (RFC 3464 §2.1.1)."""
    return _COMMENT.sub(b"", value).strip()
