from hypothesis import strategies as st

from harness.conformance import MUST_NOT, PROSE, given, requirement, verify, verify_reply
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import parse_ehlo


@requirement(
    "rfc2033/4.1/lhlo-as-ehlo",
    level=PROSE,
    needs={Service.LMTP},
    refuted_by=Rewrite.from_server(rb"^250([- ])PIPELINING", rb"250\1=PIPELINING"),
)
@given(name=st.sampled_from(["client.mailproof.test", "[127.0.0.1]", "localhost", "[IPv6:::1]"]))
def test_lhlo_is_answered_as_ehlo_is(target: Target, name: str) -> None:
    """250, and every line after the first names an extension in the form of RFC 5321 §4.1.1.1."""
    with target.lmtp(hello=False) as peer:
        peer.greeting()
        reply = peer.lhlo(name)
        verify_reply(reply, code=250)
        malformed = parse_ehlo(reply).malformed
        verify(
            not malformed,
            expected="lines of ehlo-keyword and parameters (RFC 5321 §4.1.1.1)",
            actual=malformed,
        )


@requirement(
    "rfc2033/4.1/no-helo-nor-ehlo",
    level=MUST_NOT,
    needs={Service.LMTP},
    refuted_by=Rewrite.from_client(rb"^(?:HELO|EHLO)", b"LHLO"),
)
@given(verb=st.sampled_from(["HELO", "EHLO"]), said_lhlo=st.booleans())
def test_helo_and_ehlo_are_refused(target: Target, verb: str, said_lhlo: bool) -> None:
    """So that a client that speaks SMTP finds out; 500 is recommended, others refuse as well."""
    with target.lmtp(hello=said_lhlo) as peer:
        if not said_lhlo:
            peer.greeting()
        reply = peer.command(f"{verb} client.mailproof.test")
        verify(not 200 <= reply.code <= 299, expected="no positive completion reply", actual=reply.octets)
