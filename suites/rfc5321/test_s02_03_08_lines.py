from hypothesis import strategies as st

from harness.conformance import MUST_NOT, Need, given, requirement, verify
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service


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
