"""ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2), and xtext (RFC 3461 §4)."""

import re


class ParameterError(ValueError):
    """The parameters are malformed; the text says why in the words of a reply."""


# esmtp-param   = esmtp-keyword ["=" esmtp-value]
# esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# esmtp-value   = 1*(%d33-60 / %d62-126)
# esmtp-value   =/ UTF8-non-ascii (RFC 6531 §3.3)
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
_UTF8_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\x80-\xff]+))?")
# xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
_XTEXT = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR = re.compile(rb"\+([0-9A-F]{2})")
_NO_XCHAR = re.compile(rb"[^!-*,-<>-~]")


def parse_parameters(octets: bytes) -> dict[str, str | None]:
    """Read what follows the path: keywords in upper case with their values, each at most once.

    Values may hold UTF-8, which the caller refuses where SMTPUTF8 is not in use.
    """
    parameters: dict[str, str | None] = {}
    pattern = _PARAMETER if octets.isascii() else _UTF8_PARAMETER
    for part in octets.split(b" "):
        found = pattern.fullmatch(part)
        if found is None:
            raise ParameterError("malformed parameter")
        keyword = found[1].decode("ascii").upper()
        if keyword in parameters:
            raise ParameterError(f"parameter {keyword} given twice")
        try:
            parameters[keyword] = None if found[2] is None else found[2].decode("utf-8")
        except UnicodeDecodeError as error:
            raise ParameterError(f"parameter {keyword} is no UTF-8") from error
    return parameters


def decode_xtext(text: str) -> bytes:
    """Undo xtext (RFC 3461 §4)."""
    octets = text.encode("utf-8")
    if not _XTEXT.fullmatch(octets):
        raise ParameterError("malformed xtext")
    return _HEXCHAR.sub(lambda found: bytes([int(found[1], 16)]), octets)


def encode_xtext(octets: bytes) -> str:
    """Write octets as xtext (RFC 3461 §4)."""
    return _NO_XCHAR.sub(lambda found: b"+%02X" % found[0][0], octets).decode("ascii")
