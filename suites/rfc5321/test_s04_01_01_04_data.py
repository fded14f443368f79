from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    Need,
    given,
    requirement,
    verify,
    verify_equal,
    verify_reply,
)
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, finish, note, send
from suites.rfc5321.tampering import LeakedRecipients


@requirement(
    "rfc5321/4.1.1.4/lf-dot-lf",
    level=MUST_NOT,
    needs={Service.SMTP, Need.HOSTILE, Need.RETRIEVE},
    refuted_by=Fault("smtp-lf-dot-lf"),
)
@given(lookalike=st.sampled_from([b"\n.\n", b"\n.\r\n", b"\r\n.\n"]))
def test_a_dot_beside_a_bare_lf_ends_nothing(target: Target, lookalike: bytes) -> None:
    """A dot that stands between line ends, of which one is a bare LF, does not end the text."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        verify_reply(peer.data(), code=354)
        peer.send_raw(note(b"before" + lookalike + b"after\r\n.\r\n") + b"QUIT\r\n")
        replies = peer.expect_closed()
        verify(
            len(replies) <= 2,
            expected="one reply to the text, which CRLF.CRLF alone ends, and 221 to QUIT",
            actual=[reply.octets for reply in replies],
        )


@requirement(
    "rfc5321/4.1.1.4/final-line-end",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"\r\n\.\r\n\Z", b"\r\n\r\n.\r\n"),
)
@example(text=b"A line.\r\n", empty_lines=2)
@example(text=b"", empty_lines=0)
@given(text=messages.text_lines(min_lines=0), empty_lines=st.integers(0, 3))
def test_the_end_of_data_is_no_part_of_the_message(target: Target, text: bytes, empty_lines: int) -> None:
    """The CRLF before the final dot ends the last line; no line is added, and none is lost."""
    text += b"\r\n" * empty_lines
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(text))
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)


@requirement(
    "rfc5321/4.1.1.4/ok-after-success",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-early-250"),
)
def test_the_text_is_answered_when_it_has_come(target: Target) -> None:
    """No positive reply comes before the end of the text; then 250 does, and the message arrives."""
    message = note(b"The first half.\r\nThe second half.\r\n")
    half = message.index(b"The second")
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        verify_reply(peer.data(), code=354)
        peer.send_raw(message[:half])
        with target.smtp() as other:
            # By the time that this is answered, so would the text be by a server that does not wait for it.
            other.noop()
        early = [reply.octets for reply in peer.unasked() if reply.is_positive]
        verify(not early, expected="no positive reply before the text has come", actual=early)
        verify_reply(peer.send_text(message[half:]), code=250)
        stored = mailbox.only_message().octets
        verify_equal("the stored message", expected=message, actual=stored[-len(message) :])


@requirement(
    "rfc5321/4.1.1.4/buffers-cleared",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE, Need.TWO_ACCOUNTS},
    refuted_by=LeakedRecipients(),
)
def test_the_next_transaction_has_its_own_recipients(target: Target) -> None:
    """After the text, nothing of the transaction is left in the session."""
    with target.fresh_mailbox() as first, target.fresh_mailbox() as second, target.smtp() as peer:
        messages_sent = []
        for mailbox in (first, second):
            messages_sent.append(note())
            send(peer, mailbox.address, messages_sent[-1], why="one transaction after the other")
        for mailbox, message in zip((first, second), messages_sent, strict=True):
            stored = mailbox.only_message().octets
            verify_equal("the stored message", expected=message, actual=stored[-len(message) :])
        first.expect_none(beside=1)


@requirement(
    "rfc5321/4.1.1.4/every-recipient",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE, Need.TWO_ACCOUNTS},
    refuted_by=Rewrite.from_client(rb"^RCPT TO:<[^>]*>\r\n", b"RCPT TO:<Postmaster>\r\n", count=1),
)
@given(text=messages.text_lines())
def test_every_recipient_gets_the_message(target: Target, text: bytes) -> None:
    """A message that is accepted reaches each of its recipients, once."""
    with target.fresh_mailbox() as first, target.fresh_mailbox() as second, target.smtp() as peer:
        message = note(text)
        begin(peer, first.address, second.address)
        finish(peer, message)
        for mailbox in (first, second):
            stored = mailbox.only_message().octets
            verify_equal("the stored message", expected=message, actual=stored[-len(message) :])
