from harness.conformance import MUST_NOT, given, requirement, unsupported, verify
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service


@requirement(
    "rfc5321/3.2/helo-answered-plainly",
    level=MUST_NOT,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_client(rb"^HELO ", b"EHLO "),
)
@given(name=addresses.domains())
def test_helo_is_answered_without_keywords(target: Target, name: str) -> None:
    """The reply to HELO has no line that announces an extension to EHLO."""
    with target.smtp(hello=False) as peer:
        extended = peer.ehlo(name)
    announced = extended.lines[1:] if extended.code == 250 else ()
    if not announced:
        unsupported("EHLO announces no extensions")
    with target.smtp(hello=False) as peer:
        reply = peer.helo(name)
    verify(
        not set(reply.lines) & set(announced),
        expected="none of the lines that announce extensions in the response to EHLO",
        actual=reply.octets,
    )
