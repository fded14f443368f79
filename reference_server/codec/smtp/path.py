"""Mailboxes, paths and domains of the SMTP envelope (RFC 5321 §4.1.2, §4.1.3).

One regular expression for each rule of the grammar, named as the rule is; the ABNF stands above it. A quoted
local part is kept by its meaning (RFC 5321 §4.1.2: `"abc"` and `abc` are the same mailbox), and written with
quotes only where it needs them.

With SMTPUTF8 local parts and domains may hold UTF-8 (RFC 6531 §3.3). It is read wherever octets above 127
occur; whether it was to be expected there, `Mailbox.is_ascii` lets the caller decide.
"""

import ipaddress
import re
from dataclasses import dataclass

from reference_server.codec.smtp.labels import is_u_label
from reference_server.codec.smtp.limits import DOMAIN_OCTETS, LOCAL_PART_OCTETS, PATH_OCTETS


class PathError(ValueError):
    """The octets are no path; the text says why in the words of a reply."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox of the envelope: local part by its meaning, domain as it was written.

    An empty domain stands for `Postmaster` without one (RFC 5321 §4.5.1).
    """

    local_part: str
    domain: str

    def __str__(self) -> str:
        local = self.local_part
        if not _DOT_STRING_TEXT.fullmatch(local):
            local = '"' + _NEEDS_PAIR.sub(r"\\\g<0>", local) + '"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def is_ascii(self) -> bool:
        """Whether the mailbox can be written without SMTPUTF8."""
        return self.local_part.isascii() and self.domain.isascii()


ReversePath = Mailbox | None
"""`None` is the null reverse path `<>`."""

# For each rule a second one, with the octets of UTF-8 that RFC 6531 §3.3 adds to it.
# Let-dig = ALPHA / DIGIT          Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig
# sub-domain = Let-dig [Ldh-str]   Domain = sub-domain *("." sub-domain)
_SUB_DOMAIN = rb"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_DOMAIN = rb"%b(?:\.%b)*" % (_SUB_DOMAIN, _SUB_DOMAIN)
_UTF8_SUB_DOMAIN = rb"[A-Za-z0-9\x80-\xff]+(?:-+[A-Za-z0-9\x80-\xff]+)*"
_UTF8_DOMAIN = rb"%b(?:\.%b)*" % (_UTF8_SUB_DOMAIN, _UTF8_SUB_DOMAIN)
# Atom = 1*atext                   Dot-string = Atom *("." Atom)
_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_STRING = rb"%b(?:\.%b)*" % (_ATOM, _ATOM)
_UTF8_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_UTF8_DOT_STRING = rb"%b(?:\.%b)*" % (_UTF8_ATOM, _UTF8_ATOM)
# qtextSMTP = %d32-33 / %d35-91 / %d93-126     quoted-pairSMTP = %d92 %d32-126
_QUOTED_STRING = rb'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_UTF8_QUOTED_STRING = rb'"(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*"'
# address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
_ADDRESS_LITERAL = rb"\[[!-Z^-~]+\]"

_DOMAIN_PATTERN = re.compile(_DOMAIN)


def _grammar(
    dot_string: bytes, quoted_string: bytes, domain: bytes
) -> "tuple[re.Pattern[bytes], re.Pattern[bytes]]":
    """Return what a mailbox and a path are."""
    mailbox = rb"(?:(?P<dots>%b)|(?P<quoted>%b))@(?P<domain>%b|%b)" % (
        dot_string,
        quoted_string,
        domain,
        _ADDRESS_LITERAL,
    )
    # A-d-l = At-domain *( "," At-domain )
    source_route = rb"@%b(?:,@%b)*:" % (domain, domain)
    return re.compile(mailbox), re.compile(rb"<(?:%b)?(?:%b)>" % (source_route, mailbox))


_MAILBOX_PATTERN, _PATH_PATTERN = _grammar(_DOT_STRING, _QUOTED_STRING, _DOMAIN)
_UTF8_MAILBOX_PATTERN, _UTF8_PATH_PATTERN = _grammar(_UTF8_DOT_STRING, _UTF8_QUOTED_STRING, _UTF8_DOMAIN)
_POSTMASTER = re.compile(rb"<postmaster>", re.IGNORECASE)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_ATOM_TEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_DOT_STRING_TEXT = re.compile(rf"{_ATOM_TEXT}(?:\.{_ATOM_TEXT})*")
_NEEDS_PAIR = re.compile(r'["\\]')
# IPv6 addresses are "IPv6:" and the address; other tags are General-address-literal (RFC 5321 §4.1.3).
_LITERAL_TAG = re.compile(rb"(?P<tag>[A-Za-z0-9-]*[A-Za-z0-9]):(?P<value>[!-Z^-~]+)")


def parse_reverse_path(octets: bytes, start: int = 0) -> tuple[ReversePath, int]:
    """Read `Reverse-path = Path / "<>"` at `start`; the path, and where it ended."""
    if octets.startswith(b"<>", start):
        return None, start + 2
    return _parse_path(octets, start)


def parse_forward_path(octets: bytes, start: int = 0) -> tuple[Mailbox, int]:
    """Read a forward path or `<Postmaster>` (RFC 5321 §4.1.1.3) at `start`; the path, and where it ended."""
    postmaster = _POSTMASTER.match(octets, start)
    if postmaster:
        return Mailbox(octets[start + 1 : postmaster.end() - 1].decode("ascii"), ""), postmaster.end()
    return _parse_path(octets, start)


def _parse_path(octets: bytes, start: int) -> tuple[Mailbox, int]:
    pattern = _PATH_PATTERN if octets.isascii() else _UTF8_PATH_PATTERN
    found = pattern.match(octets, start)
    if found is None:
        if not octets.startswith(b"<", start):
            raise PathError("a path is written in angle brackets")
        raise PathError("malformed path")
    if found.end() - start > PATH_OCTETS:
        raise PathError("path too long")
    return _mailbox(found), found.end()


def parse_mailbox(octets: bytes) -> Mailbox:
    """Read exactly one `Mailbox`, without brackets (as in VRFY, AUTH= and the configuration)."""
    pattern = _MAILBOX_PATTERN if octets.isascii() else _UTF8_MAILBOX_PATTERN
    found = pattern.fullmatch(octets)
    if found is None:
        raise PathError("malformed mailbox")
    return _mailbox(found)


def _mailbox(found: "re.Match[bytes]") -> Mailbox:
    local, quoted, domain = found.group("dots", "quoted", "domain")
    if local is None:
        local = _QUOTED_PAIR.sub(rb"\1", quoted[1:-1])
    if len(local) > LOCAL_PART_OCTETS:
        raise PathError("local part too long")
    if len(domain) > DOMAIN_OCTETS:
        raise PathError("domain too long")
    if domain[0] == 0x5B:
        _check_address_literal(domain)
    try:
        mailbox = Mailbox(local.decode("utf-8"), domain.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PathError("the path is no UTF-8") from error
    if not domain.isascii():
        for label in mailbox.domain.split("."):
            if not (label.isascii() or is_u_label(label)):
                raise PathError("a label of the domain is no U-label")
    return mailbox


def is_domain(octets: bytes) -> bool:
    """Whether the octets are a `Domain` of no more than 255 octets."""
    return len(octets) <= DOMAIN_OCTETS and _DOMAIN_PATTERN.fullmatch(octets) is not None


def is_address_literal(octets: bytes) -> bool:
    """Whether the octets are an `address-literal`, brackets included."""
    try:
        _check_address_literal(octets)
    except PathError:
        return False
    return True


def _check_address_literal(octets: bytes) -> None:
    """Refuse what is no address literal (RFC 5321 §4.1.3)."""
    inner = octets[1:-1]
    if octets[:1] != b"[" or octets[-1:] != b"]" or not inner.isascii():
        raise PathError("malformed address literal")
    tagged = _LITERAL_TAG.fullmatch(inner)
    try:
        if tagged is None:
            ipaddress.IPv4Address(inner.decode("ascii"))
        elif tagged["tag"].lower() == b"ipv6":
            if b"%" in tagged["value"]:
                raise PathError("malformed address literal")
            ipaddress.IPv6Address(tagged["value"].decode("ascii"))
    except ipaddress.AddressValueError as error:
        raise PathError("malformed address literal") from error


def address_literal(address: str) -> str:
    """Write an IP address as an address literal, with its brackets."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
