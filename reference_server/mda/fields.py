"""Header fields of a message at delivery: which are there, and how many (RFC 5322 §2.2).

Only the header is looked at, by regular expressions over its octets; the message itself is never rewritten.
"""

import re

_HEADER_END = re.compile(rb"\r\n\r\n|\A\r\n")
_RECEIVED = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb"^([!-9;-~]+)[ \t]*:", re.MULTILINE)


def header_of(text: bytes) -> bytes:
    """Return the header, up to and without the empty line; all of the text where there is none."""
    found = _HEADER_END.search(text)
    return text if found is None else text[: found.start() + 2]


def has_header(text: bytes) -> bool:
    """Whether the text starts with a header field, so that fields may be put before it as they are."""
    return _NAME.match(text) is not None


def count_received(text: bytes) -> int:
    """Count the Received fields: the hops so far (RFC 5321 §6.3)."""
    if b"eceived" not in text and b"ECEIVED" not in text.upper():
        return 0
    return len(_RECEIVED.findall(header_of(text)))


def field_names(text: bytes) -> frozenset[bytes]:
    """Return the names of the header's fields, in lower case."""
    return frozenset(name.lower() for name in _NAME.findall(header_of(text)))
