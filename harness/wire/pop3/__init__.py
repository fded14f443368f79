"""POP3 as a client reads and writes it (RFC 1939, RFC 2449), without input and output."""

from harness.wire.pop3.command import encode_auth, encode_command
from harness.wire.pop3.listings import (
    CapaResponse,
    DropListing,
    parse_capabilities,
    parse_drop_listing,
    parse_scan_listings,
    parse_unique_ids,
)
from harness.wire.pop3.response import Challenge, Event, Response, ResponseReader, Shape

__all__ = [
    "CapaResponse",
    "Challenge",
    "DropListing",
    "Event",
    "Response",
    "ResponseReader",
    "Shape",
    "encode_auth",
    "encode_command",
    "parse_capabilities",
    "parse_drop_listing",
    "parse_scan_listings",
    "parse_unique_ids",
]
