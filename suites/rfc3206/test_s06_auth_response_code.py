from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import PROSE, Need, given, requirement, unsupported, verify
from harness.targets import Target
from suites.rfc1939.steps import authorizing, filled, need_failures, need_user, notes
from suites.rfc1939.tampering import answered
from suites.rfc5034.steps import need_mechanism, plain


def need_code(peer: Pop3Client) -> None:
    """End the check where AUTH-RESP-CODE is not announced."""
    peer.capa()
    if "AUTH-RESP-CODE" not in peer.capabilities:
        unsupported("the server does not announce AUTH-RESP-CODE")


@requirement(
    "rfc3206/6/credentials-failed",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"PASS|AUTH", b"-ERR login failed"),
)
@given(way=st.sampled_from(["PASS", "AUTH", "unknown user"]))
def test_wrong_credentials_are_told_by_auth(target: Target, way: str) -> None:
    """A wrong password, or an unknown name, is refused with the response code AUTH."""
    with target.account() as account, authorizing(target, account) as peer:
        need_code(peer)
        need_failures(target)
        wrong = f"not {account.password}"
        if way == "AUTH":
            need_mechanism(peer, "PLAIN")
            response = peer.command(f"AUTH PLAIN {plain(account, wrong)}")
        else:
            need_user(peer)
            login = account.login if way == "PASS" else f"nobody-{target.nonce}"
            response = peer.login(login, wrong)
        verify(not response.ok and response.code == "AUTH", expected="-ERR [AUTH]", actual=response.octets)


@requirement(
    "rfc3206/6/only-credentials",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=answered(rb"[A-Z]{4} 9", b"-ERR [AUTH] no such message"),
)
@given(line=st.sampled_from(["RETR 9", "DELE 9", "LIST 9", "XYZZ", "USER nobody", "RETR x"]))
def test_other_refusals_are_not_told_by_auth(target: Target, line: str) -> None:
    """What fails for another reason has no response code AUTH."""
    with filled(target, notes(1)) as (_, peer):
        need_code(peer)
        response = peer.command(line)
        verify(response.code != "AUTH", expected="-ERR without [AUTH]", actual=response.octets)
