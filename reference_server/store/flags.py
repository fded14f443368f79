"""Flags as a bitmask: five bits for the system flags, the others for the keywords of a mailbox.

A mailbox numbers its keywords in the order of their first use and never takes a number back, so that a
mask read a moment ago still means the same.
"""

from collections.abc import Iterable, Sequence
from typing import Final

SEEN: Final = 1
ANSWERED: Final = 2
FLAGGED: Final = 4
DELETED: Final = 8
DRAFT: Final = 16

SYSTEM_FLAGS: Final[dict[str, int]] = {
    "\\Seen": SEEN,
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Draft": DRAFT,
}
r"""The flags that a client may set (RFC 3501 §2.3.2); `\Recent` belongs to a session, not to a message."""

KEYWORD_LIMIT: Final = 57
"""Keywords per mailbox: what a signed 64-bit integer leaves beside the system flags."""

_SYSTEM_BITS: Final = {name.lower(): bit for name, bit in SYSTEM_FLAGS.items()}
_FIRST_KEYWORD: Final = len(SYSTEM_FLAGS)


class TooManyKeywords(ValueError):
    """The mailbox has no bit left for another keyword."""


def flag_bits(names: Iterable[str], keywords: Sequence[str]) -> int:
    """Return the mask of those `names` that are system flags or known keywords; others are left out."""
    known = {keyword.lower(): _FIRST_KEYWORD + number for number, keyword in enumerate(keywords)}
    mask = 0
    for name in names:
        lower = name.lower()
        if lower in _SYSTEM_BITS:
            mask |= _SYSTEM_BITS[lower]
        elif lower in known:
            mask |= 1 << known[lower]
    return mask


def flag_names(mask: int, keywords: Sequence[str]) -> tuple[str, ...]:
    """Return the names in `mask`, system flags first."""
    names = [name for name, bit in SYSTEM_FLAGS.items() if mask & bit]
    if mask >> _FIRST_KEYWORD:
        names += [name for number, name in enumerate(keywords) if mask >> (_FIRST_KEYWORD + number) & 1]
    return tuple(names)


def enlist(names: Iterable[str], keywords: Sequence[str]) -> tuple[str, ...]:
    """Return `keywords` with the unknown keywords of `names` at its end, spelled as they came."""
    known = {keyword.lower() for keyword in keywords}
    grown = list(keywords)
    for name in names:
        lower = name.lower()
        if lower not in known and lower not in _SYSTEM_BITS and lower != "\\recent":
            known.add(lower)
            grown.append(name)
    if len(grown) > KEYWORD_LIMIT:
        raise TooManyKeywords(f"a mailbox holds at most {KEYWORD_LIMIT} keywords")
    return tuple(grown)
