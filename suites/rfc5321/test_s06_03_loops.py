from harness.conformance import SHOULD, Need, requirement, verify_reply
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, note

_HOPS = 90
"""Some fewer than the usual threshold, since the servers on the way here add their own."""


@requirement(
    "rfc5321/6.3/loop-threshold",
    level=SHOULD,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^250 2\.6\.0 ", b"554 5.4.6 "),
)
def test_ninety_hops_are_no_loop(target: Target) -> None:
    """A message with 90 Received fields is not taken for one that loops."""
    hop = b"Received: from a%d.mailproof.test by b.mailproof.test; Thu, 1 Jan 2026 12:00:00 +0000\r\n"
    trace = b"".join(hop % number for number in range(_HOPS))
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        verify_reply(peer.data(), code=354)
        reply = peer.send_text(trace + note())
        verify_reply(reply, code="2yz", why="the threshold is normally at least 100 Received fields")
        mailbox.messages(1)
