"""Mailbox names in Unicode: nested, beyond ASCII, with characters that matter on the wire (RFC 9051 §5.1)."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# Not among them: "%" and "*" are wildcards, "/" and "." may separate levels, "~" and "#" begin namespaces,
# "\" and control characters many stores refuse, as they may (RFC 9051 §5.1, §6.3.4).
_SPECIAL = " &()[]{}<>!$'+,-:;=?@^_`|" + '"'

_LETTERS = "äéñøßžĄЖдящעבماजक한國語日本ｱΩλ€™√😀𐍈"


def plain_names() -> SearchStrategy[str]:
    """Letters and digits, 1 to 12 of them; never INBOX, which has its own rules."""
    return st.text(_PLAIN, min_size=1, max_size=12).filter(_is_ordinary)


def special_names() -> SearchStrategy[str]:
    """Names that need quoting, escaping or `&-`; they begin and end with a letter."""
    middle = st.text(_SPECIAL + "aZ9", min_size=1, max_size=8)
    return middle.map(lambda name: "a" + name + "z").filter(lambda name: "  " not in name)


def non_ascii_names() -> SearchStrategy[str]:
    """Names that modified UTF-7 must shift for, with ASCII between."""
    return st.text(_LETTERS + "ab&-", min_size=1, max_size=8).filter(lambda name: not name.isascii())


def names() -> SearchStrategy[str]:
    """One level of a name, of any of these kinds."""
    return plain_names() | special_names() | non_ascii_names()


def nested_names(separator: str, *, max_depth: int = 4) -> SearchStrategy[str]:
    """Names of two and more levels below one another, none of which holds the separator itself."""
    level = plain_names() | non_ascii_names()
    levels = level.filter(lambda name: separator not in name)
    return st.lists(levels, min_size=2, max_size=max_depth).map(separator.join)


def inbox_variants() -> SearchStrategy[str]:
    """INBOX in every case: all are the same mailbox (RFC 9051 §5.1)."""
    return st.tuples(*(st.sampled_from((each, each.lower())) for each in "INBOX")).map("".join)


def patterns(existing: list[str]) -> SearchStrategy[str]:
    """LIST patterns cut out of the names that exist, with `%` and `*` put in; see `matches`."""

    def punched(name: str, start: int, length: int, wildcard: str) -> str:
        start = min(start, len(name))
        return name[:start] + wildcard + name[start + length :]

    holes = st.builds(
        punched,
        st.sampled_from(existing),
        st.integers(0, 12),
        st.integers(0, 6),
        st.sampled_from(["%", "*", ""]),
    )
    return holes | st.sampled_from(["*", "%", *existing])


def matches(pattern: str, name: str, separator: str | None) -> bool:
    """Whether LIST's pattern fits: `*` is any run, `%` one without the separator (RFC 9051 §6.3.9)."""
    reachable = {0}
    for character in pattern:
        advanced: set[int] = set()
        for offset in reachable:
            if character == "*":
                advanced.update(range(offset, len(name) + 1))
            elif character == "%":
                end = name.find(separator, offset) if separator else -1
                advanced.update(range(offset, (len(name) if end < 0 else end) + 1))
            elif name[offset : offset + 1] == character:
                advanced.add(offset + 1)
        reachable = advanced
    return len(name) in reachable


def _is_ordinary(name: str) -> bool:
    return name.upper() not in {"INBOX", "NIL"}
