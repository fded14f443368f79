from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import (
    HAZARD,
    MUST,
    PROSE,
    Need,
    Offers,
    given,
    requirement,
    verify,
    verify_ok,
    verify_refused,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import PeerClosed, RemoteProtocolError, TlsFailed
from harness.vocabulary.services import Service
from harness.wire.pop3 import Response
from suites.rfc1939.steps import need_user
from suites.rfc1939.tampering import After, While, answered
from suites.rfc2595.tampering import Injected

_OFFERED = Offers(Service.POP3, "STLS")


def upgrade(target: Target, peer: Pop3Client) -> None:
    """Go over to TLS."""
    response = target.starttls(peer, Service.POP3)
    assert isinstance(response, Response)
    verify_ok(response, "STLS is announced")


@requirement(
    "rfc2595/4/stls",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=answered(rb"STLS", b"-ERR no TLS"),
)
def test_a_session_goes_on_under_tls(target: Target) -> None:
    """STLS, where it is announced, is answered with +OK; under TLS one can log in."""
    with target.account() as account, target.pop3(login=False) as peer:
        upgrade(target, peer)
        need_user(peer)
        verify_ok(peer.login(account.login, account.password or ""))
        peer.stat()


@requirement(
    "rfc2595/4/capa-with-stls",
    level=MUST,
    needs={_OFFERED},
    refuted_by=After(rb"STLS", answered(rb"CAPA", b"-ERR")),
)
def test_capabilities_can_be_asked_for_under_tls(target: Target) -> None:
    """CAPA is there before STLS and after it, so that a client can ask again."""
    with target.pop3(login=False) as peer:
        verify_ok(peer.capa(), "STLS needs CAPA")
        upgrade(target, peer)
        verify_ok(peer.capa(), "what was announced in clear has to be forgotten")


@requirement(
    "rfc2595/4/stays-in-authorization",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=answered(rb"STAT", b"+OK 0 0"),
)
@given(before=st.sampled_from([[], ["CAPA"], ["USER nobody"], ["XYZZ"]]))
def test_tls_logs_nobody_in(target: Target, before: list[str]) -> None:
    """Under TLS the session is in the AUTHORIZATION state, whatever was said in clear."""
    with target.pop3(login=False) as peer:
        for line in before:
            peer.command(line, multiline=line == "CAPA")
        upgrade(target, peer)
        verify_refused(peer.command("STAT"), "nobody has logged in")


@requirement(
    "rfc2595/4/only-before-login",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=answered(rb"STLS", b"+OK"),
)
@given(under_tls=st.booleans())
def test_tls_does_not_start_after_login(target: Target, under_tls: bool) -> None:
    """STLS is answered with -ERR in the TRANSACTION state, which goes on."""
    with target.account() as account, target.pop3(login=False) as peer:
        peer.capa()
        if under_tls or "USER" not in peer.capabilities:
            upgrade(target, peer)
        need_user(peer)
        verify_ok(peer.login(account.login, account.password or ""))
        verify_refused(peer.command("STLS"), "the session is in the TRANSACTION state")
        verify_ok(peer.noop())


@requirement(
    "rfc2595/4/announced-where-permitted",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=While(rb"CAPA", Rewrite.from_server(rb"^\.\r\n", b"STLS\r\n.\r\n")),
)
def test_stls_is_announced_where_it_is_permitted(target: Target) -> None:
    """STLS under TLS is either not announced and refused, or would start TLS; after login it is gone."""
    with target.account() as account, target.pop3(login=False) as peer:
        upgrade(target, peer)
        need_user(peer)
        if "STLS" not in peer.capabilities:
            verify_refused(peer.command("STLS"), "STLS is not announced, so it is not permitted")
        verify_ok(peer.login(account.login, account.password or ""), "the session goes on")
        peer.capa()
        verify(
            "STLS" not in peer.capabilities,
            expected="no STLS in CAPA after login (RFC 2595 §8)",
            actual=" ".join(peer.capabilities),
        )


@requirement(
    "hazard/stls-injection-pop3",
    level=HAZARD,
    needs={_OFFERED, Need.HOSTILE},
    refuted_by=Injected(),
)
@given(injected=st.sampled_from([b"CAPA\r\n", b"NOOP\r\n", b"USER nobody\r\n", b"XYZZ\r\nXYZZ\r\n"]))
def test_commands_sent_in_clear_are_not_carried_out_under_tls(target: Target, injected: bytes) -> None:
    """What comes in one packet with STLS is dropped, or ends the session; it has no response under TLS."""
    with target.pop3(login=False) as peer:
        peer.expect_response()
        peer.send_raw(b"STLS\r\n" + injected)
        try:
            if not peer.read_response().ok:
                return  # STLS is refused where more came with it, which is as safe.
            target.start_tls(peer.stream, Service.POP3)
        except (TlsFailed, PeerClosed, RemoteProtocolError):
            return  # A response in clear, or a closed connection: nothing got into the session under TLS.
        try:
            verify_ok(peer.quit(), "no command but QUIT is carried out")
            verify(not (more := peer.expect_closed()), expected="one response, to QUIT", actual=more)
        except PeerClosed:
            return
