"""Flags as octets: the system's and keywords, one and in sets (RFC 9051 §2.3.2)."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from harness.vocabulary.imap import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, SYSTEM_FLAGS

WITHOUT_DELETED = (SEEN, ANSWERED, FLAGGED, DRAFT)
"""For checks in which nothing may go away."""

_KEYWORD_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$"
_KEYWORD_REST = _KEYWORD_FIRST + "0123456789-_."


def system_flags(*, deleted: bool = True) -> SearchStrategy[bytes]:
    r"""One of `\Seen \Answered \Flagged \Deleted \Draft`."""
    return st.sampled_from(SYSTEM_FLAGS if deleted else WITHOUT_DELETED)


def keywords() -> SearchStrategy[bytes]:
    r"""Keywords that every server with `\*` takes: letters, digits and a few marks; never NIL."""
    names = st.builds(
        lambda first, rest: "mp" + first + rest,
        st.sampled_from(_KEYWORD_FIRST),
        st.text(_KEYWORD_REST, max_size=8),
    )
    return names.map(lambda name: name.encode("ascii"))


def flag_sets(*, deleted: bool = False, keyword: bool = False) -> SearchStrategy[frozenset[bytes]]:
    r"""Any set of system flags, the empty one included; with `keyword`, also of a few fixed keywords.

    Keywords are few because servers limit how many a mailbox may ever know (Dovecot's Maildir: 26).
    """
    choices = [*(SYSTEM_FLAGS if deleted else WITHOUT_DELETED)]
    if keyword:
        choices += [b"$Forwarded", b"mailproof-a", b"mailproof-b"]
    return st.frozensets(st.sampled_from(choices))


STORE_ITEMS = (b"FLAGS", b"+FLAGS", b"-FLAGS")


def stores(*, keyword: bool = False) -> SearchStrategy[tuple[bytes, frozenset[bytes]]]:
    r"""An item of STORE and its flags; see `stored`. Never \Deleted."""
    return st.tuples(st.sampled_from(STORE_ITEMS), flag_sets(keyword=keyword))


def stored(before: frozenset[bytes], item: bytes, flags: frozenset[bytes]) -> frozenset[bytes]:
    """The flags that `STORE n item (flags)` makes of those `before` (RFC 9051 §6.4.6)."""
    match item.upper().removesuffix(b".SILENT"):
        case b"+FLAGS":
            return before | flags
        case b"-FLAGS":
            return before - flags
    return flags


__all__ = ["DELETED", "STORE_ITEMS", "flag_sets", "keywords", "stored", "stores", "system_flags"]
