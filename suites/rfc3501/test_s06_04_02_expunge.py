"""RFC 3501 §6.4.2, §6.4.3, §7.4.1: what removes messages, and how that is told."""

import re

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import (
    MUST_NOT,
    PROSE,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
)
from harness.models.mailbox import SessionView
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from suites.imap.talk import IMAP, delete_marked, expunges, uids_of
from suites.imap.tampering import During, Memory, Remembering, counted, told_also

_COUNT = 6
_CHOSEN = st.sets(st.integers(1, _COUNT), min_size=1)


def _filled(box: ImapMailbox, count: int = _COUNT) -> tuple[int, ...]:
    for _ in range(count):
        box.append(compose())
    verify_ok(box.client.noop())
    uids = uids_of(box.client)
    verify_equal("the number of messages", expected=count, actual=len(uids))
    return uids


def _original(found: re.Match[bytes], memory: Memory) -> bytes:
    """The numbers of a server that does not renumber after each removal."""
    return b"* %d EXPUNGE" % min(_COUNT, int(found.group(1)) + counted(memory, b"expunged"))


@requirement(
    "rfc3501/7.4.1/renumbering",
    level=PROSE,
    needs=IMAP,
    refuted_by=Remembering(rb"^\* ([0-9]+) EXPUNGE", _original),
    also=["rfc9051/7.5.1/renumbering"],
)
@example(chosen={1, 2, 4})
@given(chosen=_CHOSEN)
def test_expunge_numbers_count_what_is_left(target: Target, chosen: set[int]) -> None:
    """Each EXPUNGE response renumbers at once: replayed, the responses leave what the mailbox holds."""
    with target.imap_mailbox() as box:
        view = SessionView(list(_filled(box)))
        delete_marked(box.client, chosen)
        result = box.client.expunge()
        verify_ok(result)
        for number in expunges(result):
            left = len(view.uids)
            verify(1 <= number <= left, expected=f"a number from 1 to {left}", actual=f"{number} EXPUNGE")
            view.expunge(number)
        verify_equal("the UIDs left, by the responses", expected=list(uids_of(box.client)), actual=view.uids)


@requirement(
    "rfc3501/6.4.3/removes-deleted",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(STORE )([0-9]+)([0-9,:]*)", rb"\g<1>1:\2\3"),
    also=["rfc9051/6.4.3/removes-deleted"],
)
@given(chosen=_CHOSEN)
def test_expunge_removes_the_deleted_messages(target: Target, chosen: set[int]) -> None:
    r"""EXPUNGE removes the messages with \Deleted and no other, with one response for each."""
    with target.imap_mailbox() as box:
        uids = _filled(box)
        left = [uid for number, uid in enumerate(uids, start=1) if number not in chosen]
        delete_marked(box.client, chosen)
        result = box.client.expunge()
        verify_ok(result)
        verify_equal("the number of EXPUNGE responses", expected=len(chosen), actual=len(expunges(result)))
        verify_equal("the UIDs left", expected=left, actual=list(uids_of(box.client)))
        verify_equal("the UIDs for another session", expected=left, actual=list(uids_of(box.second())))
        again = box.client.expunge()
        verify_ok(again)
        verify_equal("a second EXPUNGE", expected=[], actual=expunges(again))


# CLOSE


@requirement(
    "rfc3501/6.4.2/close-expunges",
    level=PROSE,
    needs=IMAP,
    refuted_by=told_also(b"CLOSE", b"* 1 EXPUNGE"),
    also=["rfc9051/6.4.1/close-expunges"],
)
@given(chosen=_CHOSEN)
def test_close_removes_in_silence(target: Target, chosen: set[int]) -> None:
    r"""CLOSE removes the messages with \Deleted, without EXPUNGE responses, and deselects."""
    with target.imap_mailbox() as box:
        uids = _filled(box)
        delete_marked(box.client, chosen)
        result = box.client.close()
        verify_ok(result)
        verify_equal("EXPUNGE responses to CLOSE", expected=[], actual=expunges(result))
        left = [uid for number, uid in enumerate(uids, start=1) if number not in chosen]
        verify_equal("the UIDs left", expected=left, actual=list(uids_of(box.second())))
        verify(
            not box.client.fetch(1, b"FLAGS").ok,
            expected="no mailbox selected after CLOSE",
            actual="FETCH is OK",
        )


@requirement(
    "rfc3501/6.4.2/close-read-only",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"EXAMINE ", b"SELECT "),
    also=["rfc9051/6.4.1/close-read-only"],
)
@given(chosen=_CHOSEN)
def test_close_after_examine_removes_nothing(target: Target, chosen: set[int]) -> None:
    """CLOSE of a mailbox opened by EXAMINE removes no messages, and is no error."""
    with target.imap_mailbox() as box:
        uids = _filled(box)
        delete_marked(box.client, chosen)
        reader = box.other_session()
        verify_ok(reader.examine(box.name))
        verify_ok(reader.close())
        verify_equal("the UIDs", expected=list(uids), actual=list(uids_of(box.second())))


@requirement(
    "rfc3501/6.4.2/select-does-not-expunge",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"^(\S+) (?=LOGOUT|EXAMINE|SELECT INBOX)", rb"x9 EXPUNGE\r\n\1 ")
    + Rewrite.from_server(rb"^(?:\* [0-9]+ EXPUNGE|x9 [^\r]*)\r\n", b""),
    also=["rfc9051/6.4.1/select-does-not-expunge"],
)
@given(way=st.sampled_from(["select", "examine", "logout"]), chosen=_CHOSEN)
def test_leaving_a_mailbox_otherwise_removes_nothing(target: Target, way: str, chosen: set[int]) -> None:
    """SELECT, EXAMINE and LOGOUT close the selected mailbox without an expunge."""
    with target.imap_mailbox() as box:
        uids = _filled(box)
        delete_marked(box.client, chosen)
        leave = {
            "select": lambda: box.client.select("INBOX"),
            "examine": lambda: box.client.examine("INBOX"),
            "logout": box.client.logout,
        }
        verify_ok(leave[way]())
        verify_equal("the UIDs", expected=list(uids), actual=list(uids_of(box.second())))


# Another session expunges


@requirement(
    "rfc3501/7.4.1/not-during-fetch-store-search",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=During(b"FETCH STORE SEARCH", Rewrite.from_server(rb"^(?=A[0-9]+ )", rb"* 1 EXPUNGE\r\n")),
    also=["rfc9051/7.5.1/not-during-fetch-store-search"],
)
@given(
    chosen=_CHOSEN.filter(lambda chosen: len(chosen) < _COUNT),
    lines=st.lists(
        st.sampled_from(
            [b"FETCH 1:* FLAGS", b"FETCH 1:6 UID", rb"STORE 1:6 +FLAGS (\Flagged)", b"SEARCH ALL"]
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_no_expunge_while_numbers_are_in_use(target: Target, chosen: set[int], lines: list[bytes]) -> None:
    """While FETCH, STORE or SEARCH is answered no EXPUNGE is told, whatever others have removed."""
    with target.imap_mailbox() as box:
        _filled(box)
        other = box.second()
        delete_marked(other, chosen)
        verify_ok(other.expunge())
        for line in lines:
            result = box.client.command(line)
            verify_equal(f"EXPUNGE responses during {line.decode()}", expected=[], actual=expunges(result))
