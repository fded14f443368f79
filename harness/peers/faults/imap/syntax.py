"""The pieces of IMAP that faults take apart: words, strings, sets of numbers, FETCH data.

Tolerant: octets that are no IMAP come out as words all the same, and put together again they are what they
were. Nothing here judges; that is for `harness.wire.imap`.
"""

import re
from collections.abc import Callable, Iterable

# What ends or changes the piece that one is in: quoted strings and literals are steps of their own.
_STEP = re.compile(rb'"(?:\\.|[^"\\])*"?|~?\{([0-9]{1,10})[+-]?\}\r?\n|[()]|[\[\]]|[ \r\n]+', re.DOTALL)
_SECTION = re.compile(rb"(?:BODY|BODY\.PEEK|BINARY|BINARY\.PEEK|BINARY\.SIZE)\Z", re.IGNORECASE)
_LITERAL = re.compile(rb"~?\{([0-9]+)[+-]?\}\r?\n")
_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_SET = re.compile(rb"(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?(?:,(?:[0-9]+|\*)(?::(?:[0-9]+|\*))?)*")
_UNQUOTED = re.compile(rb"\\(.)", re.DOTALL)
_TO_QUOTE = re.compile(rb'(["\\])')

LARGEST = 2**32 - 1
_MOST_NUMBERS = 100_000
Item = tuple[bytes, bytes]
"""Name and value of a data item, both as on the wire."""


def words(octets: bytes) -> list[bytes]:
    """Cut at the spaces that are in no quoted string, literal, list or section."""
    found: list[bytes] = []
    start = position = depth = 0
    section = False
    while (step := _STEP.search(octets, position)) is not None:
        position = step.end()
        sign = step.group()[:1]
        if step.group(1) is not None:
            position += int(step.group(1))
        elif sign == b"[":
            section = section or _SECTION.search(octets, start, step.start()) is not None
        elif sign == b"]":
            section = False
        elif sign == b"(":
            depth += 1
        elif sign == b")":
            depth = max(0, depth - 1)
        elif sign in b" \r\n" and not depth and not section:
            if step.start() > start:
                found.append(octets[start : step.start()])
            start = position
    if start < len(octets):
        found.append(octets[start:])
    return found


def inner(octets: bytes) -> list[bytes]:
    """The words of a parenthesised list; a word that is no list stands for a list of one."""
    if octets[:1] == b"(" and octets[-1:] == b")":
        return words(octets[1:-1])
    return [octets]


def listed(members: Iterable[bytes]) -> bytes:
    """A parenthesised list."""
    return b"(" + b" ".join(members) + b")"


def string_of(word: bytes) -> bytes:
    """What a quoted string, a literal or an atom says."""
    if (literal := _LITERAL.match(word)) is not None:
        return word[literal.end() :]
    if word[:1] == b'"':
        return _UNQUOTED.sub(rb"\1", word[1:-1])
    return word


def is_literal(word: bytes) -> bool:
    """Whether the word is a literal."""
    return _LITERAL.match(word) is not None


def literal(octets: bytes) -> bytes:
    """A literal, as a server writes it."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def astring(octets: bytes) -> bytes:
    """The plainest form of a string."""
    if _ATOM.fullmatch(octets) and octets.upper() != b"NIL":
        return octets
    if octets.isascii() and not re.search(rb"[\x00\r\n]", octets):
        return b'"' + _TO_QUOTE.sub(rb"\\\1", octets) + b'"'
    return literal(octets)


def mailbox_key(word: bytes) -> bytes:
    """A mailbox name as it compares: INBOX has no case (RFC 3501 §5.1)."""
    name = string_of(word)
    return b"INBOX" if name.upper() == b"INBOX" else name


def is_set(word: bytes) -> bool:
    """Whether the word is a sequence set."""
    return _SET.fullmatch(word) is not None


def ranges_of(word: bytes) -> list[tuple[bytes, bytes]]:
    """First and last of each range, as said; none if the word is no set."""
    if not is_set(word):
        return []
    ends = [part.split(b":") for part in word.split(b",")]
    return [(each[0], each[-1]) for each in ends]


def numbers_of(word: bytes, largest: int) -> list[int]:
    """Every number of a set up to `largest`, which `*` stands for, in their order and once.

    Of a range so large that no mailbox holds it, only the beginning.
    """
    numbers: set[int] = set()
    for first, last in ranges_of(word):
        one, other = sorted(largest if end == b"*" else int(end[:11]) for end in (first, last))
        numbers.update(range(one, min(other, largest, one + _MOST_NUMBERS) + 1))
    return sorted(numbers)


def each_number(word: bytes, change: Callable[[int], int]) -> bytes:
    """The set with every number in it changed; `*` stays, and what is none any more is the largest."""
    if not is_set(word):
        return word

    def changed(found: re.Match[bytes]) -> bytes:
        number = change(int(found.group()[:11]))
        return b"%d" % (number if 0 < number < LARGEST else LARGEST)

    return re.sub(rb"[0-9]+", changed, word)


def set_of(numbers: Iterable[int]) -> bytes:
    """Numbers one by one, as a set."""
    return b",".join(b"%d" % number for number in numbers)


def items_of(value: bytes) -> list[Item]:
    """The items in the list of a FETCH response, name by value."""
    pieces = inner(value)
    return list(zip(pieces[::2], pieces[1::2], strict=False))


def items_listed(items: Iterable[Item]) -> bytes:
    """The list of a FETCH response."""
    return listed(name + b" " + value for name, value in items)


def asked_items(word: bytes) -> list[bytes]:
    """What a FETCH asks for, in upper case but for the names of header fields; macros as they are."""
    return [item.upper() for item in inner(word)]
