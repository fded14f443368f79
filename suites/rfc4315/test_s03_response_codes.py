"""RFC 4315 §2.1, §3: UID EXPUNGE, APPENDUID and COPYUID."""

from hypothesis import strategies as st

from harness.conformance import (
    PROSE,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
)
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import FetchData
from suites.imap.talk import delete_marked, expunges, offers, status_of, uids_of

_NEEDS = offers("UIDPLUS")
_COUNT = 5
_CHOSEN = st.sets(st.integers(1, _COUNT), min_size=1)


def _filled(box: ImapMailbox) -> dict[int, bytes]:
    texts = [compose() for _ in range(_COUNT)]
    for text in texts:
        box.append(text)
    verify_ok(box.client.noop())
    return dict(zip(uids_of(box.client), texts, strict=True))


@requirement(
    "rfc4315/2.1/uid-expunge",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_client(rb"UID EXPUNGE [^\r]*", b"EXPUNGE"),
    also=["rfc9051/6.4.9/uid-expunge"],
)
@given(deleted=st.sets(st.integers(1, _COUNT)), named=_CHOSEN, beyond=st.integers(1, 2**31))
def test_uid_expunge_removes_what_is_both(
    target: Target, deleted: set[int], named: set[int], beyond: int
) -> None:
    r"""UID EXPUNGE removes the messages that have \Deleted and are in its set; all others stay."""
    with target.imap_mailbox() as box:
        uids = list(_filled(box))
        if deleted:
            delete_marked(box.client, deleted)
        result = box.client.uid_expunge([*(uids[number - 1] for number in named), uids[-1] + beyond])
        verify_ok(result)
        gone = deleted & named
        left = [uid for number, uid in enumerate(uids, start=1) if number not in gone]
        verify_equal("the number of EXPUNGE responses", expected=len(gone), actual=len(expunges(result)))
        verify_equal("the UIDs left", expected=left, actual=list(uids_of(box.second())))


@requirement(
    "rfc4315/3/appenduid",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(
        rb"\[APPENDUID ([0-9]+) ([0-9]+)\]",
        lambda found: b"[APPENDUID %s %d]" % (found.group(1), int(found.group(2)) + 1),
    ),
    also=["rfc9051/6.3.12/appenduid"],
)
@given(count=st.integers(1, 4))
def test_appenduid_names_the_message(target: Target, count: int) -> None:
    """APPENDUID tells the UIDVALIDITY of the mailbox, and the UID under which the message is found there."""
    with target.imap_mailbox() as box:
        told = {}
        for _ in range(count):
            text = compose()
            result = box.append(text)
            verify(
                result.append_uid is not None,
                expected="an APPENDUID code in the OK of APPEND",
                actual=result.tagged.octets,
            )
            assert result.append_uid is not None
            verify_equal("UIDs in APPENDUID", expected=1, actual=len(result.append_uid.uids))
            valid = status_of(box.other_session(), box.name, b"UIDVALIDITY").uid_validity
            verify_equal("UIDVALIDITY in APPENDUID", expected=valid, actual=result.append_uid.uid_validity)
            told[result.append_uid.uid] = text
        verify_ok(box.client.noop())
        verify_equal("messages by the UIDs told", expected=told, actual=_texts(box))


def _texts(box: ImapMailbox) -> dict[int, bytes]:
    if box.client.selected is None or not box.client.selected.exists:
        return {}
    result = box.client.fetch(b"1:*", b"UID BODY.PEEK[]")
    verify_ok(result)
    return {each.uid: each.message for each in result.all(FetchData) if each.uid and each.message is not None}


@requirement(
    "rfc4315/3/copyuid",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(
        rb"\[COPYUID ([0-9]+) (\S+) [^\]]*?([0-9]+)\]",
        lambda found: (
            b"[COPYUID %s %s %d]" % (found[1], found[2].split(b",")[0].split(b":")[0], int(found[3]) + 1)
        ),
    ),
    also=["rfc9051/6.4.7/copyuid"],
)
@given(chosen=_CHOSEN, existing=st.integers(0, 2))
def test_copyuid_maps_originals_to_copies(target: Target, chosen: set[int], existing: int) -> None:
    """COPYUID tells for each message copied the UID it had, and in the same place the UID of its copy."""
    with target.imap_mailbox() as box:
        texts = _filled(box)
        uids = list(texts)
        name = box.fresh_name()
        verify_ok(box.client.create(name))
        for _ in range(existing):
            verify_ok(box.client.append(name, compose()))
        result = box.client.copy(chosen, name)
        verify_ok(result)
        told = result.copy_uid
        verify(told is not None, expected="a COPYUID code in the OK of COPY", actual=result.tagged.octets)
        assert told is not None
        verify_equal("the source UIDs", expected={uids[n - 1] for n in chosen}, actual=set(told.source))
        valid = status_of(box.client, name, b"UIDVALIDITY").uid_validity
        verify_equal("UIDVALIDITY in COPYUID", expected=valid, actual=told.uid_validity)
        expected = {
            copy: texts[original] for original, copy in zip(told.source, told.destination, strict=True)
        }
        verify_ok(box.client.select(name))
        held = _texts(box)
        verify_equal("the copies by UID", expected=expected, actual={uid: held.get(uid) for uid in expected})
        verify_equal("the number of messages", expected=existing + len(chosen), actual=len(held))
