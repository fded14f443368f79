"""Base64 as the SASL profiles demand it: nothing outside the alphabet, padding at the end only.

The alphabet is that of RFC 4648 §4. RFC 4954 §4 and RFC 5034 §4: "MUST reject (and not ignore) any character
not explicitly allowed by the BASE64 alphabet, and MUST reject any sequence of BASE64 characters that contains
the pad character ('=') anywhere other than the end of the string".
"""

import binascii
import re

from harness.vocabulary.errors import RemoteProtocolError

# base64          = base64-terminal / ( 1*(4base64-CHAR) [base64-terminal] )
# base64-terminal = (2base64-char "==") / (3base64-char "=")          ; RFC 4954 §8
_GROUPS = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def encode_base64(octets: bytes) -> bytes:
    """Return `octets` in base64, in one line."""
    return binascii.b2a_base64(octets, newline=False)


def decode_base64(text: bytes) -> bytes:
    """Return the octets that `text` stands for; an empty text is an empty string."""
    legal = _GROUPS.match(text)
    assert legal is not None
    if legal.end() != len(text):
        raise RemoteProtocolError("base64 in whole groups of four (RFC 4954 §4)", text, legal.end())
    return binascii.a2b_base64(text)
