"""RFC 3501 §6.4.7: COPY."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    PROSE,
    SHOULD,
    given,
    requirement,
    unsupported,
    verify_equal,
    verify_ok,
)
from harness.strategies import flags as flag_strategies
from harness.strategies import messages
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import FetchData
from suites.imap.talk import IMAP, same_flags, status_of
from suites.imap.tampering import During

_COUNT = 4
_CHOSEN = st.sets(st.integers(1, _COUNT), min_size=1)
_DATE = datetime(2019, 7, 14, 9, 30, tzinfo=UTC)


def _destination(box: ImapMailbox) -> bytes:
    name = box.fresh_name()
    verify_ok(box.client.create(name))
    return name


def _held(box: ImapMailbox, name: bytes, items: bytes) -> list[FetchData]:
    """What a look into a mailbox finds, by message number; all items in one response each."""
    client = box.other_session()
    verify_ok(client.examine(name))
    if client.selected is None or not client.selected.exists:
        return []
    result = client.fetch(b"1:*", items)
    verify_ok(result)
    return sorted(result.all(FetchData), key=lambda data: data.number)


@requirement(
    "rfc3501/6.4.7/copy-to-the-end",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb" COPY ([0-9]+)[0-9:,]* ", rb" COPY \1 "),
    also=["rfc9051/6.4.7/copy-to-the-end"],
)
@given(text=messages.conforming_messages(), chosen=_CHOSEN)
def test_copy_adds_the_messages_at_the_end(target: Target, text: bytes, chosen: set[int]) -> None:
    """COPY adds the messages named, octet for octet, behind those in the destination; the source stays."""
    with target.imap_mailbox() as box:
        texts = [text, *(compose() for _ in range(_COUNT - 1))]
        for each in texts:
            box.append(each)
        verify_ok(box.client.noop())
        name, first = _destination(box), compose()
        verify_ok(box.client.append(name, first))
        verify_ok(box.client.copy(chosen, name))
        held = [data.message for data in _held(box, name, b"BODY.PEEK[]")]
        verify_equal("the first message of the destination", expected=first, actual=held[0] if held else None)
        copied = {texts[number - 1] for number in chosen}
        verify_equal("the copies", expected=copied, actual=set(held[1:]))
        verify_equal("their number", expected=len(chosen), actual=len(held) - 1)
        source = [data.message for data in _held(box, box.name, b"BODY.PEEK[]")]
        verify_equal("the source", expected=texts, actual=source)


@requirement(
    "rfc3501/6.4.7/copy-keeps-flags",
    level=SHOULD,
    needs=IMAP,
    refuted_by=During(b"FETCH", Rewrite.from_server(rb"FLAGS \([^)]*\)", b"FLAGS ()")),
    also=["rfc9051/6.4.7/copy-keeps-flags"],
)
@given(flag_sets=st.lists(flag_strategies.flag_sets(deleted=True), min_size=1, max_size=4))
def test_copy_keeps_the_flags(target: Target, flag_sets: list[frozenset[bytes]]) -> None:
    """A copy has the flags of its original."""
    with target.imap_mailbox() as box:
        name = _destination(box)
        for number, flags in enumerate(flag_sets, start=1):
            box.append(compose())
            verify_ok(box.client.noop())
            verify_ok(box.client.store(number, b"FLAGS", flags))
            verify_ok(box.client.copy(number, name))
        actual = [same_flags(data.flags) for data in _held(box, name, b"FLAGS")]
        verify_equal(
            "flags of the copies", expected=[same_flags(flags) for flags in flag_sets], actual=actual
        )


@requirement(
    "rfc3501/6.4.7/copy-keeps-date",
    level=SHOULD,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(APPEND \S+ )\"[^\"]*\" ", rb"\1"),
    also=["rfc9051/6.4.7/copy-keeps-date"],
)
def test_copy_keeps_the_internal_date(target: Target) -> None:
    """A copy has the internal date of its original."""
    with target.imap_mailbox() as box:
        box.append(compose(), date=_DATE)
        verify_ok(box.client.noop())
        name = _destination(box)
        verify_ok(box.client.copy(1, name))
        dates = [data.internal_date for data in _held(box, name, b"INTERNALDATE")]
        verify_equal(
            "INTERNALDATE of the copy in UTC",
            expected=[_DATE],
            actual=[date.astimezone(UTC) for date in dates if date is not None],
        )


@requirement(
    "rfc3501/6.4.7/failed-copy-restores",
    level=MUST,
    needs=IMAP,
    refuted_by=During(
        b"COPY", Rewrite.from_client(rb",[0-9]+ ", b" "), Rewrite.from_server(rb"^(A[0-9]+) OK", rb"\1 NO")
    ),
    also=["rfc9051/6.4.7/failed-copy-restores"],
)
@given(beyond=st.integers(_COUNT + 1, 1000))
def test_a_failed_copy_leaves_the_destination_as_it_was(target: Target, beyond: int) -> None:
    """COPY of messages of which one does not exist, if it is refused, has copied none of them."""
    with target.imap_mailbox() as box:
        for _ in range(_COUNT):
            box.append(compose())
        verify_ok(box.client.noop())
        name = _destination(box)
        if box.client.copy(b"1:2,%d" % beyond, name).ok:
            unsupported("the server copies what exists of such a set")
        told = status_of(box.client, name, b"MESSAGES").messages
        verify_equal("messages in the destination", expected=0, actual=told)
