from hypothesis import strategies as st

from harness.conformance import SHOULD, given, requirement, verify_reply
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc4954.steps import AUTH, submission
from suites.rfc5321.steps import note


@requirement(
    "rfc4954/6/authentication-required",
    level=SHOULD,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^530", b"554"),
)
@given(local=st.booleans())
def test_what_needs_a_login_is_answered_530(target: Target, local: bool) -> None:
    """Without a login a submission is refused, and the code of the first refusal is 530."""
    with target.account() as account, submission(target) as peer:
        reply = peer.mail(account.address)
        if reply.is_positive:
            reply = peer.rcpt(account.address if local else "somebody@elsewhere.mailproof.test")
        if reply.is_positive and (reply := peer.data()).code == 354:
            reply = peer.send_text(note())
        verify_reply(reply, code=530, why="authentication is required")
