"""Content-Type, Content-Disposition and their parameters, as written (RFC 2045 §5, RFC 2183).

Parameters of RFC 2231 are kept in pieces: IMAP hands them to the client as they are.
"""

import re
from dataclasses import dataclass
from typing import Final

# token = 1*<any CHAR except SPACE, CTLs or tspecials> (RFC 2045 §5.1)
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+")
_TYPE: Final = re.compile(rb"([!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+)[ \t]*/[ \t]*([!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+)")
_PARAMETER: Final = re.compile(
    rb"""[ \t]*([!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+)[ \t]*=[ \t]*(?:"((?:[^"\\]++|\\.)*+)"?|([^;" \t]*))""",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_NEXT: Final = re.compile(rb'[^;"]*+(?:"(?:[^"\\]++|\\.)*+"?[^;"]*+)*+', re.DOTALL)
_MAX_PARAMETERS: Final = 200

Parameters = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type with its parameters; names as they were written."""

    type_: bytes
    subtype: bytes
    parameters: Parameters

    def parameter(self, name: bytes) -> bytes | None:
        """Return a parameter's value; `name` in lower case."""
        return next((value for key, value in self.parameters if key.lower() == name), None)


TEXT_PLAIN: Final = ContentType(b"text", b"plain", ((b"charset", b"us-ascii"),))
"""What a part without Content-Type is (RFC 2045 §5.2)."""
MESSAGE_RFC822: Final = ContentType(b"message", b"rfc822", ())
"""The same within multipart/digest (RFC 2046 §5.1.5)."""
OPAQUE: Final = ContentType(b"application", b"octet-stream", ())


def parse_content_type(value: bytes, default: ContentType) -> ContentType:
    """Read a Content-Type; one that breaks the grammar counts as `default`."""
    value = _without_comments(value)
    found = _TYPE.match(value)
    if found is None:
        return default
    type_, subtype = found[1], found[2]
    parameters = _parse_parameters(value, found.end())
    return ContentType(type_, subtype, parameters)


def parse_disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """Read a Content-Disposition; None if it has no type."""
    value = _without_comments(value)
    found = _TOKEN.match(value)
    return (found[0], _parse_parameters(value, found.end())) if found else None


def parse_tokens(value: bytes) -> tuple[bytes, ...]:
    """Read a list of words with commas between them, as in Content-Language."""
    words = (word.strip(b" \t") for word in _without_comments(value).split(b",", _MAX_PARAMETERS))
    return tuple(word for word in words if word and _TOKEN.fullmatch(word))


def parse_token(value: bytes) -> bytes | None:
    """Read one token, as in Content-Transfer-Encoding."""
    found = _TOKEN.match(_without_comments(value))
    return found[0] if found else None


def _parse_parameters(value: bytes, at: int) -> Parameters:
    parameters: list[tuple[bytes, bytes]] = []
    for _ in range(_MAX_PARAMETERS):
        # whatever stands before the next ";" outside of double quotes is skipped
        skipped = _NEXT.match(value, at)
        at = (skipped.end() if skipped else len(value)) + 1
        if at >= len(value):
            break
        found = _PARAMETER.match(value, at)
        if found is not None:
            text = found[2]
            parameters.append((found[1], found[3] if text is None else _ESCAPED.sub(rb"\1", text)))
            at = found.end()
    return tuple(parameters)


def _without_comments(value: bytes) -> bytes:
    """Remove comments outside of quoted strings (RFC 822 §3.4.3; they may be nested)."""
    value = value.strip(b" \t")
    if b"(" not in value:
        return value
    kept = bytearray()
    depth = 0
    in_quotes = False
    escaped = False
    for octet in value:
        if escaped:
            escaped = False
        elif octet == 0x5C:
            escaped = True
        elif in_quotes:
            in_quotes = octet != 0x22
        elif octet == 0x22 and not depth:
            in_quotes = True
        elif octet == 0x28:
            depth += 1
        elif octet == 0x29 and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(octet)
    return bytes(kept).strip(b" \t")
