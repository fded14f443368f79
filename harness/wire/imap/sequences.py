"""Sequence sets and UID sets: `2,4:7,9,12:*` (RFC 9051 §9)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.vocabulary.errors import LocalProtocolError
from harness.vocabulary.imap import LARGEST_NUMBER
from harness.wire.imap.cursor import SEQUENCE_SET, UID_SET, Cursor

STAR = 0
"""Stands for `*`, the largest number in use, which no message bears."""


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Numbers as ranges, in the order sent; a range is kept with its smaller end first, as 4:2 equals 2:4."""

    ranges: tuple[tuple[int, int], ...]
    """First and last of each range; `*` is `STAR`, and then stands last."""

    def numbers(self, largest: int = 0) -> Iterator[int]:
        """Every number, range by range; `*` means `largest`."""
        for first, last in self.ranges:
            ends = (first or largest, last or largest)
            yield from range(min(ends), max(ends) + 1)

    def __iter__(self) -> Iterator[int]:
        return self.numbers()

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and any(first <= number <= last for first, last in self.ranges)


Numbers = int | bytes | str | SequenceSet | Iterable[int]
"""What a caller may say for a sequence set: a number, its wire form, or some numbers."""


def read_sequence_set(cursor: Cursor) -> SequenceSet:
    """`sequence-set`, without `$`, which only a client may say (RFC 9051 §9, search-return-data)."""
    return _ranges(cursor, cursor.take(SEQUENCE_SET, "a sequence set"))


def read_uid_set(cursor: Cursor) -> SequenceSet:
    """`uid-set`: as a sequence set, but without `*`."""
    return _ranges(cursor, cursor.take(UID_SET, "a UID set"))


def encode_sequence_set(numbers: Numbers) -> bytes:
    """Write a set: numbers are put in order and joined into ranges, a wire form is left alone."""
    match numbers:
        case bytes():
            return numbers
        case str():
            return numbers.encode("ascii")
        case int():
            return _encode_number(numbers)
        case SequenceSet():
            return b",".join(_encode_range(first, last) for first, last in numbers.ranges)
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] + 1 == number:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    if not ranges:
        raise LocalProtocolError("a sequence set holds at least one number")
    return b",".join(_encode_range(first, last) for first, last in ranges)


def _encode_range(first: int, last: int) -> bytes:
    return _encode_number(first) if first == last else _encode_number(first) + b":" + _encode_number(last)


def _encode_number(number: int) -> bytes:
    if not STAR <= number <= LARGEST_NUMBER:
        raise LocalProtocolError(f"{number} is not a number that a message can bear")
    return b"%d" % number if number else b"*"


def _ranges(cursor: Cursor, octets: bytes) -> SequenceSet:
    ranges = []
    for part in octets.split(b","):
        ends = [STAR if end == b"*" else _in_range(cursor, end) for end in part.split(b":")]
        first, last = ends[0], ends[-1]
        if first == STAR or (last != STAR and last < first):
            first, last = last, first
        ranges.append((first, last))
    return SequenceSet(tuple(ranges))


def _in_range(cursor: Cursor, digits: bytes) -> int:
    if len(digits) > 10 or (number := int(digits)) > LARGEST_NUMBER:
        cursor.fail(f"numbers of at most {LARGEST_NUMBER} in the set just read")
    return number
