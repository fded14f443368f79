"""Command lines as clients write them: any letter case, and the spaces and garbage that they should not."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


def case_variants(word: bytes) -> SearchStrategy[bytes]:
    """`word` with the case of each letter chosen anew: verbs have no case (RFC 5321 §2.4, RFC 9051 §9)."""
    letters = [bytes((octet,)) for octet in word]
    return st.tuples(*(st.sampled_from((each.lower(), each.upper())) for each in letters)).map(b"".join)


def trailing_spaces() -> SearchStrategy[bytes]:
    """White space before CRLF, which SMTP servers SHOULD tolerate (RFC 5321 §4.1.1)."""
    return st.sampled_from([b" ", b"  ", b"\t", b" \t "])


def unknown_verbs(*, known: frozenset[bytes] = frozenset()) -> SearchStrategy[bytes]:
    """Words of letters that are no command of any mail protocol."""
    words = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=10).map(
        lambda word: word.encode("ascii")
    )
    return words.map(lambda word: b"Q" + word + b"Q").filter(lambda word: word not in known)


def arguments() -> SearchStrategy[bytes]:
    """An argument of printable ASCII, without a space at its ends."""
    printable = "".join(map(chr, range(33, 127)))
    return st.text(printable, min_size=1, max_size=20).map(lambda word: word.encode("ascii"))


def tags() -> SearchStrategy[bytes]:
    """IMAP tags: `1*<any ASTRING-CHAR except "+">` (RFC 9051 §9)."""
    legal = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&',-./:;<=>?@[]^_`|}~"
    return st.text(legal, min_size=1, max_size=12).map(lambda tag: tag.encode("ascii"))
