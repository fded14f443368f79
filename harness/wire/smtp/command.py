"""Command lines as a client sends them (RFC 5321 §4.1).

What would not be one command line is refused here; a check that sends nonsense on purpose writes its own
octets and sends them raw.
"""

import re
from collections.abc import Iterable

from harness.vocabulary.errors import LocalProtocolError
from harness.vocabulary.smtp import Verb
from harness.wire.sasl import encode_base64

_LINE_BREAKER = re.compile(rb"[\r\n\0]")


def encode_command(verb: str | bytes, *arguments: str | bytes) -> bytes:
    """Return the command line: the words with one SP between them, and CRLF."""
    line = b" ".join(_octets(word) for word in (verb, *arguments))
    if found := _LINE_BREAKER.search(line):
        raise LocalProtocolError(f"a command is one line, without {found[0]!r}: {line!r}")
    return line + b"\r\n"


def encode_mail(reverse_path: str | bytes, parameters: Iterable[str | bytes] = ()) -> bytes:
    """Return a MAIL command; an empty `reverse_path` is the null path `<>`.

    mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF      ; RFC 5321 §4.1.1.2
    """
    return encode_command(Verb.MAIL, b"FROM:" + _path(reverse_path), *parameters)


def encode_rcpt(forward_path: str | bytes, parameters: Iterable[str | bytes] = ()) -> bytes:
    """Return a RCPT command.

    rcpt = "RCPT TO:" ( ... / Forward-path ) [SP Rcpt-parameters] CRLF      ; RFC 5321 §4.1.1.3
    """
    return encode_command(Verb.RCPT, b"TO:" + _path(forward_path), *parameters)


def encode_auth(mechanism: str, initial_response: bytes | None) -> bytes:
    """Return an AUTH command; an initial response that is empty, but there, is sent as `=` (RFC 4954 §4)."""
    if initial_response is None:
        return encode_command(Verb.AUTH, mechanism)
    return encode_command(Verb.AUTH, mechanism, encode_base64(initial_response) or b"=")


def _path(path: str | bytes) -> bytes:
    """Return `path` in angle brackets; it comes without them, since a second pair would be nonsense."""
    octets = _octets(path)
    if octets.startswith(b"<"):
        raise LocalProtocolError(f"a path is written without its angle brackets: {octets!r}")
    return b"<" + octets + b">"


def _octets(word: str | bytes) -> bytes:
    return word.encode() if isinstance(word, str) else word
