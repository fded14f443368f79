from hypothesis import strategies as st

from harness.conformance import (
    MAY,
    PROSE,
    Need,
    given,
    observe,
    requirement,
    unsupported,
    verify_ok,
    verify_refused,
)
from harness.targets import Target
from harness.transport.tamper import Fault
from suites.rfc1939.steps import authorizing, need_failures, need_user
from suites.rfc1939.tampering import answered


@requirement(
    "rfc1939/7/user-pass",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"PASS", b"-ERR"),
)
def test_user_and_pass_let_the_owner_in(target: Target) -> None:
    """After USER and the right PASS the session is in the TRANSACTION state."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        verify_ok(peer.user(account.login))
        verify_ok(peer.password(account.password or ""))
        peer.stat()


_WRONG = ("longer", "shorter", "two words", "none", "other case")


@requirement(
    "rfc1939/7/wrong-password",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"PASS", b"+OK"),
)
@given(way=st.sampled_from(_WRONG))
def test_a_wrong_password_is_refused(target: Target, way: str) -> None:
    """Whoever gives something else than the password gets -ERR, and stays outside."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        need_failures(target)
        right = account.password or ""
        wrong = {
            "longer": f"{right}x",
            "shorter": right[:-1],
            "two words": f"{right} {right}",
            "none": "",
            "other case": right.swapcase(),
        }[way]
        if wrong == right:
            unsupported("the account's password has no letters")
        verify_refused(peer.login(account.login, wrong), "this is not the password")


@requirement(
    "rfc1939/7/unknown-mailbox",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"PASS", b"+OK"),
)
def test_an_unknown_user_is_refused(target: Target) -> None:
    """An unknown name may pass as USER, but not with any PASS, also not with somebody's own."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        need_failures(target)
        response = peer.login(f"nobody-{target.nonce}", account.password or "")
        verify_refused(response, "there is no such mailbox")


@requirement(
    "rfc1939/7/pass-after-user",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"PASS", b"+OK"),
)
def test_pass_comes_after_user(target: Target) -> None:
    """PASS without USER before it is answered with -ERR."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        verify_refused(peer.password(account.password or ""), "no USER came before")


@requirement(
    "rfc1939/7/pass-later",
    level=MAY,
    needs={Need.POP3},
    refuted_by=Fault("pop3-pass-later"),
)
def test_pass_after_another_command_is_observed(target: Target) -> None:
    """PASS belongs immediately after USER; a server may take it all the same where CAPA came between."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        verify_ok(peer.user(account.login))
        peer.capa()
        response = peer.password(account.password or "")
        observe("PASS behind USER and CAPA", "taken" if response.ok else "refused")
