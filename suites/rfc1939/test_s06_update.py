from hypothesis import strategies as st

from harness.conformance import (
    MUST_NOT,
    PROSE,
    Need,
    given,
    requirement,
    verify_equal,
    verify_ok,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc1939.steps import authorizing, contents, filled, need_retention, notes, reopen
from suites.rfc1939.tampering import While, taken_for

_DROP = Need.EMPTY_MAILDROP
_SUBSETS = st.sets(st.integers(1, 4), min_size=1)


@requirement(
    "rfc1939/6/marked-removed",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"DELE 2", Rewrite.from_client(rb"\ADELE 2", b"NOOP")),
)
@given(deleted=_SUBSETS)
def test_quit_removes_what_is_marked(target: Target, deleted: set[int]) -> None:
    """The next session has none of the messages that were marked as deleted before QUIT."""
    with filled(target, notes(4)) as (maildrop, peer):
        stored = contents(peer)
        for number in sorted(deleted):
            verify_ok(peer.dele(number))
        verify_ok(peer.quit(), "nothing stands in the way of the removal")
        with maildrop.open() as other:
            marked = [stored[number - 1] for number in sorted(deleted)]
            left = [message for message in contents(other) if message in marked]
            verify_equal("marked messages that are left", expected=[], actual=left)


@requirement(
    "rfc1939/6/unmarked-kept",
    level=PROSE,
    needs={_DROP},
    refuted_by=taken_for(rb"NOOP", b"DELE 1"),
)
@given(actions=st.lists(st.sampled_from(["NOOP", "DELE", "TOP", "RETR"]), min_size=4, max_size=4))
def test_quit_removes_nothing_else(target: Target, actions: list[str]) -> None:
    """What was only looked at, or left alone, is in the next session."""
    with filled(target, notes(4)) as (maildrop, peer):
        need_retention(peer)
        stored = contents(peer)
        for number, action in enumerate(actions, 1):
            match action:
                case "DELE":
                    verify_ok(peer.dele(number))
                case "RETR":
                    verify_ok(peer.retr(number))
                case "TOP":
                    peer.top(number, 1)
                case _:
                    verify_ok(peer.noop())
        verify_ok(peer.quit())
        expected = [message for message, action in zip(stored, actions, strict=True) if action != "DELE"]
        with maildrop.open() as other:
            left = [message for message in contents(other) if message in expected]
            verify_equal("unmarked messages that are left", expected=sorted(expected), actual=sorted(left))


@requirement(
    "rfc1939/6/no-removal-without-quit",
    level=MUST_NOT,
    needs={_DROP},
    refuted_by=taken_for(rb"NOOP", b"QUIT"),
)
@given(deleted=_SUBSETS)
def test_a_lost_connection_removes_nothing(target: Target, deleted: set[int]) -> None:
    """A session that ends without QUIT leaves the maildrop as it was."""
    stored = notes(4)
    with filled(target, stored) as (maildrop, peer):
        for number in sorted(deleted):
            verify_ok(peer.dele(number))
        verify_ok(peer.noop(), "the session is alive")
        peer.close()
        with reopen(maildrop, target.wait_s) as other:
            verify_equal("what is in the maildrop", expected=sorted(stored), actual=sorted(contents(other)))


@requirement(
    "rfc1939/6/quit-closes",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"QUIT", Rewrite.from_server(rb"\A\+OK[^\r]*\r\n", b"+OK bye\r\n+OK bye\r\n")),
)
@given(count=st.integers(0, 2), deleted=st.booleans())
def test_quit_ends_the_connection(target: Target, count: int, deleted: bool) -> None:
    """QUIT has one response, and then the server closes the connection."""
    with filled(target, notes(count)) as (_, peer):
        for number in range(1, count + 1 if deleted else 0):
            verify_ok(peer.dele(number))
        verify_ok(peer.quit())
        verify_equal("responses after that to QUIT", expected=[], actual=peer.expect_closed())


@requirement(
    "rfc1939/4/quit-before-login",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=While(rb"QUIT", Rewrite.from_server(rb"\A\+OK", b"-ERR")),
)
@given(named=st.booleans())
def test_quit_before_login_ends_the_connection(target: Target, named: bool) -> None:
    """QUIT in the AUTHORIZATION state, also after USER, is answered with +OK, and the server closes."""
    with target.account() as account, authorizing(target) as peer:
        if named:
            peer.user(account.login)
        verify_ok(peer.quit())
        verify_equal("responses after that to QUIT", expected=[], actual=peer.expect_closed())
