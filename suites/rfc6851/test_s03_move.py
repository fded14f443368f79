"""RFC 6851 §3, §4.3: MOVE and UID MOVE."""

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    SHOULD,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.models.mailbox import SessionView
from harness.strategies import flags as flag_strategies
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import DELETED
from harness.wire.imap import FetchData
from suites.imap.talk import code_name, expunges, offers, same_flags, uids_of

_NEEDS = offers("MOVE")
_COUNT = 4
_CHOSEN = st.sets(st.integers(1, _COUNT), min_size=1)


def _filled(box: ImapMailbox) -> list[bytes]:
    texts = [compose() for _ in range(_COUNT)]
    for text in texts:
        box.append(text)
    verify_ok(box.client.noop())
    return texts


def _destination(box: ImapMailbox) -> bytes:
    name = box.fresh_name()
    verify_ok(box.client.create(name))
    return name


def _held(box: ImapMailbox, name: bytes) -> list[FetchData]:
    client = box.other_session()
    verify_ok(client.examine(name))
    if client.selected is None or not client.selected.exists:
        return []
    result = client.fetch(b"1:*", b"UID FLAGS BODY.PEEK[]")
    verify_ok(result)
    return sorted(result.all(FetchData), key=lambda data: data.number)


@requirement(
    "rfc6851/3/no-message-lost",
    level=MUST,
    needs=_NEEDS,
    refuted_by=Rewrite.from_client(rb" MOVE (\S+) ", rb" COPY \1 "),
    also=["rfc9051/6.4.8/no-message-lost", "rfc9051/6.4.8/not-in-both"],
)
@given(chosen=_CHOSEN, by_uid=st.booleans())
def test_move_takes_messages_from_one_mailbox_to_another(
    target: Target, chosen: set[int], by_uid: bool
) -> None:
    """Each message named is in the target mailbox afterwards and not in the source; the others stay."""
    with target.imap_mailbox() as box:
        texts = _filled(box)
        name = _destination(box)
        uids = uids_of(box.client)
        result = (
            box.client.uid_move([uids[number - 1] for number in chosen], name)
            if by_uid
            else box.client.move(chosen, name)
        )
        verify_ok(result)
        moved = [text for number, text in enumerate(texts, start=1) if number in chosen]
        left = [text for number, text in enumerate(texts, start=1) if number not in chosen]
        verify_equal("moved", expected=set(moved), actual={data.message for data in _held(box, name)})
        verify_equal("left", expected=left, actual=[data.message for data in _held(box, box.name)])


@requirement(
    "rfc6851/3/expunge-responses",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(rb"^\* [0-9]+ EXPUNGE\r\n", b"", count=1),
    also=["rfc9051/6.4.8/expunge-responses"],
)
@given(chosen=_CHOSEN)
def test_move_tells_what_has_gone(target: Target, chosen: set[int]) -> None:
    """MOVE sends EXPUNGE responses for the messages moved, numbered as those of EXPUNGE."""
    with target.imap_mailbox() as box:
        _filled(box)
        name = _destination(box)
        view = SessionView(list(uids_of(box.client)))
        result = box.client.move(chosen, name)
        verify_ok(result)
        for number in expunges(result):
            verify(1 <= number <= len(view.uids), expected=f"1 to {len(view.uids)}", actual=number)
            view.expunge(number)
        verify_equal("the UIDs left, by the responses", expected=list(uids_of(box.client)), actual=view.uids)
        verify_equal("their number", expected=_COUNT - len(chosen), actual=len(view.uids))


@requirement(
    "rfc6851/3/deleted-not-set",
    level=MUST_NOT,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(rb"FLAGS \((?=[^)]*\)[^\r]*BODY\[\])", rb"FLAGS (\\Deleted "),
    also=["rfc9051/6.4.8/deleted-not-set"],
)
@given(flags=flag_strategies.flag_sets())
def test_move_sets_no_deleted_flag(target: Target, flags: frozenset[bytes]) -> None:
    r"""A moved message does not have \Deleted, and nothing of a STORE is told."""
    with target.imap_mailbox() as box:
        _filled(box)
        verify_ok(box.client.store(2, b"FLAGS", flags))
        name = _destination(box)
        result = box.client.move(2, name)
        verify_ok(result)
        told = [data for data in result.all(FetchData) if data.flags and DELETED in data.flags]
        verify_equal(r"FETCH responses with \Deleted", expected=[], actual=told)
        moved = [same_flags(data.flags) for data in _held(box, name)]
        verify(
            moved and DELETED.lower() not in moved[0],
            expected=r"one message without \Deleted in the target mailbox",
            actual=moved,
        )


@requirement(
    "rfc6851/3/trycreate",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(rb"\[TRYCREATE\] ", b""),
    also=["rfc9051/6.4.8/move-trycreate"],
)
@given(chosen=_CHOSEN)
def test_move_to_nowhere_moves_nothing(target: Target, chosen: set[int]) -> None:
    """MOVE to a mailbox that does not exist is NO with [TRYCREATE], as COPY is, and every message stays."""
    with target.imap_mailbox() as box:
        texts = _filled(box)
        result = box.client.move(chosen, box.fresh_name())
        verify_refused(result, "there is no such mailbox", kinds={"NO"})
        verify_equal("the response code", expected=b"TRYCREATE", actual=code_name(result))
        verify_equal("messages", expected=texts, actual=[data.message for data in _held(box, box.name)])


@requirement(
    "rfc6851/4.3/copyuid",
    level=SHOULD,
    needs=_NEEDS | offers("UIDPLUS"),
    refuted_by=Rewrite.from_server(rb"^\* OK \[COPYUID [^\]]*\]", b"* OK"),
)
@given(chosen=_CHOSEN)
def test_uid_move_tells_copyuid(target: Target, chosen: set[int]) -> None:
    """UID MOVE tells by COPYUID which UIDs the moved messages had and have."""
    with target.imap_mailbox() as box:
        texts = dict(zip(_filled(box), uids_of(box.client), strict=True))
        name = _destination(box)
        originals = [uid for number, uid in enumerate(texts.values(), start=1) if number in chosen]
        result = box.client.uid_move(originals, name)
        verify_ok(result)
        told = result.copy_uid
        verify(told is not None, expected="a COPYUID code", actual=result.octets)
        assert told is not None
        held = {data.uid: texts.get(data.message or b"") for data in _held(box, name)}
        expected = dict(zip(told.destination, told.source, strict=True))
        verify_equal("UIDs here, and what they were", expected=expected, actual=held)
        verify_equal("the UIDs moved", expected=sorted(originals), actual=sorted(told.source))
