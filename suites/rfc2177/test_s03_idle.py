"""RFC 2177 §3: IDLE, DONE, and what comes between."""

from collections.abc import Callable

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import MAY, MUST, PROSE, given, observe, requirement, verify, verify_ok
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import FLAGGED
from harness.wire.imap import Exists, Expunge, FetchData, Response
from harness.wire.imap.responses import Data
from suites.imap.talk import delete_marked, offers, same_flags
from suites.imap.tampering import answered, not_told

_NEEDS = offers("IDLE")
_LONGEST_WAIT_S = 5.0


def _wait_s(target: Target) -> float:
    return min(target.wait_s, target.pace.arrival_s(target.pace.at_least(_LONGEST_WAIT_S)))


def _data(kind: type[object], test: Callable[[object], bool] = lambda _: True) -> Callable[[Response], bool]:
    return lambda response: (
        isinstance(response, Data) and isinstance(response.value, kind) and test(response.value)
    )


@requirement(
    "rfc2177/3/done",
    level=MUST,
    needs=_NEEDS,
    refuted_by=answered(b"IDLE", b"BAD", of=b"OK"),
    also=["rfc9051/6.3.13/done", "rfc9051/6.3.13/continuation"],
)
@given(rounds=st.integers(1, 4))
def test_done_ends_idle(target: Target, rounds: int) -> None:
    """IDLE is answered by a continuation request; DONE ends it with the tagged OK, and commands go on."""
    with target.imap_mailbox() as box:
        for _ in range(rounds):
            with box.client.idle() as idle:
                verify(idle.accepted, expected='a continuation request, "+ "', actual=idle.result)
            assert idle.result is not None
            verify_ok(idle.result, "IDLE ended by DONE")
            verify_ok(box.client.noop())


@requirement(
    "rfc2177/3/new-messages",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=not_told(b"IDLE", rb"[0-9]+ (?:EXISTS|RECENT)"),
    also=["rfc9051/6.3.13/new-messages"],
)
@given(count=st.integers(1, 3))
def test_idle_tells_new_messages(target: Target, count: int) -> None:
    """While IDLE is active the server tells by EXISTS the messages that come."""
    with target.imap_mailbox() as box:
        other = box.other_session()
        with box.client.idle() as idle:
            verify(idle.accepted, expected='a continuation request, "+ "', actual=idle.result)
            for _ in range(count):
                verify_ok(other.append(box.name, compose()))
            told = idle.wait_for(_data(Exists, lambda value: _count(value) == count), _wait_s(target))
            verify(told is not None, expected=f"* {count} EXISTS during IDLE", actual="nothing of it came")


def _count(value: object) -> int:
    return value.count if isinstance(value, Exists) else -1


@requirement(
    "rfc2177/3/flag-changes",
    level=MAY,
    needs=_NEEDS,
    refuted_by=not_told(b"IDLE", rb"[0-9]+ FETCH"),
    also=["rfc9051/6.3.13/news-while-idle"],
)
def test_idle_tells_changed_flags(target: Target) -> None:
    """Whether the server tells by FETCH, while IDLE is active, the flags that others change."""
    with target.imap_mailbox() as box:
        box.append(compose())
        other = box.second()
        verify_ok(box.client.noop())
        with box.client.idle() as idle:
            verify_ok(other.store(1, b"+FLAGS", [FLAGGED]))
            told = idle.wait_for(
                _data(FetchData, lambda value: _flags(value) == same_flags([FLAGGED])), _wait_s(target)
            )
        observe("IDLE tells changed flags", told is not None)


def _flags(value: object) -> frozenset[bytes]:
    return same_flags(value.flags) if isinstance(value, FetchData) else frozenset()


@requirement(
    "rfc2177/3/expunges",
    level=MAY,
    needs=_NEEDS,
    refuted_by=not_told(b"IDLE", rb"[0-9]+ EXPUNGE"),
    also=["rfc9051/6.3.13/news-while-idle"],
)
def test_idle_tells_removed_messages(target: Target) -> None:
    """Whether the server tells by EXPUNGE, while IDLE is active, the messages that others remove."""
    with target.imap_mailbox() as box:
        for _ in range(3):
            box.append(compose())
        other = box.second()
        verify_ok(box.client.noop())
        with box.client.idle() as idle:
            delete_marked(other, 2)
            verify_ok(other.expunge())
            told = idle.wait_for(_data(Expunge), _wait_s(target))
        observe("IDLE tells removed messages", told is not None)


@requirement(
    "rfc2177/3/news-behind-done",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(rb"^\* [0-9]+ (?:EXISTS|RECENT)\r\n", b""),
)
@given(count=st.integers(1, 3), waits=st.just(False))
@example(count=1, waits=True)
def test_what_idle_did_not_tell_comes_behind_it(target: Target, count: int, *, waits: bool) -> None:
    """News that came before DONE are told before the tagged response or by the next commands."""
    with target.imap_mailbox() as box:
        other = box.other_session()
        with box.client.idle() as idle:
            for _ in range(count):
                verify_ok(other.append(box.name, compose()))
            if waits and idle.accepted:
                # What the server thinks it has told during IDLE it does not tell again.
                idle.wait_for(_data(Exists, lambda value: _count(value) == count), _wait_s(target))
        for _ in range(5):
            if box.client.selected is not None and box.client.selected.exists == count:
                break
            verify_ok(box.client.noop())
        exists = box.client.selected.exists if box.client.selected is not None else None
        verify(exists == count, expected=f"* {count} EXISTS", actual=exists)
