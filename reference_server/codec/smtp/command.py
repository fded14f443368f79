"""Command lines: from the octets before CRLF to a verb and its argument (RFC 5321 §2.4, §4.1.1)."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from reference_server.codec.smtp.parameters import ParameterError, parse_parameters
from reference_server.codec.smtp.path import (
    Mailbox,
    PathError,
    ReversePath,
    is_address_literal,
    is_domain,
    parse_forward_path,
    parse_reverse_path,
)


class CommandError(ValueError):
    """The line is no command; the text says why in the words of a reply."""


class CharacterError(CommandError):
    """The argument holds octets that no argument of this verb may hold (RFC 5321 §4.1.2)."""

    def __init__(self, verb: bytes) -> None:
        self.verb = verb
        super().__init__("a character that is not allowed here")


_NO_PARAMETERS: dict[str, str | None] = {}
_REMEMBERED = 512
"""Arguments of MAIL and of RCPT that are not read anew: who sends a lot says the same again and again."""


@dataclass(frozen=True, slots=True)
class Mail:
    """The argument of MAIL."""

    reverse_path: ReversePath
    parameters: dict[str, str | None] = field(default_factory=dict)
    is_ascii: bool = True
    """Whether the path, with its source route, can do without SMTPUTF8."""


@dataclass(frozen=True, slots=True)
class Rcpt:
    """The argument of RCPT."""

    forward_path: Mailbox
    parameters: dict[str, str | None] = field(default_factory=dict)
    is_ascii: bool = True
    """Whether the path, with its source route, can do without SMTPUTF8."""


@dataclass(frozen=True, slots=True)
class Bdat:
    """The argument of BDAT."""

    size: int
    is_last: bool
    is_well_formed: bool
    """False where something else than LAST follows the size."""


# The verb stands apart by SP; letters only, as every registered one.
_COMMAND = re.compile(rb"([A-Za-z]{1,32})(?: ([\x20-\x7e\t]*))?")
_ANY_COMMAND = re.compile(rb"([A-Za-z]{1,32})(?: (.*))?", re.DOTALL)
# RFC 6531 §3.3, §3.7.4.2: the commands that hold a mailbox.
_UTF8_VERBS = frozenset({b"MAIL", b"RCPT", b"VRFY", b"EXPN"})
_CONTROL = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]")


def parse_command(line: bytes) -> tuple[bytes, bytes | None]:
    """Split a line into its verb in upper case and its argument.

    The argument is None where there is none. White space at the end is tolerated (RFC 5321 §4.1.1); a bare CR
    or LF and other control characters are in no command, and UTF-8 only where a mailbox can be.
    """
    found = _COMMAND.fullmatch(line.rstrip(b" \t"))
    if found is None:
        return _parse_unusual(line.rstrip(b" \t"))
    return found[1].upper(), found[2] or None


def _parse_unusual(line: bytes) -> tuple[bytes, bytes | None]:
    """Split a line that has more in it than printable ASCII."""
    found = _ANY_COMMAND.fullmatch(line)
    if found is None or found[2] is None:
        raise CommandError("malformed command")
    verb = found[1].upper()
    if verb not in _UTF8_VERBS or _CONTROL.search(line):
        raise CharacterError(verb)
    try:
        found[2].decode("utf-8")
    except UnicodeDecodeError as error:
        raise CharacterError(verb) from error
    return verb, found[2]


@lru_cache(_REMEMBERED)
def parse_mail(argument: bytes) -> Mail:
    """Read `FROM:` Reverse-path [SP Mail-parameters]; no space on either side of the colon (§3.3)."""
    if argument[:5].upper() != b"FROM:":
        raise CommandError("MAIL is followed by FROM:<path>")
    path, end = parse_reverse_path(argument, 5)
    is_ascii = argument.isascii() or argument[:end].isascii()
    return Mail(path, _parameters_after(argument, end), is_ascii)


@lru_cache(_REMEMBERED)
def parse_rcpt(argument: bytes) -> Rcpt:
    """Read `TO:` Forward-path [SP Rcpt-parameters]; no space on either side of the colon (§3.3)."""
    if argument[:3].upper() != b"TO:":
        raise CommandError("RCPT is followed by TO:<path>")
    path, end = parse_forward_path(argument, 3)
    is_ascii = argument.isascii() or argument[:end].isascii()
    return Rcpt(path, _parameters_after(argument, end), is_ascii)


def _parameters_after(argument: bytes, end: int) -> dict[str, str | None]:
    if end == len(argument):
        return _NO_PARAMETERS
    if argument[end] != 0x20:
        raise PathError("malformed path")
    return parse_parameters(argument[end + 1 :])


# bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ]   chunk-size ::= 1*DIGIT   end-marker ::= "LAST"
_BDAT = re.compile(rb"([0-9]+)(?:( LAST)|($)|(?= ))", re.IGNORECASE)


def parse_bdat(argument: bytes) -> Bdat:
    """Read `chunk-size [SP "LAST"]` (RFC 3030 §2); if the size at least can be read, it is returned."""
    found = _BDAT.match(argument)
    if found is None:
        raise CommandError("BDAT is followed by a number of octets and perhaps LAST")
    return Bdat(int(found[1]), is_last=found[2] is not None, is_well_formed=found.end() == len(argument))


def is_hello_name(argument: bytes, *, literal: bool = True) -> bool:
    """Whether EHLO's (with `literal`) or HELO's argument is well formed (RFC 5321 §4.1.1.1)."""
    return is_domain(argument) or (literal and is_address_literal(argument))


__all__ = [
    "Bdat",
    "CharacterError",
    "CommandError",
    "Mail",
    "ParameterError",
    "PathError",
    "Rcpt",
    "is_hello_name",
    "parse_bdat",
    "parse_command",
    "parse_mail",
    "parse_rcpt",
]
