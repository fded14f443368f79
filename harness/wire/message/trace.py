"""What servers put on top of a message on its way, and how to see the message below it."""

import re
from collections import Counter

from harness.wire.message.header import HeaderField, parse_header, split_message

TRACE_FIELDS = (b"Return-Path", b"Received", b"Delivered-To", b"X-Original-To", b"Envelope-To")
"""The first two are the trace fields (RFC 5321 §4.4, RFC 5322 §3.6.7); delivery agents add the others."""

_TOP_FIELD = re.compile(
    rb"(?i:" + b"|".join(map(re.escape, TRACE_FIELDS)) + rb")[ \t]*:(?:[^\r\n]*)\r\n(?:[ \t][^\r\n]*\r\n)*"
)


def strip_trace(message: bytes) -> bytes:
    """Return `message` without the trace fields at its top; those further down stay.

    A message may come with such fields of its own: to compare what was sent with what was stored, strip both.
    """
    at = 0
    while found := _TOP_FIELD.match(message, at):
        at = found.end()
    return message[at:]


def added_fields(original: bytes, stored: bytes) -> tuple[HeaderField, ...]:
    """Return the fields of `stored` that `original` does not have, in their order.

    Both headers must be well-formed. Of a field that stands twice in `stored` and once in `original` the
    upper one was added.
    """
    kept = Counter(field.octets for field in parse_header(split_message(original)[0]))
    added: list[HeaderField] = []
    for field in reversed(parse_header(split_message(stored)[0])):
        if kept[field.octets]:
            kept[field.octets] -= 1
        else:
            added.append(field)
    return tuple(reversed(added))
