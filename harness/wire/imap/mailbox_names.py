"""Mailbox names between Unicode and modified UTF-7 (RFC 3501 §5.1.3)."""

import binascii
import re

from harness.vocabulary.errors import RemoteProtocolError

# In modified UTF-7, printable US-ASCII except "&" represents itself; "&" is "&-"; all else is UTF-16BE in
# modified BASE64, where "," stands for "/" and there is no padding.
_ENCODED = re.compile(rb"&([^-]*)(-?)")
_ENCODED_ALPHABET = re.compile(rb"[A-Za-z0-9+,]*")


def encode_mailbox_name(name: str) -> bytes:
    """Write a name in modified UTF-7."""
    encoded = bytearray()
    shifted: list[str] = []
    for character in name:
        if " " <= character <= "~":
            encoded += _encode_run(shifted)
            shifted = []
            encoded += b"&-" if character == "&" else character.encode("ascii")
        else:
            shifted.append(character)
    return bytes(encoded + _encode_run(shifted))


def decode_mailbox_name(octets: bytes) -> str:
    """Read a name out of modified UTF-7; a name with 8-bit octets is UTF-8, as where IMAP4rev2 is enabled.

    Raises `RemoteProtocolError` for what RFC 3501 §5.1.3 forbids: an open shift, characters outside the
    alphabet, BASE64 for what represents itself, superfluous shifts, pad bits that are not zero.
    """
    if not octets.isascii():
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RemoteProtocolError("a mailbox name in UTF-8", octets, error.start) from error
    name: list[str] = []
    offset = 0
    just_shifted = False
    while offset < len(octets):
        if octets[offset] != 0x26:
            if not 0x20 <= octets[offset] <= 0x7E:
                raise RemoteProtocolError("printable US-ASCII in modified UTF-7", octets, offset)
            name.append(chr(octets[offset]))
            offset += 1
            just_shifted = False
            continue
        found = _ENCODED.match(octets, offset)
        assert found is not None
        if not found.group(2):
            raise RemoteProtocolError('"-" at the end of a shift', octets, found.end())
        if found.group(1) and just_shifted:
            raise RemoteProtocolError("no superfluous shift (BASE64 after BASE64)", octets, offset)
        just_shifted = bool(found.group(1))
        name.append(_decode_run(octets, found) if just_shifted else "&")
        offset = found.end()
    return "".join(name)


def _encode_run(characters: list[str]) -> bytes:
    if not characters:
        return b""
    utf16 = "".join(characters).encode("utf-16-be", "surrogatepass")
    base64 = binascii.b2a_base64(utf16, newline=False).rstrip(b"=").replace(b"/", b",")
    return b"&" + base64 + b"-"


def _decode_run(octets: bytes, found: re.Match[bytes]) -> str:
    base64, start = found.group(1), found.start(1)
    legal = _ENCODED_ALPHABET.match(base64)
    if legal is None or legal.end() != len(base64):
        raise RemoteProtocolError("modified BASE64", octets, start + (legal.end() if legal else 0))
    if len(base64) % 4 == 1:
        raise RemoteProtocolError("whole octets in modified BASE64", octets, start + len(base64))
    utf16 = binascii.a2b_base64(base64.replace(b",", b"/") + b"=" * (-len(base64) % 4))
    try:
        run = utf16.decode("utf-16-be")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("well-formed UTF-16BE in modified BASE64", octets, start) from error
    if any(" " <= character <= "~" for character in run):
        raise RemoteProtocolError("no BASE64 for a character that represents itself", octets, start)
    if _encode_run(list(run)) != found.group():
        raise RemoteProtocolError("pad bits of zero in modified BASE64", octets, start + len(base64) - 1)
    return run
