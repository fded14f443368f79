"""How octets are cut in transit: a reader's result must not depend on it."""

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


def split_points(octets: bytes, *, max_splits: int = 8) -> SearchStrategy[list[int]]:
    """Offsets at which `octets` are cut, ascending."""
    return st.lists(st.integers(0, len(octets)), max_size=max_splits).map(sorted)


def chunkings(octets: bytes, *, max_splits: int = 8) -> SearchStrategy[list[bytes]]:
    """`octets` in pieces, none of them empty: whole, at any few points, or one by one."""
    cut = split_points(octets, max_splits=max_splits).map(lambda points: _cut(octets, points))
    return cut | st.just([octets[i : i + 1] for i in range(len(octets))]) if octets else st.just([])


def _cut(octets: bytes, points: list[int]) -> list[bytes]:
    pieces = (octets[start:end] for start, end in pairwise([0, *points, len(octets)]))
    return [piece for piece in pieces if piece]
