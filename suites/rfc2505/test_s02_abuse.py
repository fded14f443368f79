from hypothesis import strategies as st

from harness.conformance import MUST, MUST_NOT, Need, given, requirement, verify_refused, verify_reply
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, note
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc2505/2.1/no-open-relay",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Fault("relay-open"),
)
@given(
    address=addresses.simple_mailboxes(),
    form=st.sampled_from(["{address}", "@{domain}:{address}", "@relay.{domain},@{domain}:{address}"]),
    from_within=st.booleans(),
)
def test_strangers_cannot_relay(target: Target, address: str, form: str, from_within: bool) -> None:
    """Mail to another domain is refused, by a source route too, and whoever it claims to be from."""
    path = form.format(address=address, domain=target.domain)
    with target.account() as account, target.smtp() as peer:
        begin(peer, **({"sender": account.address} if from_within else {}))
        reply = peer.rcpt(path)
        if reply.is_positive and (reply := peer.data()).code == 354:
            reply = peer.send_text(note())
        verify_refused(reply, f"{address} is none of the server's own, and the client is a stranger")


@requirement(
    "rfc2505/2.6.1/null-sender",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-null-sender-rejected"),
    also=("rfc5321/4.1.1.2/null-reverse-path",),
)
@given(recipients=st.integers(1, 2))
def test_the_null_sender_is_not_refused(target: Target, recipients: int) -> None:
    """`MAIL FROM:<>`, as in every notification, is accepted, also for more than one recipient."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        verify_reply(peer.mail(""), code=250, why="notifications have the null reverse-path")
        for _ in range(recipients):
            verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why="MAIL FROM:<>")
        verify_reply(peer.data(), code=354, why="MAIL FROM:<>")
        verify_reply(peer.send_text(note()), code=250, why="MAIL FROM:<>")
        mailbox.messages(1)


@requirement(
    "rfc2505/2.6.2/own-domain-as-sender",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL FROM:<u", reply=b"550 5.7.1 not from outside\r\n"),
)
@given(known=st.booleans())
def test_the_own_domain_as_sender_is_not_refused(target: Target, known: bool) -> None:
    """A reverse-path of the server's own domain is accepted: lists and forwarders send such mail."""
    with target.fresh_mailbox() as mailbox, target.account() as account, target.smtp() as peer:
        sender = account.address if known else target.address("unrelated")
        verify_reply(peer.mail(sender), code=250, why="the sender's domain is no reason")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why="the sender's domain is no reason")
