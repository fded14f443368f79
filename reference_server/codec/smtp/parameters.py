"""ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2), and xtext (RFC 3461 §4)."""

import re


class ParameterError(ValueError):
    """The parameters are malformed; the text says why in the words of a reply."""


# esmtp-param   = esmtp-keyword ["=" esmtp-value]
# esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# esmtp-value   = 1*(%d33-60 / %d62-126)
_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?")
# xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
_XTEXT = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR = re.compile(rb"\+([0-9A-F]{2})")


def parse_parameters(octets: bytes) -> dict[str, str | None]:
    """Read what follows the path: keywords in upper case with their values, each at most once."""
    parameters: dict[str, str | None] = {}
    for part in octets.split(b" "):
        found = _PARAMETER.fullmatch(part)
        if found is None:
            raise ParameterError("malformed parameter")
        keyword = found[1].decode("ascii").upper()
        if keyword in parameters:
            raise ParameterError(f"parameter {keyword} given twice")
        parameters[keyword] = None if found[2] is None else found[2].decode("ascii")
    return parameters


def decode_xtext(text: str) -> bytes:
    """Undo xtext (RFC 3461 §4)."""
    octets = text.encode("ascii")
    if not _XTEXT.fullmatch(octets):
        raise ParameterError("malformed xtext")
    return _HEXCHAR.sub(lambda found: bytes([int(found[1], 16)]), octets)
