"""RFC 3501 §2.3.1.1: unique identifiers, UIDNEXT and UIDVALIDITY."""

import re

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    SHOULD_NOT,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
)
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import FetchData
from suites.imap.talk import IMAP, delete_marked, status_of, uids_of
from suites.imap.tampering import During, Memory, Remembering, counted


def _drifting(found: re.Match[bytes], memory: Memory) -> bytes:
    return b"%d" % (int(found.group()) + counted(memory, b"uid"))


def _higher(found: re.Match[bytes]) -> bytes:
    return b"UIDNEXT %d" % (int(found.group(1)) + 50)


_ACTIONS = st.lists(
    st.sampled_from(["append", "append-elsewhere", "copy", "expunge"]), min_size=2, max_size=6
)


@requirement(
    "rfc3501/2.3.1.1/uids-ascend",
    level=MUST,
    needs=IMAP,
    refuted_by=Remembering(
        rb"(?<=UID )([0-9]+)(?=\))", lambda found, _: b"%d" % (100 - int(found.group(1)) % 100)
    ),
    also=["rfc9051/2.3.1.1/uids-ascend", "rfc3501/2.3.1.2/numbers-by-uid", "rfc9051/2.3.1.2/numbers-by-uid"],
)
@given(actions=_ACTIONS)
def test_each_new_message_has_a_higher_uid(target: Target, actions: list[str]) -> None:
    """Whatever adds a message, its UID is higher than all before it; numbers follow the UIDs."""
    with target.imap_mailbox() as box:
        client, other = box.client, box.other_session()
        box.append(compose())
        verify_ok(client.noop())
        highest, count = 0, 1
        for action in ["copy", *actions]:
            match action:
                case "append":
                    box.append(compose())
                case "append-elsewhere":
                    verify_ok(other.append(box.name, compose()))
                case _ if not count:
                    continue
                case "copy":
                    verify_ok(client.copy(1, box.name))
                case "expunge":
                    delete_marked(client, b"*")
                    verify_ok(client.expunge())
            count += -1 if action == "expunge" else 1
            verify_ok(client.noop())
            uids = uids_of(client)
            verify_equal("the number of messages", expected=count, actual=len(uids))
            verify(list(uids) == sorted(set(uids)), expected="UIDs that ascend with the numbers", actual=uids)
            if action == "expunge":
                continue
            verify(uids[-1] > highest, expected=f"a new UID above {highest}", actual=uids)
            highest = max(highest, *uids)


@requirement(
    "rfc3501/2.3.1.1/uidnext-changes",
    level=MUST,
    needs=IMAP,
    refuted_by=Remembering(rb"(UIDNEXT) [0-9]+", lambda found, memory: memory.setdefault(b"", found.group())),
    also=["rfc9051/2.3.1.1/uidnext-changes"],
)
@given(expunged=st.lists(st.booleans(), min_size=1, max_size=4))
def test_uidnext_changes_with_every_new_message(target: Target, expunged: list[bool]) -> None:
    """UIDNEXT changes when messages are added, even if they are expunged at once."""
    with target.imap_mailbox() as box:
        other = box.other_session()
        before = status_of(other, box.name, b"UIDNEXT").uid_next or 0
        for gone in expunged:
            box.append(compose())
            if gone:
                verify_ok(box.client.noop())
                delete_marked(box.client, b"*")
                verify_ok(box.client.expunge())
            after = status_of(other, box.name, b"UIDNEXT").uid_next or 0
            verify(after > before, expected=f"a UIDNEXT above {before}", actual=after)
            before = after


@requirement(
    "rfc3501/2.3.1.1/uidnext-predicts",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=During(b"STATUS", Rewrite.from_server(rb"UIDNEXT ([0-9]+)", _higher)),
    also=["rfc9051/2.3.1.1/uidnext-predicts"],
)
@given(count=st.integers(1, 4))
def test_no_message_arrives_below_uidnext(target: Target, count: int) -> None:
    """UIDNEXT does not change without new messages, and those that come are not below it."""
    with target.imap_mailbox() as box:
        other = box.other_session()
        predicted = status_of(other, box.name, b"UIDNEXT").uid_next or 0
        again = status_of(other, box.name, b"UIDNEXT").uid_next
        verify_equal("UIDNEXT with nothing added", expected=predicted, actual=again)
        for _ in range(count):
            box.append(compose())
        verify_ok(box.client.noop())
        uids = uids_of(box.client)
        verify_equal("the number of messages", expected=count, actual=len(uids))
        verify(min(uids) >= predicted, expected=f"UIDs of {predicted} and above", actual=uids)


@requirement(
    "rfc3501/2.3.1.1/uids-stay-in-session",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=Remembering(rb"(?<=UID )[0-9]+(?=\))", _drifting),
    also=["rfc9051/2.3.1.1/uids-stay-in-session"],
)
@given(actions=_ACTIONS)
def test_identifiers_do_not_change_during_a_session(target: Target, actions: list[str]) -> None:
    """Within one session no message gets another UID."""
    with target.imap_mailbox() as box:
        client, other = box.client, box.other_session()
        box.append(compose())
        verify_ok(client.noop())
        before = uids_of(client)
        for action in actions:
            match action:
                case "append":
                    box.append(compose())
                case "append-elsewhere":
                    verify_ok(other.append(box.name, compose()))
                case _ if not before:
                    continue
                case "copy":
                    verify_ok(client.copy(1, box.name))
                case "expunge":
                    delete_marked(client, 1)
                    verify_ok(client.expunge())
                    before = before[1:]
            verify_ok(client.noop())
            uids = uids_of(client)
            verify_equal("the UIDs known before", expected=before, actual=uids[: len(before)])
            before = uids


@requirement(
    "rfc3501/2.3.1.1/uid-change-by-uidvalidity",
    level=MUST,
    needs=IMAP,
    refuted_by=Remembering(rb"(?<=UID )[0-9]+(?= BODY)", _drifting),
    also=["rfc9051/2.3.1.1/uid-change-by-uidvalidity"],
)
@given(looks=st.lists(st.sampled_from(["select", "examine", "connect", "append"]), max_size=6))
def test_changed_identifiers_have_another_uidvalidity(target: Target, looks: list[str]) -> None:
    """Where a message has another UID than in an earlier session, UIDVALIDITY is another one too."""
    with target.imap_mailbox() as box:
        message = compose()
        box.append(message)
        client = box.other_session()
        known: dict[int | None, int | None] = {}
        for look in ["select", *looks, "select"]:
            match look:
                case "append":
                    box.append(compose())
                    continue
                case "connect":
                    client = box.other_session()
                    verify_ok(client.select(box.name))
                case "examine":
                    verify_ok(client.examine(box.name))
                case _:
                    verify_ok(client.select(box.name))
            result = client.fetch(b"1:*", b"(UID BODY.PEEK[])")
            verify_ok(result)
            found = [each.uid for each in result.all(FetchData) if each.message == message]
            verify(len(found) == 1, expected="the message once", actual=found)
            assert client.selected is not None
            validity = client.selected.uid_validity
            uid = known.setdefault(validity, found[0])
            verify_equal(f"the UID under UIDVALIDITY {validity}", expected=uid, actual=found[0])


@requirement(
    "rfc3501/2.3.1.1/uids-persist",
    level=SHOULD_NOT,
    needs=IMAP,
    refuted_by=Remembering(rb"UID ([0-9]+)", lambda found, _: b"UID %d" % (int(found.group(1)) * 2 + 7)),
    also=["rfc9051/2.3.1.1/uids-persist"],
)
@given(count=st.integers(1, 4))
def test_identifiers_persist_between_sessions(target: Target, count: int) -> None:
    """A later session finds the same messages under the same UIDs and the same UIDVALIDITY."""
    with target.imap_mailbox() as box:
        texts = [compose() for _ in range(count)]
        for text in texts:
            box.append(text)
        verify_ok(box.client.noop())
        uids, selected = uids_of(box.client), box.client.selected
        assert selected is not None
        verify_ok(box.client.logout())
        later = box.second()
        assert later.selected is not None
        verify_equal("UIDVALIDITY", expected=selected.uid_validity, actual=later.selected.uid_validity)
        result = later.uid_fetch(uids, b"BODY.PEEK[]")
        verify_ok(result)
        found = {each.uid: each.message for each in result.all(FetchData) if each.message is not None}
        verify_equal("messages by UID", expected=dict(zip(uids, texts, strict=True)), actual=found)
