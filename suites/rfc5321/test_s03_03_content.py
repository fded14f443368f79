from hypothesis import strategies as st

from harness.conformance import MUST_NOT, SHOULD_NOT, Need, given, requirement, verify_reply
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, note

_RESENT = (
    b"Resent-To: <one@client.mailproof.test>\r\n",
    b"Resent-To: <two@client.mailproof.test>\r\n",
    b"Resent-From: <three@client.mailproof.test>\r\n",
    b"Resent-Cc: <four@client.mailproof.test>\r\n",
    b"Resent-Message-ID: <five@client.mailproof.test>\r\n",
)
_DEFECTIVE = (
    b"Subject: no From, no Date\r\n\r\nHello.\r\n",
    b"From: <one@client.mailproof.test>\r\nFrom: <two@client.mailproof.test>\r\n\r\nTwo of From.\r\n",
    b"Date: yesterday\r\nFrom: somebody\r\nTo: anybody\r\n\r\nNo date, no addresses.\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\nMIME-Version: 1.0\r\n\r\nno parts at all\r\n",
    b"From: <>\r\nSubject: =?utf-8?Q?broken\r\nMIME-Version: 9\r\n\r\nHello.\r\n",
    b"From: <one@client.mailproof.test>\r\nMessage-ID: none\r\nTo:\r\n\r\nHello.\r\n",
)


def offer(target: Target, message: bytes, why: str) -> None:
    """Send a message, which must be accepted at its end."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        verify_reply(peer.data(), code=354)
        verify_reply(peer.send_text(message), code="2yz", why=why)
        mailbox.messages(1)


@requirement(
    "rfc5321/3.3/resent-fields",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^250 2\.6\.0 ", b"554 5.6.0 "),
)
@given(fields=st.lists(st.sampled_from(_RESENT), min_size=1, max_size=4).map(b"".join))
def test_incomplete_resent_fields_are_no_reason_to_refuse(target: Target, fields: bytes) -> None:
    """Resent fields that do not match, or lack Resent-From or Resent-Date, are let through."""
    offer(target, fields + note(), "incomplete Resent fields are no reason to refuse")


@requirement(
    "rfc5321/3.3/defective-content",
    level=SHOULD_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^250 2\.6\.0 ", b"554 5.6.0 "),
)
@given(
    message=st.sampled_from(_DEFECTIVE) | messages.text_lines().map(lambda text: b"Subject: x\r\n\r\n" + text)
)
def test_defects_of_the_header_are_no_reason_to_refuse(target: Target, message: bytes) -> None:
    """A header that RFC 5322 or MIME would have otherwise is let through."""
    offer(target, message, "defects of the header are no reason to refuse")
