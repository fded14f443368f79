"""RFC 4959 §3: the initial client response of AUTHENTICATE."""

from harness.clients.imap_session import Result
from harness.conformance import MUST, PROSE, requirement, unsupported, verify, verify_ok
from harness.targets import Target
from harness.vocabulary.judging import Need, Offers
from harness.wire.sasl import encode_base64
from suites.imap.talk import IMAP, door
from suites.imap.tampering import answered

_NEEDS = IMAP | {Offers(Need.IMAP, "SASL-IR")}


@requirement(
    "rfc4959/3/initial-response",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=answered(b"AUTHENTICATE", b"NO", of=b"OK"),
    also=["rfc9051/6.2.2/initial-response"],
)
def test_the_initial_response_may_come_with_the_command(target: Target) -> None:
    """AUTHENTICATE PLAIN with the response behind it needs no continuation."""
    with target.account() as account, door(target) as client:
        if account.password is None or not client.offers("AUTH=PLAIN"):
            unsupported("AUTH=PLAIN with a password is not possible here")
        secret = b"\0" + account.login.encode() + b"\0" + account.password.encode()
        tag = client.send_command(b"AUTHENTICATE PLAIN ", encode_base64(secret))
        answer = client.await_continuation(tag)
        verify(isinstance(answer, Result), expected="the tagged OK, and no continuation", actual=answer)
        assert isinstance(answer, Result)
        verify_ok(answer)


@requirement(
    "rfc4959/3/broken-base64",
    level=MUST,
    needs=_NEEDS,
    refuted_by=answered(b"AUTHENTICATE", b"OK", of=b"NO|BAD"),
)
def test_a_broken_initial_response_is_refused(target: Target) -> None:
    """An initial response that is not base64 is refused as a broken client response is."""
    with door(target) as client:
        if not client.offers("AUTH=PLAIN"):
            unsupported("AUTH=PLAIN is not offered")
        tag = client.send_command(b"AUTHENTICATE PLAIN =AAA")
        answer = client.await_continuation(tag)
        verify(isinstance(answer, Result) and not answer.ok, expected="a tagged NO or BAD", actual=answer)
