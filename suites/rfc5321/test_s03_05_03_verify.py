from hypothesis import strategies as st

from harness.conformance import MUST_NOT, Need, given, requirement, verify_reply
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.services import Service


@requirement(
    "rfc5321/3.5.3/vrfy-unverified",
    level=MUST_NOT,
    needs={Service.SMTP, Need.UNKNOWN_RECIPIENT},
    refuted_by=Fault("smtp-vrfy-claims"),
)
@given(form=st.sampled_from(["{user}@{domain}", "<{user}@{domain}>", "{user}"]))
def test_vrfy_claims_nobody_unknown(target: Target, form: str) -> None:
    """VRFY of somebody who does not exist is never answered 250."""
    unknown = target.unknown_address
    assert unknown is not None
    user, _, domain = unknown.rpartition("@")
    with target.smtp() as peer:
        reply = peer.vrfy(form.format(user=user, domain=domain))
        verify_reply(reply, code={252, "4yz", "5yz"}, why="the address cannot have been verified")
