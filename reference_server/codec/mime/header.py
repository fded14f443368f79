"""Header and body, and the fields of a header, on any octets (RFC 5322 §2).

Lines end in LF, with or without a CR before it: mail that was stored as it came may hold bare LF.
"""

import re
from collections.abc import Container, Iterator
from typing import Final, NamedTuple

_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_STARTS_EMPTY: Final = re.compile(rb"\r?\n")
# field with its folded lines: a line and those after it that start with white space (RFC 5322 §2.2.3)
# (possessive, as all repetitions of groups here: `re` would remember each round, 100 octets for every line)
_FIELD: Final = re.compile(rb"[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+")
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")


class Field(NamedTuple):
    """One field as it stands in the header."""

    name: bytes
    """In lower case; empty where a line has no name."""
    raw: bytes
    """Name, colon, value and all line ends."""

    @property
    def value(self) -> bytes:
        """The value, unfolded and without white space around it."""
        return unfold(self.raw.partition(b":")[2])


def body_offset(octets: bytes, start: int = 0, end: int | None = None) -> int:
    """Return where the body starts: behind the first empty line, or at `end` if there is none."""
    stop = len(octets) if end is None else end
    found = _STARTS_EMPTY.match(octets, start, stop) or _EMPTY_LINE.search(octets, start, stop)
    return found.end() if found else stop


def iterate_fields(octets: bytes, start: int, end: int) -> Iterator[Field]:
    """Go through the fields of a header; the empty line at its end is left out."""
    at = start
    while at < end:
        found = _FIELD.match(octets, at, end)
        if found is None or found.end() == at:
            return
        at = found.end()
        raw = found[0]
        if raw in (b"\n", b"\r\n"):
            return
        name, colon, _ = raw.partition(b":")
        name = name.rstrip(b" \t")
        # a name is printable US-ASCII (RFC 5322 §2.2); else it is no field, but still a line of the header
        if colon and name and name.isascii() and b" " not in name and b"\n" not in name:
            yield Field(name.lower(), raw)
        else:
            yield Field(b"", raw)


def first_fields(octets: bytes, start: int, end: int, names: Container[bytes]) -> dict[bytes, bytes]:
    """Return the value of the first field of each wanted name."""
    values: dict[bytes, bytes] = {}
    for field in iterate_fields(octets, start, end):
        if field.name in names and field.name not in values:
            values[field.name] = field.value
    return values


def select_fields(octets: bytes, start: int, end: int, names: Container[bytes], *, others: bool) -> bytes:
    """Return a header of the named fields (or of all others), for HEADER.FIELDS and HEADER.FIELDS.NOT.

    The empty line is kept if there is one (RFC 3501 §6.4.5).
    """
    kept: list[bytes] = []
    used = 0
    for field in iterate_fields(octets, start, end):
        used += len(field.raw)
        if (field.name in names) is not others:
            kept.append(field.raw)
    kept.append(octets[start + used : end])
    return b"".join(kept)


def unfold(value: bytes) -> bytes:
    """Remove the line ends of folding, and white space around (RFC 5322 §2.2.3)."""
    value = value.strip(b" \t\r\n")
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
        # a line end that folds nothing cannot be inside a field; it is left over in no case but a stray CR
        value = value.replace(b"\r", b" ").replace(b"\n", b" ")
    elif b"\r" in value:
        value = value.replace(b"\r", b" ")
    return value
