"""The response to EHLO and LHLO: who the server is and what it offers (RFC 5321 §4.1.1.1)."""

import re
from dataclasses import dataclass

from harness.wire.smtp.reply import Reply

# ehlo-ok-rsp  = ( "250" SP Domain [ SP ehlo-greet ] CRLF )
#              / ( "250-" Domain [ SP ehlo-greet ] CRLF
#              *( "250-" ehlo-line CRLF )
#              "250" SP ehlo-line CRLF )
# ehlo-line    = ehlo-keyword *( SP ehlo-param )
# ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# ehlo-param   = 1*(%d33-126)
_EHLO_LINE = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)((?: [!-~]+)*)")


@dataclass(frozen=True, slots=True)
class EhloResponse:
    """What a positive response to EHLO says."""

    domain: bytes
    greeting: bytes
    """What follows the domain, for humans."""
    keywords: dict[str, str]
    """By keyword in upper case, since case does not matter; the parameters as they came, SP between them."""
    malformed: tuple[bytes, ...]
    """The lines that are no `ehlo-line`: left out of `keywords`, for a check to complain about."""


def parse_ehlo(reply: Reply) -> EhloResponse:
    """Read a 250 reply as a response to EHLO; a keyword said twice keeps its first parameters."""
    first, *others = reply.lines
    domain, _, greeting = first.partition(b" ")
    keywords: dict[str, str] = {}
    malformed: list[bytes] = []
    for line in others:
        if found := _EHLO_LINE.fullmatch(line):
            keywords.setdefault(found[1].decode().upper(), found[2].decode().strip(" "))
        else:
            malformed.append(line)
    return EhloResponse(domain, greeting, keywords, tuple(malformed))
