from hypothesis import strategies as st

from harness.conformance import HAZARD, Need, Offers, given, requirement, verify, verify_reply
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.errors import PeerClosed, TlsFailed
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER


@requirement(
    "hazard/starttls-injection-smtp",
    level=HAZARD,
    needs={Offers(Service.SMTP, "STARTTLS"), Need.HOSTILE},
    refuted_by=Fault("smtp-starttls-injection"),
)
@given(
    injected=st.sampled_from(
        [b"NOOP\r\n", b"RSET\r\n", b"MAIL FROM:<%b>\r\n" % SENDER.encode(), b"NOOP\r\nNOOP\r\n"]
    )
)
def test_commands_sent_in_clear_are_not_carried_out_under_tls(target: Target, injected: bytes) -> None:
    """What comes in one packet with STARTTLS is dropped, or ends the session; it has no reply under TLS."""
    with target.smtp() as peer:
        peer.send_raw(b"STARTTLS\r\n" + injected)
        verify_reply(peer.read_reply(), code={220, "4yz", "5yz"})
        try:
            target.start_tls(peer.stream, Service.SMTP)
        except (TlsFailed, PeerClosed):
            return  # A reply in clear, or a closed connection: nothing got into the session under TLS.
        try:
            reply = peer.ehlo()
            verify_reply(reply, code=250)
            verify(
                len(reply.lines) > 1,
                expected="the response to EHLO as the first reply under TLS",
                actual=reply.octets,
            )
            verify_reply(peer.quit(), code=221, why="no command but EHLO went before QUIT")
        except PeerClosed:
            return
