"""Modified UTF-7 of mailbox names (RFC 3501 §5.1.3).

Printable US-ASCII stands for itself, `&` is written `&-`, all else is UTF-16BE in base64 with `,` for `/` and
without padding, between `&` and `-`. Every name has exactly one encoding: what is legal UTF-7 but not the
shortest form is refused, so that two names never mean one mailbox.
"""

import base64
import binascii
import re
from typing import Final

_SHIFTED: Final = re.compile(r"[^\x20-\x7e]+|&")
_ENCODED: Final = re.compile(rb"&([A-Za-z0-9+,]*)-")


def encode_mailbox_name(name: str) -> bytes:
    """Write a mailbox name as it goes over the wire (before quoting)."""
    return _SHIFTED.sub(_shift, name).encode("ascii")


def _shift(found: re.Match[str]) -> str:
    text = found[0]
    if text == "&":
        return "&-"
    encoded = base64.b64encode(text.encode("utf-16-be"), b"+,").rstrip(b"=")
    return f"&{encoded.decode('ascii')}-"


def decode_mailbox_name(octets: bytes) -> str | None:
    """Read a mailbox name; None if it is no canonical modified UTF-7."""
    parts: list[str] = []
    at = 0
    try:
        for found in _ENCODED.finditer(octets):
            parts.append(octets[at : found.start()].decode("ascii"))
            encoded = found[1]
            if encoded:
                padded = encoded + b"=" * (-len(encoded) % 4)
                parts.append(base64.b64decode(padded, b"+,", validate=True).decode("utf-16-be"))
            else:
                parts.append("&")
            at = found.end()
        parts.append(octets[at:].decode("ascii"))
    except (UnicodeDecodeError, binascii.Error):
        return None
    name = "".join(parts)
    return name if encode_mailbox_name(name) == octets else None
