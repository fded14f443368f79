"""RFC 3501 §6.3.3 to §6.3.7, §6.3.9: mailboxes made, removed, renamed, subscribed."""

from hypothesis import strategies as st

from harness.clients.imap import ImapClient
from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    SHOULD,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.strategies import mailbox_names
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from suites.imap.talk import IMAP, code_name, listed, status_of, uids_of
from suites.imap.tampering import During, Remembering, answered


def _child(box: ImapMailbox, name: bytes = b"child") -> bytes:
    child = box.child_name(name)
    if child is None:
        unsupported("the target has no hierarchy of mailboxes")
    return child


def _made(client: ImapClient, *names: bytes) -> None:
    for name in names:
        result = client.create(name)
        if not result.ok:
            unsupported(f"the target does not create {name!r}: {result.tagged.octets!r}")


def _exists(client: ImapClient, name: bytes) -> bool:
    return client.status(name, b"MESSAGES").ok


# CREATE


@requirement(
    "rfc3501/6.3.3/create-extant-no",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"CREATE", b"OK", of=b"NO"),
    also=["rfc9051/6.3.4/create-extant-no"],
)
@given(inbox=mailbox_names.inbox_variants())
def test_what_exists_cannot_be_created(target: Target, inbox: str) -> None:
    """CREATE of INBOX in any case, or of a name that exists, is answered NO."""
    with target.imap_mailbox() as box:
        verify_refused(box.client.create(box.name), "the mailbox exists", kinds={"NO"})
        verify_refused(box.client.create(inbox), "INBOX exists", kinds={"NO"})


@requirement(
    "rfc3501/6.3.3/declaration-ignored",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(CREATE) \S+[/.]\r\n", rb"\1 INBOX\r\n"),
    also=["rfc9051/6.3.4/declaration-ignored"],
)
def test_a_declaration_that_is_not_needed_is_ignored(target: Target) -> None:
    """If a mailbox made without a separator at its end can have others below it, CREATE with one is OK."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        plain, declared, delimiter = _child(box, b"plain"), _child(box, b"declared"), box.delimiter or b""
        _made(client, plain)
        if not client.create(plain + delimiter + b"below").ok:
            unsupported(f"the target makes no mailbox below {plain!r}, which was not declared to have some")
        verify_ok(client.create(declared + delimiter), f"CREATE {declared + delimiter!r}")


@requirement(
    "rfc3501/6.3.3/trailing-separator",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(CREATE \S+)[/.]\r\n", rb"\1x\r\n"),
    also=["rfc9051/6.3.4/trailing-separator"],
)
def test_a_trailing_separator_is_only_a_declaration(target: Target) -> None:
    """A name that ends in the hierarchy separator is created, selectable or not, without it."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        name, delimiter = _child(box), box.delimiter or b""
        _made(client, name + delimiter)  # If it is refused wrongly, the check above says so.
        offered = listed(client, box.name + b"*")
        verify(name in offered, expected=f"{name!r} listed", actual=sorted(offered))
        verify(name + delimiter not in offered, expected="no separator at its end", actual=sorted(offered))


@requirement(
    "rfc3501/6.3.3/superior-names",
    level=SHOULD,
    needs=IMAP,
    refuted_by=During(b"LIST", Rewrite.from_server(rb"^\* LIST [^\r]*middle\"?\r\n", b"")),
    also=["rfc9051/6.3.4/superior-names"],
)
def test_superior_names_are_created(target: Target) -> None:
    """CREATE of a deep name makes the levels above it, should they be missing."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        middle = _child(box, b"middle")
        deep = middle + (box.delimiter or b"") + b"deep"
        verify_ok(client.create(deep), f"CREATE {deep!r}")
        offered = listed(client, middle + b"%")
        verify(middle in offered, expected=f"the level {middle!r} listed", actual=sorted(offered))


@requirement(
    "rfc3501/6.3.3/recreated-mailbox-uids",
    level=MUST,
    needs=IMAP,
    refuted_by=Remembering(rb"(UIDVALIDITY) [0-9]+", lambda found, _: found.group(1) + b" 7"),
    also=["rfc9051/6.3.4/recreated-mailbox-uids", "rfc9051/2.3.1.1/never-another-message"],
)
@given(count=st.integers(1, 4))
def test_uids_are_not_used_again_after_delete(target: Target, count: int) -> None:
    """A mailbox created under a deleted one's name has greater UIDs, or another UIDVALIDITY."""
    with target.imap_mailbox() as box:
        client, name = box.other_session(), box.fresh_name()
        before = _one_life(client, name, count)
        verify_ok(client.delete(name))
        after = _one_life(client, name, 1)
        verify(
            before[0] != after[0] or min(after[1]) > max(before[1]),
            expected=f"UIDs above {max(before[1])}, or another UIDVALIDITY than {before[0]}",
            actual=f"UIDs {after[1]} with UIDVALIDITY {after[0]}",
        )
        verify_ok(client.delete(name))


def _one_life(client: ImapClient, name: bytes, count: int) -> tuple[int | None, tuple[int, ...]]:
    verify_ok(client.create(name))
    for _ in range(count):
        verify_ok(client.append(name, compose()))
    verify_ok(client.select(name))
    assert client.selected is not None
    uid_validity, uids = client.selected.uid_validity, uids_of(client)
    verify_equal("the number of messages", expected=count, actual=len(uids))
    verify_ok(client.close())
    return uid_validity, uids


# DELETE


@requirement(
    "rfc3501/6.3.4/delete-inbox-no",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"DELETE", b"OK", of=b"NO|BAD"),
    also=["rfc9051/6.3.5/delete-inbox-no"],
)
@given(inbox=mailbox_names.inbox_variants())
def test_inbox_cannot_be_deleted(target: Target, inbox: str) -> None:
    """DELETE of INBOX, or of a name that does not exist, is an error."""
    with target.imap_mailbox() as box:
        verify_refused(box.client.delete(inbox), "INBOX cannot be deleted", kinds={"NO"})
        verify_refused(box.client.delete(box.fresh_name()), "there is no such name", kinds={"NO"})


@requirement(
    "rfc3501/6.3.4/delete-removes",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"DELETE", Rewrite.from_client(rb"DELETE [^\r]*", b"NOOP")),
    also=["rfc9051/6.3.5/delete-removes"],
)
def test_delete_removes_the_mailbox(target: Target) -> None:
    """After DELETE the name is not listed any more, and cannot be selected."""
    with target.imap_mailbox() as box:
        client, name = box.other_session(), box.fresh_name()
        verify_ok(client.create(name))
        verify_ok(client.append(name, compose()))
        verify_ok(client.delete(name))
        verify_equal("the names listed", expected=[], actual=sorted(listed(client, name)))
        verify_refused(client.select(name), "the mailbox is deleted", kinds={"NO"})


@requirement(
    "rfc3501/6.3.4/inferiors-stay",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=During(b"LIST", Rewrite.from_server(rb"^\* LIST [^\r]*child\"?\r\n", b"")),
    also=["rfc9051/6.3.5/inferiors-stay"],
)
def test_delete_leaves_inferior_names(target: Target) -> None:
    """DELETE of a mailbox removes no name below it; a server may refuse such a DELETE."""
    with target.imap_mailbox() as box:
        client, parent = box.other_session(), box.fresh_name()
        if box.delimiter is None:
            unsupported("the target has no hierarchy of mailboxes")
        child = parent + box.delimiter + b"child"
        _made(client, parent, child)
        verify_ok(client.append(child, compose()))
        client.delete(parent)
        verify(child in listed(client, child), expected=f"{child!r} still listed", actual="it is gone")
        verify_equal("its messages", expected=1, actual=status_of(client, child, b"MESSAGES").messages)


# RENAME


@requirement(
    "rfc3501/6.3.5/rename",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"STATUS", Rewrite.from_server(rb"MESSAGES [0-9]+", b"MESSAGES 0")),
    also=["rfc9051/6.3.6/rename"],
)
@given(count=st.integers(1, 3))
def test_a_renamed_mailbox_keeps_its_messages(target: Target, count: int) -> None:
    """RENAME changes the name: the messages are under the new one, and the old one is gone."""
    with target.imap_mailbox() as box:
        client, old, new = box.other_session(), box.fresh_name(), box.fresh_name()
        verify_ok(client.create(old))
        for _ in range(count):
            verify_ok(client.append(old, compose()))
        verify_ok(client.rename(old, new))
        verify_equal("messages", expected=count, actual=status_of(client, new, b"MESSAGES").messages)
        verify(not _exists(client, old), expected=f"no mailbox {old!r}", actual="it still has a STATUS")
        verify_ok(client.delete(new))


@requirement(
    "rfc3501/6.3.5/rename-inferiors",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"RENAME (\S+) (\S+)\r\n", rb"RENAME \1/child \2\r\n"),
    also=["rfc9051/6.3.6/rename-inferiors"],
)
def test_inferior_names_are_renamed_too(target: Target) -> None:
    """RENAME of a name renames everything below it."""
    with target.imap_mailbox() as box:
        client, old, new = box.other_session(), box.fresh_name(), box.fresh_name()
        if box.delimiter is None:
            unsupported("the target has no hierarchy of mailboxes")
        below = [box.delimiter + b"child", box.delimiter + b"child" + box.delimiter + b"grandchild"]
        _made(client, old, *(old + each for each in below))
        verify_ok(client.append(old + below[1], compose()))
        verify_ok(client.rename(old, new))
        offered = listed(client, new + b"*")
        verify(
            {new, *(new + each for each in below)} <= set(offered),
            expected=f"{new!r} and the names below it",
            actual=sorted(offered),
        )
        verify_equal("names left below the old one", expected=[], actual=sorted(listed(client, old + b"*")))
        moved = status_of(client, new + below[1], b"MESSAGES").messages
        verify_equal("the messages two levels below", expected=1, actual=moved)


@requirement(
    "rfc3501/6.3.5/rename-errors-no",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"RENAME", b"OK", of=b"NO|BAD"),
    also=["rfc9051/6.3.6/rename-errors-no"],
)
def test_rename_from_nothing_or_to_something_is_no(target: Target) -> None:
    """RENAME from a name that does not exist, or to one that does, is answered NO and changes nothing."""
    with target.imap_mailbox() as box:
        client, other = box.other_session(), box.fresh_name()
        verify_refused(client.rename(box.fresh_name(), box.fresh_name()), "no such mailbox", kinds={"NO"})
        verify_ok(client.create(other))
        verify_refused(client.rename(other, box.name), "the new name exists", kinds={"NO"})
        verify(_exists(client, other), expected=f"{other!r} as it was", actual="it is gone")


# SUBSCRIBE, LSUB


@requirement(
    "rfc3501/6.3.6/subscribed-is-active",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"LSUB", Rewrite.from_server(rb"^\* LSUB [^\r]*\r\n", b"")),
)
def test_subscribe_and_unsubscribe_change_lsub(target: Target) -> None:
    """SUBSCRIBE adds the name to what LSUB returns, UNSUBSCRIBE takes it out."""
    with target.imap_mailbox() as box:
        client = box.client
        result = client.subscribe(box.name)
        if not result.ok:
            unsupported(f"SUBSCRIBE is refused: {result.tagged.octets!r}")
        verify(
            box.name in listed(client, box.name, subscribed=True),
            expected=f"{box.name!r} in LSUB after SUBSCRIBE",
            actual=sorted(listed(client, b"*", subscribed=True)),
        )
        verify_ok(client.unsubscribe(box.name))
        verify(
            box.name not in listed(client, box.name, subscribed=True),
            expected=f"{box.name!r} not in LSUB after UNSUBSCRIBE",
            actual="it is still there",
        )


@requirement(
    "rfc3501/6.3.9/subscription-stays",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=During(b"LSUB", Rewrite.from_server(rb"^\* LSUB [^\r]*\r\n", b"")),
    also=["rfc9051/6.3.7/subscription-stays"],
)
def test_a_subscription_outlives_its_mailbox(target: Target) -> None:
    """The server does not unsubscribe a name because its mailbox does not exist any more."""
    with target.imap_mailbox() as box:
        client, name = box.other_session(), box.fresh_name()
        verify_ok(client.create(name))
        if not client.subscribe(name).ok:
            unsupported("SUBSCRIBE is refused")
        verify_ok(client.delete(name))
        found = name in listed(client, name, subscribed=True)
        client.unsubscribe(name)
        verify(found, expected=f"{name!r} still in LSUB", actual="it was unsubscribed by DELETE")


@requirement(
    "rfc3501/6.3.9/lsub-percent",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"LSUB", Rewrite.from_server(rb"^(\* LSUB) \([^)]*\)", rb"\1 ()")),
)
def test_lsub_percent_returns_the_level_above_a_subscription(target: Target) -> None:
    r"""Where only `foo/bar` is subscribed, LSUB with `%` returns `foo` with \Noselect."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        child = _child(box)
        _made(client, child)
        if not client.subscribe(child).ok:
            unsupported("SUBSCRIBE is refused")
        offered = listed(client, box.name + b"%", subscribed=True)
        client.unsubscribe(child)
        verify(set(offered) == {box.name}, expected=f"{box.name!r} alone", actual=sorted(offered))
        verify(
            offered[box.name].has(rb"\Noselect"),
            expected=rf"{box.name!r} with \Noselect",
            actual=offered[box.name].attributes,
        )


# TRYCREATE


@requirement(
    "rfc3501/6.3.11/append-trycreate",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"APPEND", Rewrite.from_server(rb"\[TRYCREATE\] ", b"")),
    also=["rfc9051/6.3.12/append-trycreate"],
)
def test_append_to_nowhere_hints_at_create(target: Target) -> None:
    """APPEND to a mailbox that does not exist is NO with [TRYCREATE]."""
    with target.imap_mailbox() as box:
        result = box.client.append(box.fresh_name(), compose())
        verify_refused(result, "there is no such mailbox", kinds={"NO"})
        verify_equal("the response code", expected=b"TRYCREATE", actual=code_name(result))


@requirement(
    "rfc3501/6.3.11/append-never-creates",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"STATUS \S+ ", b"STATUS INBOX "),
    also=["rfc9051/6.3.12/append-never-creates"],
)
def test_append_creates_no_mailbox(target: Target) -> None:
    """APPEND to a mailbox that does not exist fails, and does not create it."""
    with target.imap_mailbox() as box:
        name = box.fresh_name()
        verify_refused(box.client.append(name, compose()), "there is no such mailbox")
        verify(not _exists(box.client, name), expected=f"no mailbox {name!r}", actual="it was created")


@requirement(
    "rfc3501/6.4.7/copy-trycreate",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"COPY", Rewrite.from_server(rb"\[TRYCREATE\] ", b"")),
    also=["rfc9051/6.4.7/copy-trycreate"],
)
def test_copy_to_nowhere_hints_at_create(target: Target) -> None:
    """COPY to a mailbox that does not exist is NO with [TRYCREATE], unless the server makes it."""
    with target.imap_mailbox() as box:
        box.append(compose())
        result = box.client.copy(1, box.fresh_name())
        if result.ok:
            unsupported("the target creates the destination of COPY")
        verify_refused(result, "there is no such mailbox", kinds={"NO"})
        verify_equal("the response code", expected=b"TRYCREATE", actual=code_name(result))
