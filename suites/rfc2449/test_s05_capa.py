from hypothesis import example
from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import (
    MUST,
    PROSE,
    Need,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
)
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc1939.steps import authorizing, filled, notes
from suites.rfc1939.tampering import After, While, answered

_BEFORE_LOGIN_ONLY = frozenset({"STLS"})
"""Capabilities whose own specification says that they are not announced after login (RFC 2595 §8)."""

_ANNOUNCED_EARLY = frozenset(
    {"TOP", "USER", "SASL", "RESP-CODES", "LOGIN-DELAY", "PIPELINING", "EXPIRE", "UIDL", "AUTH-RESP-CODE"}
)
"""Capabilities whose descriptions say that they are announced in both states (RFC 2449 §6, RFC 3206 §6)."""


def need_capa(peer: Pop3Client) -> None:
    """End the check where CAPA is not there."""
    if not peer.capa().ok:
        unsupported("the server has no CAPA")


@requirement(
    "rfc2449/5/announced-in-both-states",
    level=MUST,
    needs={Need.POP3},
    refuted_by=After(rb"PASS", While(rb"CAPA", Rewrite.from_server(rb"^UIDL\r\n", b""))),
)
def test_capabilities_stay_after_login(target: Target) -> None:
    """What CAPA lists before login it lists after it, too; and the other way round where RFC 2449 says so."""
    with target.account() as account, authorizing(target, account) as peer:
        need_capa(peer)
        before = frozenset(peer.capabilities)
        verify_ok(peer.login(account.login, account.password or ""))
        peer.capa()
        missing = before - frozenset(peer.capabilities) - _BEFORE_LOGIN_ONLY
        verify(
            not missing,
            expected=f"all of {' '.join(sorted(before - _BEFORE_LOGIN_ONLY))}",
            actual=f"{' '.join(sorted(peer.capabilities))}, without {' '.join(sorted(missing))}",
        )
        late = frozenset(peer.capabilities) & _ANNOUNCED_EARLY - before
        verify(
            not late,
            expected=f"{' '.join(sorted(late))}, listed after login, before it as well",
            actual=" ".join(sorted(before)),
        )


@requirement(
    "rfc2449/5/capa-in-both-states",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=After(rb"PASS", answered(rb"CAPA", b"-ERR")),
)
@example(word=b"capa", times=1)
@given(word=commands.case_variants(b"CAPA"), times=st.integers(1, 2))
def test_capa_is_there_in_both_states(target: Target, word: bytes, times: int) -> None:
    """CAPA is answered with +OK and a list before and after login, again and again."""
    with target.maildrop() as maildrop, authorizing(target, maildrop.account) as peer:
        need_capa(peer)
        for _ in range(times):
            verify_ok(peer.command(word, multiline=True))
        verify_ok(peer.login(maildrop.account.login, maildrop.account.password or ""))
        for _ in range(times):
            verify_ok(peer.command(word, multiline=True), "CAPA is available in the TRANSACTION state")


@requirement(
    "rfc2449/5/optional-commands-listed",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"CAPA", Rewrite.from_server(rb"^UIDL\r\n", b"")),
)
def test_what_works_is_announced(target: Target) -> None:
    """A server that has TOP or UIDL lists it in CAPA."""
    with filled(target, notes(1)) as (_, peer):
        need_capa(peer)
        for tag, command in {"TOP": "TOP 1 0", "UIDL": "UIDL"}.items():
            works = peer.command(command, multiline=True).ok
            verify(
                not works or tag in peer.capabilities,
                expected=f"{tag}, which works, in CAPA",
                actual=" ".join(peer.capabilities),
            )


@requirement(
    "rfc2449/5/capa-changes-nothing",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"STAT", Rewrite.from_server(rb"\A\+OK [0-9]+", b"+OK 3")),
)
@given(deleted=st.sets(st.integers(1, 3), min_size=1))
def test_capa_leaves_marks_alone(target: Target, deleted: set[int]) -> None:
    """What is marked as deleted is so after CAPA, too."""
    with filled(target, notes(3)) as (_, peer):
        for number in deleted:
            verify_ok(peer.dele(number))
        need_capa(peer)
        verify_equal("the messages that STAT counts", expected=3 - len(deleted), actual=peer.stat().messages)
        verify_ok(peer.rset())


@requirement(
    "rfc2449/6.1/top-available",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=answered(rb"TOP", b"-ERR not here"),
)
def test_top_is_there_where_it_is_announced(target: Target) -> None:
    """A server that lists TOP has it."""
    with filled(target, notes(1)) as (_, peer):
        need_capa(peer)
        if "TOP" not in peer.capabilities:
            unsupported("the server does not announce TOP")
        verify_ok(peer.top(1, 1), "TOP is announced")


@requirement(
    "rfc2449/6.8/uidl-available",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=answered(rb"UIDL", b"-ERR not here"),
)
def test_uidl_is_there_where_it_is_announced(target: Target) -> None:
    """A server that lists UIDL has it, with and without a number."""
    with filled(target, notes(1)) as (_, peer):
        need_capa(peer)
        if "UIDL" not in peer.capabilities:
            unsupported("the server does not announce UIDL")
        verify_ok(peer.command("UIDL", multiline=True), "UIDL is announced")
        verify_ok(peer.command("UIDL 1"), "UIDL is announced")


@requirement(
    "rfc2449/6.2/user-available",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"USER", b"-ERR not here"),
)
def test_user_is_there_where_it_is_announced(target: Target) -> None:
    """A server that lists USER takes USER and PASS."""
    with target.account() as account, authorizing(target, account) as peer:
        need_capa(peer)
        if "USER" not in peer.capabilities:
            unsupported("the server does not announce USER")
        verify_ok(peer.login(account.login, account.password or ""), "USER is announced")


@requirement(
    "rfc2449/6.7/expire-argument",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=While(rb"CAPA", Rewrite.from_server(rb"^EXPIRE [^\r]*", b"EXPIRE soon")),
)
def test_expire_has_an_argument(target: Target) -> None:
    """EXPIRE names a number of days, or NEVER; the word USER follows it only before login."""
    with target.account() as account, authorizing(target, account) as peer:
        need_capa(peer)
        before = peer.capabilities.get("EXPIRE")
        verify_ok(peer.login(account.login, account.password or ""))
        peer.capa()
        after = peer.capabilities.get("EXPIRE")
        if before is None and after is None:
            unsupported("the server does not announce EXPIRE")
        for argument, rest in ((before, [[], ["USER"]]), (after, [[]])):
            if argument is not None:
                days, *more = argument.upper().split(" ")
                good = (days == "NEVER" or days.isdigit()) and more in rest
                verify(good, expected="a number of days or NEVER", actual=f"EXPIRE {argument}")
