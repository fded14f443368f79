"""A strict reading of the Received field (RFC 5321 §4.4), apart from what the suites' other readers allow."""

import re
from dataclasses import dataclass

from harness.conformance import Finding

_COMMENT = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rb"(?:%b(?:\.%b)*\.?|\[[^\[\]\\\s]+\])" % (_LABEL, _LABEL)
_ATOM = rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_LOCAL = rb'(?:%b(?:\.%b)*|"(?:[^"\\]|\\.)*")' % (_ATOM, _ATOM)
_MAILBOX = rb"%b@%b" % (_LOCAL, _DOMAIN)
_PATH = rb"(?:<(?:@%b(?:,@%b)*:)?(?:%b|%b)>|%b)" % (_DOMAIN, _DOMAIN, _MAILBOX, _LOCAL, _MAILBOX)
_MSG_ID = rb"<[^<>@\s]+@[^<>@\s]+>"

# Stamp    = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
# Opt-info = [Via] [With] [ID] [For] [Additional-Registered-Clauses]
# For      = CFWS "FOR" FWS ( Path / Mailbox )                                               ; RFC 5321 §4.4
#
# The (TCP-info) of an Extended-Domain is a comment to the eye. An id with dots is no Atom, but widespread,
# and RFC 5322 §3.6.7 has a form for it.
_STAMP = re.compile(
    rb"from\s+(?P<source>%(domain)b)\s+by\s+%(domain)b"
    rb"(?:\s+via\s+%(atom)b)?(?:\s+with\s+(?P<protocol>%(atom)b))?"
    rb"(?:\s+id\s+(?:%(atom)b(?:\.%(atom)b)*|%(msg_id)b))?(?:\s+for\s+(?P<path>%(path)b))?"
    rb"(?:\s+(?!(?:via|with|id|for|by)\s)%(atom)b\s+(?:%(atom)b|\"[^\"]*\"))*\s*;\s*(?P<date>.*)"
    % {b"domain": _DOMAIN, b"atom": _ATOM, b"msg_id": _MSG_ID, b"path": _PATH},
    re.IGNORECASE | re.DOTALL,
)
# date-time = [ day-of-week "," ] date time, without the obs- forms: years of four digits, offsets as numbers.
_DATE = re.compile(
    rb"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s*)?(?P<day>[0-9]{1,2})\s+"
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+[0-9]{4}\s+"
    rb"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?\s+[+-][0-9]{2}[0-5][0-9]",
    re.IGNORECASE,
)
_FOR = re.compile(rb"\sfor\s+([^;]*?)\s*(?:;|\Z)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stamp:
    """The clauses that the checks judge."""

    source: bytes
    protocol: bytes | None
    path: bytes | None


def read_stamp(value: bytes) -> Stamp:
    """Read the value of a Received field; what is not in its form is a finding."""
    bare = without_comments(value)
    found = _STAMP.fullmatch(bare)
    date = _DATE.fullmatch(found["date"].strip()) if found else None
    if found is None or date is None or not _is_time_of_day(date):
        raise Finding(
            'from DOMAIN by DOMAIN [via] [with] [id] [for PATH]; date-time "1 Jan 2026 12:00:00 +0100"',
            f"Received: {value!r}",
        )
    return Stamp(found["source"], found["protocol"], found["path"])


def for_clause(value: bytes) -> bytes | None:
    """Return what stands behind "for" in a Received field, as it is."""
    found = _FOR.search(without_comments(value))
    return found[1] if found else None


def is_one_path(clause: bytes) -> bool:
    """Whether a for clause is `Path / Mailbox`."""
    return re.fullmatch(_PATH, clause) is not None


def without_comments(value: bytes) -> bytes:
    """Return a field's value without comments, which may be nested (RFC 5322 §3.2.2)."""
    before = None
    while before != value:
        before, value = value, _COMMENT.sub(b" ", value)
    return value.strip()


def _is_time_of_day(date: re.Match[bytes]) -> bool:
    seconds = int(date["second"] or b"0")
    return (
        1 <= int(date["day"]) <= 31 and int(date["hour"]) < 24 and int(date["minute"]) < 60 and seconds <= 60
    )
