from hypothesis import strategies as st

from harness.conformance import HAZARD, given, requirement, verify_equal
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.services import Service
from suites.relay.steps import RELAYING, submitting

_FORMS = [
    "{user}@{remote}",
    "{user}%{remote}@{ours}",
    '"{user}@{remote}"@{ours}',
    "{remote}!{user}@{ours}",
    "{remote}!{user}",
    "@{ours}:{user}@{remote}",
    "{user}%{remote}",
    '"{user}%{remote}"@{ours}',
    "{user}@{remote}.",
    "{ours}!{user}@{remote}",
]


@requirement(
    "hazard/relay-by-form-of-address",
    level=HAZARD,
    needs=RELAYING | {Service.SMTP},
    refuted_by=Fault("relay-open"),
)
@given(form=st.sampled_from(_FORMS), from_within=st.booleans())
def test_no_form_of_address_relays_for_strangers(target: Target, form: str, from_within: bool) -> None:
    """What a stranger hands in for another domain does not reach it, in whatever form the address is."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop, target.smtp() as stranger:
        domain, after = sender.outbound.domain(), sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.outbound.route(after, 0)
        path = form.format(user="user", remote=domain, ours=target.domain)
        reverse_path = sender.mailbox.address if from_within else "stranger@client.mailproof.test"
        stranger.submit(sender=reverse_path, to=path, message=sender.note(f"user@{domain}"))
        # What is sent after it, by somebody who may, arrives.
        sender.send(f"fence@{after}")
        sender.demand_arrival([hop], after, "its next hop accepts it")
        others = [to for mail in hop.received for to in mail.rcpt_tos if domain in to.lower()]
        verify_equal("recipients reached through the server", expected=[], actual=others)
