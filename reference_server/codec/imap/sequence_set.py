"""Sequence sets, read and resolved at a cost in proportion to the mailbox (RFC 3501 §9, `sequence-set`).

`*` is the largest number in use; `4:2` is `2:4`; an unordered set with duplicates is legal, and so is
`1:4294967295`. Nothing here counts through a range.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reference_server.codec.imap.lexer import MAX_NUMBER, CommandReader, Garbled

STAR: Final = 0
"""`*` in a parsed set: no number of a message is 0."""

_SET: Final = re.compile(rb"(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?(?:,(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?)*")


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """The ranges as they were written; `STAR` stands for `*`."""

    ranges: tuple[tuple[int, int], ...]

    def resolve(self, largest: int) -> list[tuple[int, int]]:
        """Return ascending, disjoint, closed ranges, with `*` taken for `largest`, which is at least 1."""
        ranges: list[tuple[int, int]] = []
        for first, last in self.ranges:
            low, high = first or largest, last or largest
            ranges.append((low, high) if low <= high else (high, low))
        if len(ranges) < 2:
            return ranges
        ranges.sort()
        merged = [ranges[0]]
        for low, high in ranges[1:]:
            if low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return merged


def read_sequence_set(reader: CommandReader) -> SequenceSet:
    """Read a sequence set; numbers are from 1 to 4294967295."""
    octets = reader.match(_SET, b"a sequence set")
    if octets.isdigit():
        number = _number(octets)
        return SequenceSet(((number, number),))
    ranges = []
    for item in octets.split(b","):
        first, colon, last = item.partition(b":")
        low = _number(first)
        ranges.append((low, _number(last) if colon else low))
    return SequenceSet(tuple(ranges))


def _number(octets: bytes) -> int:
    if octets == b"*":
        return STAR
    if octets.startswith(b"0") or len(octets) > 10 or (number := int(octets)) > MAX_NUMBER:
        raise Garbled(b"A message number is from 1 to 4294967295")
    return number


def numbers_to_indices(sequence_set: SequenceSet, count: int) -> list[int] | None:
    """Return the indices (from 0) of message numbers in a mailbox of `count`; None if one does not exist.

    RFC 3501 §9: a message number greater than the number of messages is not valid. (`*` in an empty mailbox
    is such a number.)
    """
    if count == 0:
        return None
    indices: list[int] = []
    for low, high in sequence_set.resolve(count):
        if high > count:
            return None
        indices.extend(range(low - 1, high))
    return indices


def uids_to_indices(sequence_set: SequenceSet, uids: Sequence[int]) -> list[int]:
    """Return the indices of the UIDs in the set; a UID that does not exist is ignored (RFC 3501 §6.4.8)."""
    if not uids:
        return []
    indices: list[int] = []
    for low, high in sequence_set.resolve(uids[-1]):
        start = bisect_left(uids, low)
        if low == high:
            if start < len(uids) and uids[start] == low:
                indices.append(start)
        else:
            indices.extend(range(start, bisect_right(uids, high, start)))
    return indices


def encode_numbers(numbers: Iterable[int]) -> bytes:
    """Write ascending numbers as a sequence set, runs as ranges."""
    words: list[bytes] = []
    start = end = -1
    for number in numbers:
        if number == end + 1 and start >= 0:
            end = number
            continue
        if start >= 0:
            words.append(b"%d" % start if start == end else b"%d:%d" % (start, end))
        start = end = number
    if start >= 0:
        words.append(b"%d" % start if start == end else b"%d:%d" % (start, end))
    return b",".join(words)
