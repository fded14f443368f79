from hypothesis import strategies as st

from harness.conformance import SHOULD, SHOULD_NOT, given, requirement, verify, verify_reply
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc4954.steps import AUTH, need_failures, submission
from suites.rfc5321.steps import note
from suites.rfc5321.tampering import Forged


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


@requirement(
    "rfc4954/6/advertised-in-clear",
    level=SHOULD_NOT,
    needs={AUTH},
    refuted_by=Forged(rb"AUTH", reply=b"538 5.7.11 encryption required\r\n"),
)
def test_what_needs_tls_is_not_advertised_in_clear(target: Target) -> None:
    """What EHLO advertises without TLS is not refused for the lack of it; the exchange is cancelled."""
    with target.smtp(Service.SUBMISSION) as peer:
        offered = peer.keywords.get("AUTH", "").upper().split()
        for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            if mechanism in offered:
                need_failures(target)
                reply = peer.command(f"AUTH {mechanism}")
                verify(
                    reply.code not in {504, 530, 538},
                    expected=f"{mechanism} begun, since it is advertised",
                    actual=reply.octets,
                )
                if reply.code == 334:
                    peer.command("*")
        if not offered:
            verify_reply(peer.noop(), code=250)
