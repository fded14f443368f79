"""Commands on their way out: tags, literals, strings, mailbox names, flags (RFC 9051 §2.2.1, §4.3, §9)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.vocabulary.errors import LocalProtocolError
from harness.vocabulary.imap import LITERAL_MINUS_OCTETS
from harness.wire.imap.cursor import ATOM_CHAR
from harness.wire.imap.mailbox_names import encode_mailbox_name

_ASTRING_ATOM = re.compile(rb"[" + ATOM_CHAR + rb"\]]+")
_LIST_MAILBOX = re.compile(rb"[" + ATOM_CHAR + rb"\]%*]+")
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_FLAG = re.compile(rb"\\?[" + ATOM_CHAR + rb"]+")
_LONGEST_QUOTED = 1000


@dataclass(frozen=True, slots=True)
class Literal:
    """Octets that travel counted: `{5}` CRLF and the five.

    Whether the client waits for the server's go-ahead depends on what the server offers, unless
    `synchronizing` says so.
    """

    octets: bytes
    synchronizing: bool | None = None
    """True waits in any case, False never does (RFC 7888 §4); None: as the server's capabilities allow."""
    binary: bool = False
    """A literal8, `~{5}`, in which NUL may stand (RFC 9051 §4.3.3)."""


Part = bytes | str | Literal
"""A piece of a command as it goes out; a `str` must be ASCII."""


@dataclass(frozen=True, slots=True)
class OutgoingCommand:
    """A command cut where the client has to wait for `+`: after each piece but the last."""

    tag: bytes
    pieces: tuple[bytes, ...]
    words: tuple[bytes, ...]
    """The command's name, and UID's second, in upper case."""


class Tags:
    """Ascending tags: A0001, A0002 and so on; never one twice in a connection."""

    def __init__(self, prefix: bytes = b"A") -> None:
        self._prefix = prefix
        self._count = 0

    def next(self) -> bytes:
        """Return the next tag."""
        self._count += 1
        return b"%s%04d" % (self._prefix, self._count)


def encode_command(tag: bytes, parts: Iterable[Part], capabilities: Iterable[str] = ()) -> OutgoingCommand:
    """Write `tag SP parts CRLF`; the parts follow one another as they are: the caller writes the spaces."""
    offered = frozenset(capabilities)
    pieces: list[bytes] = []
    piece = bytearray(tag + b" ")
    for part in parts:
        if not isinstance(part, Literal):
            piece += octets_of(part)
            continue
        waits = _waits(part, offered)
        piece += b"~" if part.binary else b""
        piece += b"{%d%s}\r\n" % (len(part.octets), b"" if waits else b"+")
        if waits:
            pieces.append(bytes(piece))
            piece.clear()
        piece += part.octets
    piece += b"\r\n"
    pieces.append(bytes(piece))
    words = pieces[0][len(tag) + 1 :].split(b"\r", 1)[0].split(b" ", 2)[:2]
    return OutgoingCommand(tag, tuple(pieces), tuple(word.upper() for word in words))


def octets_of(part: bytes | str) -> bytes:
    """The octets of a part; text must be ASCII."""
    if isinstance(part, bytes):
        return part
    try:
        return part.encode("ascii")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"{part!r} is not ASCII; use a Literal") from error


def _waits(literal: Literal, offered: frozenset[str]) -> bool:
    if literal.synchronizing is not None:
        return literal.synchronizing
    if literal.binary and "BINARY" not in offered:
        return True
    short = len(literal.octets) <= LITERAL_MINUS_OCTETS
    return not ("LITERAL+" in offered or ("LITERAL-" in offered and short))


def quoted(octets: bytes) -> bytes:
    """Write `quoted`; raises `LocalProtocolError` for octets that no quoted string can hold."""
    if not _QUOTABLE.fullmatch(octets):
        raise LocalProtocolError(f"{octets!r} cannot be quoted; use a Literal")
    return b'"' + octets.replace(b"\\", rb"\\").replace(b'"', rb"\"") + b'"'


def string(value: bytes | str) -> bytes | Literal:
    """Write `string`: quoted if that can hold it, else a literal; a `str` is sent as UTF-8."""
    octets = value.encode("utf-8") if isinstance(value, str) else value
    if len(octets) > _LONGEST_QUOTED or not _QUOTABLE.fullmatch(octets):
        return Literal(octets)
    return quoted(octets)


def astring(value: bytes | str) -> bytes | Literal:
    """Write `astring`: an atom, a quoted string or a literal, whichever is the first that can hold it."""
    octets = value.encode("utf-8") if isinstance(value, str) else value
    if _ASTRING_ATOM.fullmatch(octets) and octets.upper() != b"NIL" and len(octets) <= _LONGEST_QUOTED:
        return octets
    return string(octets)


def mailbox(name: bytes | str) -> bytes | Literal:
    """Write `mailbox`: a `str` in modified UTF-7, `bytes` as they are."""
    return astring(encode_mailbox_name(name) if isinstance(name, str) else name)


def list_mailbox(pattern: bytes | str) -> bytes | Literal:
    """Write `list-mailbox`: as a mailbox name, with `%` and `*` as wildcards."""
    octets = encode_mailbox_name(pattern) if isinstance(pattern, str) else pattern
    return octets if _LIST_MAILBOX.fullmatch(octets) else string(octets)


def flag_list(flags: Iterable[bytes | str]) -> bytes:
    r"""Write `flag-list`: `(\Seen $Forwarded)`."""
    words = [octets_of(flag) for flag in flags]
    for word in words:
        if not _FLAG.fullmatch(word):
            raise LocalProtocolError(f"{word!r} is not a flag")
    return b"(" + b" ".join(words) + b")"
