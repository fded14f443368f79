"""Header and body, and the fields of a header (RFC 5322 §2.1, §2.2)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.vocabulary.errors import RemoteProtocolError

_EMPTY_LINE = re.compile(rb"(?:\A|(?<=\r\n))\r\n")

# optional-field = field-name ":" unstructured CRLF
# field-name     = 1*ftext
# ftext          = %d33-57 / %d59-126      ; printable US-ASCII without ":"          RFC 5322 §3.6.8
#
# The obsolete form with WSP before the colon (§4.5.8) is what every receiver must take. A folded line goes on
# after CRLF WSP (§2.2.3). Octets beyond US-ASCII are RFC 6532's; a bare CR or LF stays in the value.
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r]*(?:\r(?:(?!\n)|\n(?=[ \t]))[^\r]*)*)\r\n")


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One field of a header."""

    name: bytes
    """As it is written; `is_named` compares without regard to case."""
    raw_value: bytes
    """All octets between the colon and the closing CRLF, folds included."""
    octets: bytes
    """The whole field with its closing CRLF."""

    @property
    def value(self) -> bytes:
        """The value unfolded, without the white space around it."""
        return unfold(self.raw_value).strip(b" \t")

    def is_named(self, name: str | bytes) -> bool:
        """Whether this is the field of that name, in any case (RFC 5322 §1.2.2)."""
        octets = name.encode() if isinstance(name, str) else name
        return self.name.lower() == octets.lower()


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Return the header, with the CRLF of its last line, and the body.

    The empty line between them belongs to neither; without one all is header (RFC 5322 §2.1).
    """
    found = _EMPTY_LINE.search(message)
    return (message[: found.start()], message[found.end() :]) if found else (message, b"")


def parse_header(header: bytes) -> tuple[HeaderField, ...]:
    """Return the fields of a header; raises `RemoteProtocolError` at a line that is no field."""
    fields: list[HeaderField] = []
    at = 0
    while at < len(header):
        found = _FIELD.match(header, at)
        if found is None:
            raise RemoteProtocolError("a header field, name and colon to CRLF (RFC 5322 §2.2)", header, at)
        fields.append(HeaderField(found[1], found[2], found[0]))
        at = found.end()
    return tuple(fields)


def find_fields(fields: Iterable[HeaderField], name: str | bytes) -> tuple[HeaderField, ...]:
    """Return the fields of that name, in their order."""
    return tuple(field for field in fields if field.is_named(name))


def unfold(value: bytes) -> bytes:
    """Return `value` without the CRLFs that precede white space (RFC 5322 §2.2.3)."""
    return re.sub(rb"\r\n(?=[ \t])", b"", value)
