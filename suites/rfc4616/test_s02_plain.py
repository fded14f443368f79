from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify, verify_refused
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc4954.steps import AUTH, need_failures, need_plain, plain, submission
from suites.rfc5321.steps import verify_nothing_taken


@requirement(
    "rfc4616/2/password-verified",
    level=PROSE,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^535[^\r\n]*", b"235 2.7.0 welcome"),
)
@given(change=st.sampled_from(["longer", "shorter", "other case", "empty", "another's"]))
def test_only_the_password_lets_in(target: Target, change: str) -> None:
    """A password that is nearly right does not let in, and the session stays a stranger's."""
    with target.account() as account, target.account() as other, submission(target) as peer:
        need_plain(peer)
        need_failures(target)
        password = account.password or ""
        wrong = {
            "longer": password + "x",
            "shorter": password[:-1],
            "other case": password.swapcase(),
            "empty": "",
            "another's": (other.password or "") + other.login,
        }[change]
        if wrong == password:
            return
        reply = peer.command(b"AUTH PLAIN " + plain(account, wrong))
        verify(reply.code // 100 in {4, 5}, expected="the login refused", actual=reply.octets)
        if not (reply := peer.mail(account.address)).is_positive:
            verify_refused(reply)
            return
        peer.rcpt("somebody@elsewhere.mailproof.test")
        verify_nothing_taken(peer, "nobody has logged in")
