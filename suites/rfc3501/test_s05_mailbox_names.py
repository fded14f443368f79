"""RFC 3501 §5.1: INBOX, names beyond ASCII, names as they come back from LIST (§7.2.2)."""

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    PROSE,
    SHOULD,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.strategies import hostile, mailbox_names
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import encode_mailbox_name
from suites.imap.talk import IMAP, listed, status_of
from suites.imap.tampering import During, answered


@requirement(
    "rfc3501/5.1/inbox-any-case",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(?!INBOX)\b(?i:inbox)\b", b"no-such-box"),
    also=["rfc9051/5.1/inbox-any-case", "rfc9051/9/inbox-any-case"],
)
@example(names=["inbox", "InBox"])
@given(names=st.lists(mailbox_names.inbox_variants(), min_size=1, max_size=4))
def test_inbox_has_no_case(target: Target, names: list[str]) -> None:
    """INBOX in any case is the primary mailbox."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        known = status_of(client, b"INBOX", b"UIDVALIDITY").uid_validity
        for name in names:
            variant = status_of(client, name.encode(), b"UIDVALIDITY").uid_validity
            verify_equal(f"UIDVALIDITY of {name}", expected=known, actual=variant)
        verify_ok(client.examine(names[0]), f"EXAMINE {names[0]}")


@requirement(
    "rfc3501/5.1.3/shifted-part-preserved",
    level=MUST,
    needs=IMAP,
    refuted_by=During(
        b"LIST", Rewrite.from_server(rb"&[A-Za-z0-9+,]+-", lambda found: found.group().swapcase())
    ),
    also=["rfc9051/A.1/shifted-part-preserved"],
)
@given(names=st.lists(mailbox_names.non_ascii_names(), min_size=1, max_size=3, unique=True))
def test_names_in_modified_utf7_come_back_as_they_were(target: Target, names: list[str]) -> None:
    """The shifted part of a name is kept in its exact form; a server may refuse to create such a name."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        for name in names:
            child = box.child_name(encode_mailbox_name(name))
            wire = child if child is not None else box.fresh_name() + encode_mailbox_name(name)
            if not client.create(wire).ok:
                continue
            verify(
                wire in listed(client, wire), expected=f"{wire!r} listed", actual=sorted(listed(client, b"*"))
            )
            status_of(client, wire, b"MESSAGES")


@requirement(
    "rfc3501/5.1.3/create-verifies-utf7",
    level=SHOULD,
    needs=IMAP,
    refuted_by=answered(b"CREATE", b"OK", of=b"NO|BAD"),
    also=["rfc9051/A.1/create-verifies-utf7"],
)
@given(parts=st.lists(hostile.broken_utf7_names(), min_size=1, max_size=3, unique=True))
def test_create_refuses_broken_modified_utf7(target: Target, parts: list[bytes]) -> None:
    """CREATE verifies that a name with `&` is correct modified UTF-7 without superfluous shifts."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        for part in parts:
            name = box.fresh_name() + part
            verify_refused(client.create(name), f"CREATE {name!r} is not modified UTF-7")


@requirement(
    "rfc3501/7.2.2/listed-name-valid",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"STATUS", Rewrite.from_client(rb"[&(){}<>!$'+,:;=?@^_`|]+z", b"z")),
    also=["rfc9051/7.3.1/listed-name-valid"],
)
@given(names=st.lists(mailbox_names.special_names(), min_size=1, max_size=3, unique=True))
def test_a_listed_name_can_be_used(target: Target, names: list[str]) -> None:
    r"""A name that LIST returns without \Noselect is valid in SELECT and the like, whatever is in it."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        made = []
        for name in names:
            wire = box.fresh_name() + encode_mailbox_name(name)
            if box.delimiter is not None and box.delimiter in wire[len(box.name) :]:
                continue
            if client.create(wire).ok:
                made.append(wire)
        offered = listed(client, b"*")
        for wire in made:
            verify(wire in offered, expected=f"{wire!r} listed as it was created", actual=sorted(offered))
            if not offered[wire].has(rb"\Noselect"):
                status_of(client, wire, b"MESSAGES")
                verify_ok(client.examine(wire), f"EXAMINE {wire!r}")
