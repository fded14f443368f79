"""Words of responses (RFC 3501 §4): atoms where they can be, else quoted strings, else literals."""

import re
from typing import Final

from reference_server.codec.imap.mutf7 import encode_mailbox_name

# what a quoted string may hold without doubt: TEXT-CHAR of US-ASCII, no CR, LF or NUL (RFC 3501 §9)
_QUOTABLE: Final = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_ASTRING: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
_TO_ESCAPE: Final = re.compile(rb'["\\]')
_MAX_QUOTED: Final = 1024
"""Longer strings go as literals, which no reader has trouble with."""


def quoted(octets: bytes) -> bytes:
    """Write a quoted string; the caller knows that the octets can be quoted."""
    if b'"' in octets or b"\\" in octets:
        octets = _TO_ESCAPE.sub(rb"\\\g<0>", octets)
    return b'"' + octets + b'"'


def literal(octets: bytes) -> bytes:
    """Write a literal; NUL, which no literal may hold, becomes 0x80 (CHAR8, RFC 3501 §9)."""
    if b"\x00" in octets:
        octets = octets.replace(b"\x00", b"\x80")
    return b"{%d}\r\n" % len(octets) + octets


def string(octets: bytes) -> bytes:
    """Write a string, quoted where that is possible."""
    if len(octets) <= _MAX_QUOTED and _QUOTABLE.fullmatch(octets) is not None:
        return quoted(octets)
    return literal(octets)


def nstring(octets: bytes | None) -> bytes:
    """Write a string, or NIL for None."""
    return b"NIL" if octets is None else string(octets)


def astring(octets: bytes) -> bytes:
    """Write an atom-like word where that is possible, else a string."""
    if _ASTRING.fullmatch(octets) is not None and octets.upper() != b"NIL":
        return octets
    return string(octets)


def mailbox(name: str) -> bytes:
    """Write a mailbox name: modified UTF-7, then as an astring."""
    return astring(encode_mailbox_name(name))


def flag_list(flags: tuple[bytes, ...]) -> bytes:
    """Write a parenthesized list of flags."""
    return b"(" + b" ".join(flags) + b")"
