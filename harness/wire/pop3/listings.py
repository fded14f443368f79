"""What the responses to STAT, LIST, UIDL and CAPA list (RFC 1939 §5 and §7, RFC 2449 §5)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.pop3 import MAX_RESPONSE_LINE_OCTETS, MAX_UNIQUE_ID_OCTETS
from harness.wire.pop3.response import Response

# "+OK" followed by a single space, the number of messages in the maildrop, a single space, and the size
# of the maildrop in octets.  This memo makes no requirement on what follows the maildrop size.     ; §5, STAT
_DROP_LISTING = re.compile(rb"([0-9]+) ([0-9]+)(?![0-9])")

# A scan listing consists of the message-number of the message, followed by a single space and the exact
# size of the message in octets.  [...] no requirement on what follows the message size.           ; §5, LIST
_SCAN_LISTING = re.compile(rb"([0-9]+) ([0-9]+)(?![0-9])")

# A unique-id listing consists of the message-number of the message, followed by a single space and the
# unique-id of the message.  No information follows the unique-id [...]
# The unique-id of a message is [...] one to 70 characters in the range 0x21 to 0x7E              ; §7, UIDL
_UNIQUE_ID_LISTING = re.compile(rb"([0-9]+) ([!-~]{1,%d})" % MAX_UNIQUE_ID_OCTETS)

# capability = capa-tag *(SP param) CRLF    ;512 octets maximum
# capa-tag   = 1*cchar
# cchar      = %x21-2D / %x2F-7F            ;printable ASCII, excluding "."
# param      = 1*VCHAR                                                                      ; RFC 2449 §3
_CAPABILITY = re.compile(rb"([!-\-/-\x7f]+)((?: [!-~]+)*)")


class DropListing(NamedTuple):
    """What STAT says: the messages that are not marked as deleted."""

    messages: int
    octets: int


def parse_drop_listing(response: Response) -> DropListing:
    """Read the response to STAT, which has no legal refusal (RFC 1939 §5)."""
    found = _DROP_LISTING.match(response.text) if response.ok else None
    if found is None:
        raise RemoteProtocolError('"+OK nn mm" (RFC 1939 §5, STAT)', response.octets)
    return DropListing(int(found[1]), int(found[2]))


def parse_scan_listings(response: Response) -> dict[int, int]:
    """Read the response to LIST without argument: message-number to size in octets, in the server's order."""
    listings = _match_listings(_SCAN_LISTING.match, response, "a scan listing (RFC 1939 §5, LIST)")
    return {number: int(listing[2]) for number, listing in listings.items()}


def parse_unique_ids(response: Response) -> dict[int, bytes]:
    """Read the response to UIDL without argument: message-number to unique-id, in the server's order."""
    listings = _match_listings(_UNIQUE_ID_LISTING.fullmatch, response, "a unique-id listing (RFC 1939 §7)")
    return {number: listing[2] for number, listing in listings.items()}


@dataclass(frozen=True, slots=True)
class CapaResponse:
    """What a positive response to CAPA says."""

    capabilities: dict[str, str]
    """By tag in upper case, since case does not matter; the parameters as they came, SP between them."""
    malformed: tuple[bytes, ...]
    """The lines that are no `capability`: left out of `capabilities`, for a check to complain about."""


def parse_capabilities(response: Response) -> CapaResponse:
    """Read the response to CAPA; a tag said twice keeps its first parameters, a refusal lists nothing."""
    capabilities: dict[str, str] = {}
    malformed: list[bytes] = []
    for line in response.lines or ():
        found = _CAPABILITY.fullmatch(line)
        if found and len(line) + len(b"\r\n") <= MAX_RESPONSE_LINE_OCTETS:
            capabilities.setdefault(found[1].decode("ascii").upper(), found[2].decode("ascii").strip(" "))
        else:
            malformed.append(line)
    return CapaResponse(capabilities, tuple(malformed))


def _match_listings(
    match: Callable[[bytes], re.Match[bytes] | None], response: Response, expected: str
) -> dict[int, re.Match[bytes]]:
    """Return the match of each line by its message-number, which each line must have and no two may share."""
    if response.lines is None:
        raise RemoteProtocolError(f"+OK and lines that are each {expected}", response.octets)
    listings: dict[int, re.Match[bytes]] = {}
    for line in response.lines:
        listing = match(line)
        if listing is None:
            raise RemoteProtocolError(expected, line)
        number = int(listing[1])
        if number in listings:
            raise RemoteProtocolError(f"one line for message {number}, as {expected}", line)
        listings[number] = listing
    return listings
