"""Patterns of LIST and LSUB (RFC 3501 §6.3.8): `*` matches anything, `%` anything up to the next delimiter.

A pattern is run as a set of positions in one integer, all at once; so a name takes as many steps as it has
characters, whatever the number of wildcards.
"""

import re
from typing import Final

_WILDCARDS: Final = re.compile(r"[*%]{2,}")


class Pattern:
    """A pattern, ready to be matched against many names."""

    __slots__ = ("_any", "_ends", "_literals", "_wild")

    def __init__(self, pattern: str) -> None:
        # a run of wildcards is one: "*" if there is one in it
        pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
        self._any = 0
        """Positions of `*`."""
        self._wild = 0
        """Positions of `*` and `%`."""
        self._literals: dict[str, int] = {}
        """By character: the positions where it stands."""
        for position, character in enumerate(pattern):
            bit = 1 << position
            if character in "*%":
                self._wild |= bit
                self._any |= bit if character == "*" else 0
            else:
                self._literals[character] = self._literals.get(character, 0) | bit
        self._ends = 1 << len(pattern)

    def matches(self, name: str, delimiter: str = "/") -> bool:
        """Whether the whole name matches."""
        wild = self._wild
        literals = self._literals
        places = 1 | (1 & wild) << 1
        for character in name:
            stay = self._any if character == delimiter else wild
            places = (places & literals.get(character, 0)) << 1 | places & stay
            if not places:
                return False
            places |= (places & wild) << 1
        return bool(places & self._ends)
