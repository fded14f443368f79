"""What a client asks for about delivery status notifications (RFC 3461 §4, RFC 6533 §3)."""

import re

from reference_server.codec.smtp.parameters import ParameterError, decode_xtext, encode_xtext

ENVID_CHARACTERS = 100
"""RFC 3461 §4.4: "up to 100 characters in length"."""
ORCPT_CHARACTERS = 500
"""RFC 3461 §4.2: "The entire ORCPT parameter MAY be up to 500 characters in length"."""
UTF_8_TYPE = "utf-8"
"""The address type of RFC 6533 §3."""

_ON = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_NEVER = frozenset({"NEVER"})
_RETURNS = frozenset({"FULL", "HDRS"})
# Printable (graphic and white space) characters from the US-ASCII repertoire (RFC 3461 §4.2, §4.4).
_PRINTABLE = re.compile(r"[\t -~]*")
# addr-type = atom (RFC 822 §3.3); without what an esmtp-value cannot hold.
_ADDRESS_TYPE = re.compile(r"[!#$%&'*+/0-9?A-Z^_`a-z{|}~-]+")
# HEXPOINT of RFC 6533 §3, line by line.
_HEXPOINT = (
    r"[01][1-9]|10|20|2B|3D|7F|5C|[89A-F][0-9A-F]|[1-9A-F][0-9A-F]{2}|[1-9A-CEF][0-9A-F]{3}"
    r"|D[0-7][0-9A-F]{2}|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4}"
)
_EMBEDDED = re.compile(rf"\\x\{{({_HEXPOINT})\}}", re.IGNORECASE)
# utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar); QCHAR = %x21-2a / %x2c-3c / %x3e-5b / %x5d-7e
_UNITEXT = re.compile(rf"(?:[!-*,-<>-\[\]-~\u0080-\U0010ffff]|\\x\{{(?:{_HEXPOINT})\}})+", re.IGNORECASE)
_NO_QCHAR = re.compile(r"[^!-*,-<>-\[\]-~]")
_NO_QUCHAR = re.compile(r"[^!-*,-<>-\[\]-~\u0080-\U0010ffff]")


def read_notify(value: str | None) -> frozenset[str]:
    """Read NOTIFY=: NEVER by itself, or a list of the others, in any case (RFC 3461 §4.1)."""
    # notify-esmtp-value = "NEVER" / 1#notify-list-element, with the `#` of RFC 822 §2.7: null elements do
    # not count, but one must be there.
    wanted = frozenset(word for word in (value or "").upper().split(",") if word)
    if value is not None and value.upper() == "NEVER":
        return _NEVER
    if not wanted or not wanted <= _ON:
        raise ParameterError("NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY")
    return wanted


def read_ret(value: str | None) -> str:
    """Read RET=: FULL or HDRS in any case, returned in upper case (RFC 3461 §4.3)."""
    ret = (value or "").upper()
    if ret not in _RETURNS:
        raise ParameterError("RET is FULL or HDRS")
    return ret


def read_envid(value: str | None) -> str:
    """Read ENVID= and undo its xtext (RFC 3461 §4.4)."""
    if value is None:
        raise ParameterError("ENVID has a value")
    if len(value) > ENVID_CHARACTERS:
        raise ParameterError(f"ENVID has more than {ENVID_CHARACTERS} characters")
    return _printable(value, "ENVID")


def read_orcpt(value: str | None) -> str:
    """Read ORCPT= and undo its encoding: the type of the address, `;`, the address (RFC 3461 §4.2).

    An address of type `utf-8` is written as RFC 6533 §3 says, or, by those who know only RFC 3461, as xtext.
    """
    if value is None or ";" not in value:
        raise ParameterError("ORCPT is an address type, a semicolon and an address in xtext")
    if len("ORCPT=") + len(value.encode("utf-8")) > ORCPT_CHARACTERS:
        raise ParameterError(f"ORCPT has more than {ORCPT_CHARACTERS} characters")
    kind, _, address = value.partition(";")
    if not _ADDRESS_TYPE.fullmatch(kind):
        raise ParameterError("malformed address type in ORCPT")
    if kind.lower() == UTF_8_TYPE and _UNITEXT.fullmatch(address):
        address = _EMBEDDED.sub(lambda found: chr(int(found[1], 16)), address)
    else:
        address = _printable(address, "ORCPT")
    return f"{kind};{address}"


def write_envid(envid: str) -> str:
    """Write the value of ENVID=."""
    return encode_xtext(envid.encode("ascii"))


def write_notify(notify: frozenset[str]) -> str:
    """Write the value of NOTIFY=."""
    return ",".join(sorted(notify))


def write_orcpt(orcpt: str, *, smtputf8: bool = False) -> str:
    """Write the value of ORCPT=; with `smtputf8` characters outside ASCII stay as they are (RFC 6533 §3)."""
    kind, _, address = orcpt.partition(";")
    if kind.lower() != UTF_8_TYPE:
        return f"{kind};{encode_xtext(address.encode('utf-8'))}"
    pattern = _NO_QUCHAR if smtputf8 else _NO_QCHAR
    return f"{kind};" + pattern.sub(lambda found: rf"\x{{{ord(found[0]):02X}}}", address)


def _printable(value: str, name: str) -> str:
    """Undo xtext; what comes out must fit into a field of a notification."""
    decoded = decode_xtext(value).decode("latin-1")
    if not _PRINTABLE.fullmatch(decoded):
        raise ParameterError(f"{name} holds characters that are not printable ASCII")
    return decoded
