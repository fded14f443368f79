"""Internet messages as far as a mail server may touch them: header, body, trace (RFC 5322)."""

from harness.wire.message.header import HeaderField, find_fields, parse_header, split_message, unfold
from harness.wire.message.trace import TRACE_FIELDS, added_fields, strip_trace

__all__ = [
    "TRACE_FIELDS",
    "HeaderField",
    "added_fields",
    "find_fields",
    "parse_header",
    "split_message",
    "strip_trace",
    "unfold",
]
