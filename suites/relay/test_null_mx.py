from hypothesis import strategies as st

from harness.conformance import PROSE, Finding, given, requirement, verify_equal, verify_reply
from harness.targets import Target
from harness.transport.tamper import Fault
from suites.relay.steps import TOLD, is_refused_for_good, submitting


@requirement(
    "rfc7505/4.1/fails-at-once",
    level=PROSE,
    needs=TOLD,
    refuted_by=Fault("relay-null-mx-ignored"),
)
@given(has_address=st.booleans())
def test_a_null_mx_fails_at_once(target: Target, has_address: bool) -> None:
    """A domain that accepts no mail is not delivered to, nor queued for: its sender is told at once."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.dns.null_mx(domain)
        if has_address:
            sender.outbound.dns.set(domain, "A", hop.host)
        reply = sender.hand_in(f"user@{domain}")
        if not is_refused_for_good(reply):
            verify_reply(reply, code="2yz", why="else the null MX is reported at once, by 5yz")
            if not sender.await_notification(domain):
                raise Finding(
                    "a refusal, or a notification without delay, that the domain accepts no mail (null MX)",
                    f"no notification within {sender.patience_s:g} s",
                )
        verify_equal("connections to the domain's address", expected=0, actual=hop.connections)
