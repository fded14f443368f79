"""RFC 3501 §6.4.8, §9: sequence sets, and the UID forms of commands."""

import re
from dataclasses import dataclass

from hypothesis import example
from hypothesis import strategies as st

from harness.clients.imap import ImapClient
from harness.conformance import MUST, PROSE, given, requirement, verify_equal, verify_ok, verify_refused
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import FetchData
from suites.imap.talk import IMAP, delete_marked, flags_of, status_of, uids_of
from suites.imap.tampering import During, answered

_COUNT = 6


@dataclass(frozen=True, slots=True)
class _Set:
    """Ranges of places in a mailbox; 0 is `*`. As octets they depend on what stands at the places."""

    ranges: tuple[tuple[int, int], ...]

    def written(self, values: tuple[int, ...]) -> bytes:
        """The set with the values that are at its places."""
        ends = {0: b"*"} | {place: b"%d" % value for place, value in enumerate(values, start=1)}
        return b",".join(
            ends[first] if first == last else ends[first] + b":" + ends[last] for first, last in self.ranges
        )

    def places(self, count: int) -> list[int]:
        """The places in the set, where there are `count` of them."""
        pairs = [sorted((first or count, last or count)) for first, last in self.ranges]
        return [place for place in range(1, count + 1) if any(low <= place <= high for low, high in pairs)]


_ENDS = st.integers(0, _COUNT)
_SETS = st.lists(
    st.lists(st.tuples(_ENDS, _ENDS), min_size=1, max_size=4).map(lambda ranges: _Set(tuple(ranges))),
    min_size=2,
    max_size=6,
)


def _ascending_only(found: re.Match[bytes]) -> bytes:
    """What a server reads that knows no descending ranges."""
    return found.group() if int(found.group(1)) <= int(found.group(2)) else b"0"


@requirement(
    "rfc3501/9/sequence-set",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"FETCH", Rewrite.from_client(rb"(?<=[ ,])([0-9]+):([0-9]+)(?=[ ,])", _ascending_only)),
    also=["rfc9051/9/sequence-set"],
)
@example(sets=[_Set(((4, 2),)), _Set(((0, 5), (1, 1)))])
@given(sets=_SETS)
def test_sequence_sets_mean_what_they_say(target: Target, sets: list[_Set]) -> None:
    """Numbers, ranges in either direction, lists and `*` denote messages, each answered for once or more."""
    with target.imap_mailbox() as box:
        for _ in range(_COUNT):
            box.append(compose())
        verify_ok(box.client.noop())
        numbers = tuple(range(1, _COUNT + 1))
        for each in sets:
            written = each.written(numbers)
            result = box.client.fetch(written, b"UID")
            verify_ok(result, f"FETCH {written!r}")
            actual = sorted({data.number for data in result.all(FetchData) if data.uid is not None})
            verify_equal(f"the messages of {written!r}", expected=each.places(_COUNT), actual=actual)


@requirement(
    "rfc3501/9/number-beyond-the-last",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"FETCH", b"OK", of=b"BAD|NO"),
    also=["rfc9051/9/number-beyond-the-last"],
)
@given(count=st.integers(0, 2), beyond=st.sampled_from([1, 2, 1000]))
def test_a_number_beyond_the_last_message_is_bad(target: Target, count: int, beyond: int) -> None:
    """A message number greater than the number of messages is answered BAD, `*` in an empty mailbox too."""
    with target.imap_mailbox() as box:
        for _ in range(count):
            box.append(compose())
        verify_ok(box.client.noop())
        verify_refused(box.client.fetch(count + beyond, b"FLAGS"), "there is no such message", kinds={"BAD"})


@requirement(
    "rfc3501/6.4.8/uid-set",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(?<= )([0-9]+|\*):([0-9]+|\*)(?=[ ,])", rb"\1"),
    also=["rfc9051/6.4.9/uid-set"],
)
@given(sets=_SETS, expunged=st.sets(st.integers(1, _COUNT), max_size=3), beyond=st.integers(1, 2**31))
def test_uid_sets_mean_what_they_say(
    target: Target, sets: list[_Set], expunged: set[int], beyond: int
) -> None:
    """UID sets denote the messages whose UIDs lie in them; a range up to `*` has the last message in it."""
    with target.imap_mailbox() as box:
        for _ in range(_COUNT):
            box.append(compose())
        verify_ok(box.client.noop())
        all_uids = uids_of(box.client)
        verify_equal("the number of UIDs", expected=_COUNT, actual=len(all_uids))
        if expunged:
            delete_marked(box.client, expunged)
            verify_ok(box.client.expunge())
        left = [uid for place, uid in enumerate(all_uids, start=1) if place not in expunged]
        for each in sets:
            written = each.written(all_uids)
            ends = [
                (all_uids[f - 1] if f else left[-1], all_uids[t - 1] if t else left[-1])
                for f, t in each.ranges
            ]
            expected = [uid for uid in left if any(min(pair) <= uid <= max(pair) for pair in ends)]
            verify_equal(f"the UIDs of {written!r}", expected=expected, actual=_found(box.client, written))
        last = b"%d:*" % (all_uids[-1] + beyond)
        verify_equal(f"the UIDs of {last!r}", expected=left[-1:], actual=_found(box.client, last))


def _found(client: ImapClient, written: bytes) -> list[int]:
    result = client.uid_fetch(written, b"FLAGS")
    verify_ok(result, f"UID FETCH {written!r}")
    return sorted({data.uid for data in result.all(FetchData) if data.uid is not None})


@requirement(
    "rfc3501/6.4.8/uid-in-fetch",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"FETCH STORE", Rewrite.from_server(rb"(?<=\()UID [0-9]+ | UID [0-9]+(?=\))", b"")),
    also=["rfc9051/6.4.9/uid-in-fetch"],
)
@given(
    item=st.sampled_from(
        [b"FLAGS", b"RFC822.SIZE", b"BODY.PEEK[HEADER]", b"(INTERNALDATE FLAGS)", b"FAST", b"UID"]
    )
)
def test_uid_commands_answer_with_uids(target: Target, item: bytes) -> None:
    """Each FETCH response caused by UID FETCH or UID STORE has UID in it, and a message number before it."""
    with target.imap_mailbox() as box:
        for _ in range(3):
            box.append(compose())
        verify_ok(box.client.noop())
        uids = uids_of(box.client)
        for result in (
            box.client.uid_fetch(uids[1:], item),
            box.client.uid_store(uids[1:], b"+FLAGS", [rb"\Flagged"]),
        ):
            verify_ok(result)
            told = {(data.number, data.uid) for data in result.all(FetchData)}
            verify_equal("numbers and UIDs", expected={(2, uids[1]), (3, uids[2])}, actual=told)


@requirement(
    "rfc3501/6.4.8/absent-uid-ignored",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"FETCH STORE COPY", b"NO", of=b"OK"),
    also=["rfc9051/6.4.9/absent-uid-ignored"],
)
@given(beyond=st.integers(1, 2**31))
def test_absent_uids_are_ignored(target: Target, beyond: int) -> None:
    """UID FETCH, UID STORE and UID COPY of UIDs that do not exist are OK, and do nothing."""
    with target.imap_mailbox() as box:
        client = box.client
        box.append(compose())
        verify_ok(client.noop())
        absent = uids_of(client)[0] + beyond
        fetched = client.uid_fetch(absent, b"FLAGS")
        verify_ok(fetched)
        verify_equal("the FETCH responses", expected=[], actual=fetched.all(FetchData))
        verify_ok(client.uid_store(absent, b"+FLAGS", [rb"\Flagged"]))
        verify_ok(client.uid_copy(absent, box.name))
        verify_equal("flags of message 1", expected=frozenset(), actual=flags_of(client, 1))
        told = status_of(box.other_session(), box.name, b"MESSAGES")
        verify_equal("the number of messages", expected=1, actual=told.messages)
