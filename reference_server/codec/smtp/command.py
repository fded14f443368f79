"""Command lines: from the octets before CRLF to a verb and its argument (RFC 5321 §2.4, §4.1.1)."""

import re
from dataclasses import dataclass, field

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


_NO_PARAMETERS: dict[str, str | None] = {}


@dataclass(frozen=True, slots=True)
class Mail:
    """The argument of MAIL."""

    reverse_path: ReversePath
    parameters: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rcpt:
    """The argument of RCPT."""

    forward_path: Mailbox
    parameters: dict[str, str | None] = field(default_factory=dict)


# The verb stands apart by SP; letters only, as every registered one.
_COMMAND = re.compile(rb"([A-Za-z]{1,32})(?: ([\x20-\x7e\t]*))?")


def parse_command(line: bytes) -> tuple[bytes, bytes | None]:
    """Split a line into its verb in upper case and its argument.

    The argument is None where there is none. White space at the end is tolerated (RFC 5321 §4.1.1); a bare CR
    or LF, a NUL and octets above 127 are in no command.
    """
    found = _COMMAND.fullmatch(line.rstrip(b" \t"))
    if found is None:
        raise CommandError("malformed command")
    return found[1].upper(), found[2] or None


def parse_mail(argument: bytes) -> Mail:
    """Read `FROM:` Reverse-path [SP Mail-parameters]; no space on either side of the colon (§3.3)."""
    if argument[:5].upper() != b"FROM:":
        raise CommandError("MAIL is followed by FROM:<path>")
    path, end = parse_reverse_path(argument, 5)
    return Mail(path, _parameters_after(argument, end))


def parse_rcpt(argument: bytes) -> Rcpt:
    """Read `TO:` Forward-path [SP Rcpt-parameters]; no space on either side of the colon (§3.3)."""
    if argument[:3].upper() != b"TO:":
        raise CommandError("RCPT is followed by TO:<path>")
    path, end = parse_forward_path(argument, 3)
    return Rcpt(path, _parameters_after(argument, end))


def _parameters_after(argument: bytes, end: int) -> dict[str, str | None]:
    if end == len(argument):
        return _NO_PARAMETERS
    if argument[end] != 0x20:
        raise PathError("malformed path")
    return parse_parameters(argument[end + 1 :])


def is_hello_name(argument: bytes, *, literal: bool = True) -> bool:
    """Whether EHLO's (with `literal`) or HELO's argument is well formed (RFC 5321 §4.1.1.1)."""
    return is_domain(argument) or (literal and is_address_literal(argument))


__all__ = [
    "CommandError",
    "Mail",
    "ParameterError",
    "PathError",
    "Rcpt",
    "is_hello_name",
    "parse_command",
    "parse_mail",
    "parse_rcpt",
]
