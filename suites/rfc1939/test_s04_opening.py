from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import (
    MAY,
    PROSE,
    Need,
    given,
    observe,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import PeerClosed
from suites.rfc1939.steps import authorizing, contents, filled, need_failures, need_user, notes
from suites.rfc1939.tampering import After, BySession, While, answered, taken_for


@requirement(
    "rfc1939/4/greeting",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=Rewrite.from_server(rb"\A\+OK", b"-ERR", count=1),
)
def test_the_server_greets(target: Target) -> None:
    """The first thing that happens is one line with +OK, and then QUIT works."""
    stream = target.stream(Need.POP3)
    with Pop3Client(stream, reply_timeout_s=target.reply_timeout_s) as peer:
        verify_ok(peer.greeting(), "the server greets")
        verify_ok(peer.quit(), "QUIT has no restrictions")


@requirement(
    "rfc1939/4/message-numbers",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"LIST", Rewrite.from_server(rb"^2 (?=[0-9]+\r\n)", b"7 ")),
)
@given(count=st.integers(0, 5))
def test_messages_are_numbered_from_one(target: Target, count: int) -> None:
    """The nth message in a maildrop has the number n, and each number has its message."""
    stored = notes(count)
    with filled(target, stored) as (_, peer):
        verify_equal("the numbers in LIST", expected=list(range(1, count + 1)), actual=list(peer.list()))
        verify_equal("what they are of", expected=sorted(stored), actual=sorted(contents(peer)))


@requirement(
    "rfc1939/4/numbers-kept",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"RETR", Rewrite.from_client(rb"\ARETR [3-9]", b"RETR 2")),
)
@given(deleted=st.sets(st.integers(1, 4), max_size=4))
def test_numbers_stay_with_their_messages(target: Target, deleted: set[int]) -> None:
    """What is marked as deleted takes no number away from the others."""
    with filled(target, notes(4)) as (_, peer):
        before = {number: peer.retr(number).body for number in peer.list()}
        for number in deleted:
            verify_ok(peer.dele(number))
        after = {number: peer.retr(number).body for number in before.keys() - deleted}
        expected = {number: before[number] for number in before.keys() - deleted}
        verify_equal("the messages by their numbers", expected=expected, actual=after)
        verify_ok(peer.rset())


@requirement(
    "rfc1939/4/opened-once",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP, Need.IMAP},
    refuted_by=While(rb"STAT", Rewrite.from_server(rb"\A\+OK 1 ", b"+OK 2 ")),
)
@given(later=st.integers(1, 2))
def test_mail_that_comes_later_is_not_in_the_session(target: Target, later: int) -> None:
    """Numbers are assigned when the maildrop is opened: what arrives after that is in the next session."""
    with filled(target, notes(1)) as (maildrop, peer):
        before = peer.list()
        maildrop.put(notes(later))
        verify_equal("STAT", expected=(1, sum(before.values())), actual=tuple(peer.stat()))
        verify_equal("LIST", expected=before, actual=peer.list())
        verify_ok(peer.quit())
        with maildrop.open() as other:
            verify_equal("messages in the next session", expected=1 + later, actual=other.stat().messages)


def _everybody(number: int) -> While:
    """Let every second session in, or say so."""
    return answered(rb"PASS" if number % 2 else rb"(?!)", b"+OK")


@requirement(
    "rfc1939/4/lock",
    level=MAY,
    needs={Need.EMPTY_MAILDROP, Need.POP3},
    refuted_by=BySession(_everybody),
)
def test_a_second_session_is_observed(target: Target) -> None:
    """While a maildrop is open, another session of it may be refused, or take place."""
    with filled(target, notes(1)) as (maildrop, first), authorizing(target, maildrop.account) as second:
        need_user(second)
        response = second.login(maildrop.account.login, maildrop.account.password or "")
        observe("a second session", "admitted" if response.ok else f"refused with {response.code}")
        verify_ok(first.noop())


@requirement(
    "rfc1939/4/held-until-update",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP, Need.POP3},
    refuted_by=After(rb"NOOP", taken_for(rb"RETR 2", b"RETR 1")),
)
@given(action=st.sampled_from(["RETR 1", "DELE 1", "NOOP"]))
def test_a_session_keeps_what_it_has_listed(target: Target, action: str) -> None:
    """Whatever another session tries, no message changes before the session ends.

    A server may let only one session in (then nothing can happen), or share the maildrop with care; a message
    that has been removed meanwhile is refused, but another one is never given in its place.
    """
    with filled(target, notes(2)) as (maildrop, first), authorizing(target, maildrop.account) as second:
        need_user(second)
        sizes, stored = first.list(), contents(first)
        verify_ok(first.noop())
        if second.login(maildrop.account.login, maildrop.account.password or "").ok:
            second.command(action, multiline=action.startswith("RETR"))
            second.quit()
        verify_equal("the numbers and sizes", expected=sizes, actual=first.list())
        for number, message in enumerate(stored, 1):
            response = first.retr(number)
            verify(
                not response.ok or response.body.endswith(message),
                expected=f"message {number} as it was",
                actual=response.body,
            )


@requirement(
    "rfc1939/4/refused-login-can-be-repeated",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"STAT", b"+OK 0 0"),
)
def test_after_a_refused_login_comes_another(target: Target) -> None:
    """After a wrong password the connection is closed, or takes the right one; till then nobody is in."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        need_failures(target)
        verify_refused(peer.login(account.login, f"not {account.password}"), "the password is wrong")
        try:
            closed = peer.command("STAT")
        except PeerClosed:
            unsupported("the server hangs up after a refused login, which it may")
        verify_refused(closed, "nobody has logged in")
        verify_ok(peer.login(account.login, account.password or ""), "this is the password")
