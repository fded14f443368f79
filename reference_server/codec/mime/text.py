"""The text of a message as a reader sees it, for SEARCH: encodings and charsets undone.

What cannot be decoded is taken as it is; nothing here fails.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from reference_server.codec.mime.header import iterate_fields
from reference_server.codec.mime.structure import Part

# encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?=" (RFC 2047 §2, RFC 2231 §5)
_ENCODED_WORD: Final = re.compile(rb"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([BbQq])\?([^?\s]*)\?=")
_BETWEEN_WORDS: Final = re.compile(
    rb"(=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=)[ \t]+(?==\?[^?\s]+\?[BbQq]\?[^?\s]*\?=)"
)
# charsets of mail; others that Python knows can take more than linear time, or are none
_CHARSET: Final = re.compile(
    rb"us-ascii|utf-?8|utf-?16(?:be|le)?|iso-8859-\d{1,2}|iso-2022-(?:jp|kr)|windows-125\d|cp125\d|koi8-[ru]"
    rb"|gb2312|gbk|gb18030|big5|euc-(?:jp|kr)|shift_jis|macintosh",
    re.IGNORECASE,
)
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


def decode_charset(octets: bytes, charset: bytes) -> str:
    """Read text in a charset; where that is unknown or wrong, it counts as UTF-8 or Latin-1."""
    if _CHARSET.fullmatch(charset):
        try:
            return octets.decode(charset.decode("ascii"))
        except (UnicodeError, LookupError):
            pass
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def decode_base64(octets: bytes) -> bytes:
    """Undo base64 as far as it goes: other characters are skipped, `=` ends it (RFC 2045 §6.8)."""
    clean = _NOT_BASE64.sub(b"", octets.partition(b"=")[0])
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def decode_transfer(octets: bytes, encoding: bytes) -> bytes:
    """Undo a Content-Transfer-Encoding (RFC 2045 §6)."""
    encoding = encoding.strip().lower()
    if encoding == b"base64":
        return decode_base64(octets)
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(octets)
    return octets


def decode_words(value: bytes) -> str:
    """Read a field's value with its encoded words; white space between them is no text (RFC 2047 §6.2)."""
    if b"=?" not in value:
        return decode_charset(value, b"utf-8")
    value = _BETWEEN_WORDS.sub(rb"\1", value)
    parts: list[str] = []
    at = 0
    for found in _ENCODED_WORD.finditer(value):
        parts.append(decode_charset(value[at : found.start()], b"utf-8"))
        text = found[3]
        octets = decode_base64(text) if found[2] in b"Bb" else binascii.a2b_qp(text, header=True)
        parts.append(decode_charset(octets, found[1]))
        at = found.end()
    parts.append(decode_charset(value[at:], b"utf-8"))
    return "".join(parts)


def field_texts(octets: bytes, start: int, body: int, name: bytes) -> Iterator[str]:
    """Go through the values of all fields of one name, decoded."""
    for field in iterate_fields(octets, start, body):
        if field.name == name:
            yield decode_words(field.value)


def header_text(octets: bytes, start: int, body: int) -> str:
    """Return a header as text, one line per field."""
    return "\n".join(
        f"{field.raw.partition(b':')[0].decode('latin-1')}: {decode_words(field.value)}"
        if field.name
        else decode_charset(field.raw, b"utf-8")
        for field in iterate_fields(octets, start, body)
    )


def body_texts(octets: bytes, part: Part) -> Iterator[str]:
    """Go through the text below a part: text parts decoded, and the headers of messages in it."""
    pending = [part]
    while pending:
        current = pending.pop()
        if current.is_message:
            message = current.children[0]
            yield header_text(octets, message.start, message.body)
        if current.children:
            pending.extend(reversed(current.children))
        elif current.content_type.type_.lower() == b"text":
            text = decode_transfer(
                octets[current.body : current.end], current.fields.get(b"content-transfer-encoding", b"")
            )
            yield decode_charset(text, current.content_type.parameter(b"charset") or b"us-ascii")
