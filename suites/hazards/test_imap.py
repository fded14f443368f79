"""Hazards of IMAP servers: what comes in clear behind STARTTLS, literals and nesting without measure."""

from hypothesis import strategies as st

from harness.conformance import HAZARD, Need, Offers, given, requirement, verify, verify_equal, verify_ok
from harness.strategies import hostile
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import PeerClosed, TlsFailed
from harness.vocabulary.services import Service
from harness.wire.imap import Continuation
from suites.imap.talk import IMAP, octets_of
from suites.imap.tampering import During

_HOSTILE = IMAP | {Need.HOSTILE}


@requirement(
    "hazard/starttls-injection-imap",
    level=HAZARD,
    needs={Offers(Service.IMAP, "STARTTLS"), Need.HOSTILE},
    refuted_by=Rewrite.from_server(rb"^x3 ", b"x2 OK NOOP completed\r\nx3 "),
)
@given(injected=st.sampled_from([b"x2 NOOP\r\n", b"x2 CAPABILITY\r\n", b"x2 LOGOUT\r\n", b"x2 NO"]))
def test_commands_sent_in_clear_are_not_answered_under_tls(target: Target, injected: bytes) -> None:
    """What comes in one packet with STARTTLS is dropped, or ends the session; it has no answer under TLS."""
    with target.imap(login=False, tls=False) as client:
        client.send_raw(b"x1 STARTTLS\r\n" + injected, b"x1")
        if not client.finish(b"x1").ok:
            return
        try:
            target.start_tls(client.stream, Service.IMAP)
            client.stream.send(b"x3 NOOP\r\n")
            answer = client.stream.receive(target.reply_timeout_s)
        except (TlsFailed, PeerClosed):
            return  # An answer in clear, or a closed connection: nothing got into the session under TLS.
        finally:
            client.disconnect()
        verify(
            (answer.startswith((b"x3 OK ", b"* ")) and b"x2 " not in answer) or not answer,
            expected="the answer to the first command under TLS",
            actual=answer,
        )


@requirement(
    "hazard/imap-literal-before-login",
    level=HAZARD,
    needs=_HOSTILE,
    refuted_by=Rewrite.from_server(rb"^(?:x1|\*) (?:BAD|NO|BYE) [^\r]*", b"+ go on"),
)
@given(
    announcement=hostile.literal_bombs(), place=st.sampled_from([b"LOGIN ", b"LOGIN user ", b"NOOP ", b""])
)
def test_nobody_without_login_gets_gigabytes(target: Target, announcement: bytes, place: bytes) -> None:
    """A literal of gigabytes that is announced before login is refused, not asked for."""
    with target.imap(login=False, tls=False) as client:
        client.send_raw(b"x1 " + place + announcement, b"x1")
        try:
            answer = client.read_response()
        except PeerClosed:
            return
        verify(not isinstance(answer, Continuation), expected="BAD, NO or BYE", actual=answer.octets)
        client.disconnect()


@requirement(
    "hazard/imap-deep-nesting",
    level=HAZARD,
    needs=_HOSTILE,
    refuted_by=During(
        b"SEARCH", Rewrite.from_server(rb"^A[0-9]+ (?:OK|NO|BAD) [^\r]*", b"Segmentation fault")
    ),
)
@given(program=hostile.nested_parentheses())
def test_deep_nesting_does_no_harm(target: Target, program: bytes) -> None:
    """A search program nested without measure is answered; a server that gives up says BYE first."""
    with target.imap_mailbox() as box:
        message = compose()
        box.append(message)
        verify_ok(box.client.noop())
        try:
            box.client.search(program)
        except PeerClosed:
            farewell = box.client.tracker.farewell
            verify(farewell is not None, expected="BYE before the end", actual="the connection was closed")
        verify_equal("the message in another session", expected=message, actual=octets_of(box.second(), 1))
