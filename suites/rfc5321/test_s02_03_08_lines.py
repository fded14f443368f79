from hypothesis import strategies as st

from harness.conformance import MUST_NOT, Need, given, requirement, verify, verify_reply
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, note


@requirement(
    "rfc5321/2.3.8/only-crlf-ends-a-line",
    level=MUST_NOT,
    needs={Service.SMTP, Need.HOSTILE},
    refuted_by=Rewrite.from_client(rb"(?<!\r)\n|\r(?!\n)", b"\r\n"),
)
@given(not_a_line_end=st.sampled_from([b"\n", b"\r", b"\n\r"]))
def test_only_crlf_ends_a_command(target: Target, not_a_line_end: bytes) -> None:
    """A CR or LF alone does not make two commands of one line."""
    with target.smtp() as peer:
        peer.send_raw(b"NOOP" + not_a_line_end + b"NOOP\r\nQUIT\r\n")
        replies = peer.expect_closed()
    verify(
        len(replies) <= 2,
        expected="one reply for the one line, and 221 for QUIT",
        actual=[reply.octets for reply in replies],
    )


@requirement(
    "rfc5321/2.3.8/only-crlf-ends-a-line-of-text",
    level=MUST_NOT,
    needs={Service.SMTP, Need.HOSTILE, Need.RETRIEVE},
    refuted_by=Fault("smtp-bare-lf-mended"),
)
@given(not_a_line_end=st.sampled_from([b"\n", b"\r", b"\n\r"]))
def test_only_crlf_ends_a_line_of_the_text(target: Target, not_a_line_end: bytes) -> None:
    """A text with a CR or LF alone is refused, or delivered without another line for it."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        verify_reply(peer.data(), code=354)
        reply = peer.send_text(note(b"before" + not_a_line_end + b"after\r\n"))
        if not reply.is_positive:
            return
        stored = mailbox.only_message().text
    verify(
        stored.count(b"\r\n") < 2, expected="the one line that was sent, in the stored text", actual=stored
    )
