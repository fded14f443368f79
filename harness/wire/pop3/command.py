"""Command lines as a POP3 client sends them (RFC 2449 §3)."""

import re

from harness.vocabulary.errors import LocalProtocolError
from harness.vocabulary.pop3 import Verb
from harness.wire.sasl import encode_base64

_LINE_BREAKER = re.compile(rb"[\r\n\0]")


def encode_command(keyword: str | bytes, *arguments: str | bytes | int) -> bytes:
    """Return the command line: the words with one SP between them, and CRLF.

    command = keyword *(SP param) CRLF      ; RFC 2449 §3
    """
    line = b" ".join(_octets(word) for word in (keyword, *arguments))
    if found := _LINE_BREAKER.search(line):
        raise LocalProtocolError(f"a command is one line, without {found[0]!r}: {line!r}")
    return line + b"\r\n"


def encode_auth(mechanism: str, initial_response: bytes | None) -> bytes:
    """Return an AUTH command; an initial response that is empty, but there, is sent as `=` (RFC 5034 §4)."""
    if initial_response is None:
        return encode_command(Verb.AUTH, mechanism)
    return encode_command(Verb.AUTH, mechanism, encode_base64(initial_response) or b"=")


def _octets(word: str | bytes | int) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()
