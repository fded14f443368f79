"""The text of DATA as it leaves: dots stuffed, ended, in slices (RFC 5321 §4.1.1.4, §4.5.2)."""

import re
from collections.abc import Iterator

from reference_server.codec.smtp.text import stuff
from reference_server.defects import Defects
from reference_server.mda.trace import return_path
from reference_server.relay.mail import OutgoingMail

_SLICE_OCTETS = 65_536
_LONG_LINE = re.compile(rb"([^\r\n]{500})(?=[^\r\n])")


def dotted(mail: OutgoingMail, defects: Defects) -> bytes:
    """Return what follows 354: the text with its dots doubled, and the dot that ends it."""
    octets = mail.octets
    if "relay-return-path-sent" in defects:
        octets = return_path(mail.reverse_path) + octets
    if "relay-lines-broken" in defects:
        octets = _LONG_LINE.sub(rb"\1\r\n ", octets)
    text = octets if "relay-dots-unstuffed" in defects else stuff(octets)
    return text + (b".\r\n" if text.endswith(b"\r\n") or not text else b"\r\n.\r\n")


def slices(text: bytes) -> Iterator[bytes]:
    """Return a text in pieces, each small enough to wait for."""
    for start in range(0, len(text), _SLICE_OCTETS):
        yield text[start : start + _SLICE_OCTETS]
