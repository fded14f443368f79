"""RFC 3501 §6.3.8: LIST, its wildcards and its empty pattern."""

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, unsupported, verify, verify_equal, verify_ok
from harness.strategies import mailbox_names
from harness.strategies.mailbox_names import matches
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import ListData
from suites.imap.talk import IMAP, listed
from suites.imap.tampering import During, not_told

_TREE = ("a", "a/b", "a/b/c", "a/bc", "ab", "b")
_PATTERNS = st.lists(mailbox_names.patterns(["", *_TREE]), min_size=4, max_size=12, unique=True)


@requirement(
    "rfc3501/6.3.8/wildcards",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(LIST \S+ \S*)%", rb"\1*"),
    also=["rfc9051/6.3.9/wildcards", "rfc9051/6.3.9/only-what-matches"],
)
@example(patterns=["%", "a%", "a/%", "*", "a*c"])
@given(patterns=_PATTERNS)
def test_wildcards_match_what_they_should(target: Target, patterns: list[str]) -> None:
    """`*` matches any run of characters, `%` any that has no hierarchy separator; nothing else is listed."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        if box.delimiter is None:
            unsupported("the target has no hierarchy of mailboxes")
        delimiter, root = box.delimiter.decode(), box.name.decode()
        existing = [root, *(root + delimiter + name.replace("/", delimiter) for name in _TREE)]
        for name in existing[1:]:
            result = client.create(name)
            if not result.ok:
                unsupported(f"the target does not create {name!r}: {result.tagged.octets!r}")
        for pattern in patterns:
            whole = root + (delimiter + pattern.replace("/", delimiter) if pattern else "%")
            expected = sorted(name for name in existing if matches(whole, name, delimiter))
            actual = sorted(name.decode() for name in listed(client, whole.encode()))
            verify_equal(f'the names that LIST "" "{whole}" returns', expected=expected, actual=actual)


@requirement(
    "rfc3501/6.3.8/empty-pattern",
    level=PROSE,
    needs=IMAP,
    refuted_by=not_told(b"LIST", b"LIST"),
    also=["rfc9051/6.3.9/empty-pattern"],
)
def test_an_empty_pattern_asks_for_the_separator(target: Target) -> None:
    """LIST with an empty mailbox name returns the hierarchy separator, in one response."""
    with target.imap_mailbox() as box:
        result = box.client.list(b"", b"")
        verify_ok(result)
        told = result.all(ListData)
        verify_equal("the number of LIST responses", expected=1, actual=len(told))
        if box.child_name() is not None and told[0].mailbox == b"":
            verify(told[0].delimiter is not None, expected="a separator", actual=told[0])


@requirement(
    "rfc3501/6.3.8/inbox-listed",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"LIST", Rewrite.from_server(rb"^\* LIST [^\r]* \"?INBOX\"?\r\n", b"")),
    also=["rfc9051/6.3.9/inbox-listed"],
)
def test_inbox_is_listed(target: Target) -> None:
    """INBOX is among the names for every pattern that the upper-case word matches."""
    with target.imap_mailbox() as box:
        for pattern in (b"*", b"%", b"INBOX", b"INB*", b"%BOX"):
            names = listed(box.client, pattern)
            verify(b"INBOX" in names, expected=f'INBOX in LIST "" {pattern!r}', actual=sorted(names))
