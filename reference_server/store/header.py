"""The two facts that delivery takes from a header, because they cost microseconds: its size and its date.

Everything else of a message (ENVELOPE, BODYSTRUCTURE, texts for SEARCH) is read when somebody asks.
"""

import re
from datetime import date

from reference_server.store.values import NO_DAY

_END = re.compile(rb"\r?\n\r?\n")
# orig-date = "Date:" date-time CRLF; date-time = [ day-of-week "," ] date time [CFWS] (RFC 5322 §3.3, §3.6.1)
# No octet fits two repetitions that follow each other: a field of a megabyte of blanks would take hours.
_DATE = re.compile(
    rb"^date[ \t]*:[ \t\r\n]*+(?:[a-z]{3}[ \t]*,[ \t\r\n]*+)?([0-9]{1,2})[ \t]+([a-z]{3})[ \t]+([0-9]{4})\b",
    re.IGNORECASE | re.MULTILINE,
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
_EPOCH = date(1970, 1, 1).toordinal()


def header_size(octets: bytes) -> int:
    """Return how many octets the header takes, with the empty line that ends it."""
    if octets.startswith((b"\r\n", b"\n")):
        return octets.index(b"\n") + 1
    end = octets.find(b"\r\n\r\n")
    if end >= 0 and octets.find(b"\n\n", 0, end) < 0 and octets.find(b"\n\r\n", 0, end) < 0:
        return end + 4
    found = _END.search(octets)
    return found.end() if found else len(octets)


def sent_day(header: bytes) -> int:
    """Return the day in the Date field, time and zone disregarded (RFC 3501 §6.4.4, SENTON)."""
    # A word is found much faster than a line that starts with it.
    place = header.lower().find(b"date")
    found = _DATE.search(header, place) if place >= 0 else None
    if found is None:
        return NO_DAY
    month = _MONTHS.get(found[2].lower())
    try:
        return date(int(found[3]), month or 0, int(found[1])).toordinal() - _EPOCH
    except ValueError:
        return NO_DAY
