"""Header fields of a message at delivery: which are there, and how many (RFC 5322 §2.2).

Only the header is looked at, by regular expressions over its octets; the message itself is never rewritten.
"""

import re

from reference_server.codec.smtp.path import Mailbox, PathError, parse_mailbox

_FROM = re.compile(rb"^From[ \t]*:[^\r\n]*<([^<>\r\n]*)>", re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_RETURN_PATH = re.compile(rb"^Return-Path[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*+", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb"^([!-9;-~]+)[ \t]*:", re.MULTILINE)


def header_of(text: bytes) -> bytes:
    """Return the header, up to and without the empty line; all of the text where there is none."""
    if text.startswith(b"\r\n"):
        return b""
    end = text.find(b"\r\n\r\n")
    return text if end < 0 else text[: end + 2]


def count_received(text: bytes) -> int:
    """Count the Received fields: the hops so far (RFC 5321 §6.3)."""
    header = header_of(text)
    # A word is found much faster than a line that starts with it, and most often it is not there.
    return len(_RECEIVED.findall(header)) if b"received" in header.lower() else 0


def field_names(text: bytes) -> frozenset[bytes]:
    """Return the names of the header's fields, in lower case."""
    return frozenset(name.lower() for name in _NAME.findall(header_of(text)))


def without_return_path(text: bytes) -> bytes:
    """Return the text without Return-Path fields, as final delivery may (RFC 5321 §4.4)."""
    header = header_of(text)
    if b"return-path" not in header.lower() or _RETURN_PATH.search(header) is None:
        return text
    return _RETURN_PATH.sub(b"", header) + text[len(header) :]


def from_address(text: bytes) -> Mailbox | None:
    """Return the address of the From field, which no notification may go to; for that seeded defect."""
    found = _FROM.search(header_of(text))
    try:
        return None if found is None else parse_mailbox(found[1])
    except PathError:
        return None
