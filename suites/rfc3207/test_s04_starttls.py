from hypothesis import strategies as st

from harness.clients.smtp import SmtpClient
from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    Need,
    Offers,
    given,
    inconclusive,
    requirement,
    verify,
    verify_refused,
    verify_reply,
)
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import Reply
from suites.rfc5321.steps import SENDER, begin, finish, note, verify_no_transaction
from suites.rfc5321.tampering import Forged

_OFFERED = Offers(Service.SMTP, "STARTTLS")


def upgrade(target: Target, peer: SmtpClient) -> None:
    """Go over to TLS; a server without TLS for the time being (454) says nothing about the check."""
    reply = target.starttls(peer, Service.SMTP)
    assert isinstance(reply, Reply)
    if reply.code == 454:
        inconclusive(f"no TLS at the moment: {reply}")
    verify_reply(reply, code=220, why="STARTTLS is offered")


@requirement(
    "rfc3207/4/starttls",
    level=PROSE,
    needs={_OFFERED, Need.RETRIEVE},
    refuted_by=Forged(rb"STARTTLS", reply=b"502 5.5.1 not implemented\r\n"),
)
def test_mail_goes_under_tls(target: Target) -> None:
    """STARTTLS, where it is offered, is answered 220; under TLS a session begins and mail is taken."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        upgrade(target, peer)
        verify_reply(peer.ehlo(), code=250, why="the session begins anew under TLS")
        begin(peer, mailbox.address)
        finish(peer, note())
        mailbox.only_message()


@requirement(
    "rfc3207/4/no-parameter",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=Rewrite.from_client(rb"^STARTTLS [^\r\n]*", b"STARTTLS"),
)
@given(argument=commands.arguments())
def test_starttls_takes_no_parameter(target: Target, argument: bytes) -> None:
    """STARTTLS with a parameter is answered 501."""
    with target.smtp() as peer:
        reply = peer.command(b"STARTTLS " + argument)
        if reply.code == 220:
            peer.close()
        verify_reply(reply, code=501, why="no parameters are allowed")


@requirement(
    "rfc3207/4/mail-without-tls",
    level=MUST_NOT,
    needs={_OFFERED, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL", reply=b"530 5.7.0 Must issue a STARTTLS command first\r\n"),
)
def test_local_mail_needs_no_tls(target: Target) -> None:
    """A public server takes mail for its own users without TLS."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        for reply in (peer.mail(SENDER), peer.rcpt(mailbox.address)):
            verify(reply.code != 530, expected="mail accepted without TLS", actual=reply.octets)


@requirement(
    "rfc3207/4.2/state-discarded",
    level=MUST,
    needs={_OFFERED, Need.RETRIEVE},
    refuted_by=Fault("smtp-starttls-state-kept"),
)
@given(recipients=st.integers(0, 1), hello=st.sampled_from(["EHLO", "HELO"]))
def test_what_was_said_in_clear_is_forgotten(target: Target, recipients: int, hello: str) -> None:
    """Under TLS the session is in its initial state: no transaction, and no name of the client."""
    with target.smtp(hello=False) as stranger:
        without_hello = stranger.mail(SENDER).code
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        verify_reply(peer.command(f"{hello} client.mailproof.test"), code=250)
        begin(peer, *[mailbox.address] * recipients)
        reply = peer.command("STARTTLS")
        if reply.code != 220:
            verify_reply(peer.rset(), code=250)
            upgrade(target, peer)
        else:
            target.start_tls(peer.stream, Service.SMTP)
            verify_no_transaction(peer, mailbox.address, "STARTTLS has reset the session")
        verify_reply(peer.mail(SENDER), code=without_hello, why="as in a session without EHLO")


@requirement(
    "rfc3207/4.2/not-offered-again",
    level=MUST_NOT,
    needs={_OFFERED},
    refuted_by=Rewrite.from_server(rb"^250([- ])8BITMIME", rb"250-STARTTLS\r\n250\g<1>8BITMIME"),
)
def test_starttls_is_not_offered_under_tls(target: Target) -> None:
    """The response to EHLO under TLS does not list STARTTLS."""
    with target.smtp(tls=True) as peer:
        verify(
            "STARTTLS" not in peer.keywords,
            expected="no STARTTLS among the keywords under TLS",
            actual=", ".join(peer.keywords),
        )


@requirement(
    "rfc3207/4.2/knows-its-tls",
    level=MUST,
    needs={_OFFERED},
    refuted_by=Forged(rb"STARTTLS", skip=1, reply=b"220 2.0.0 go ahead\r\n"),
)
def test_tls_does_not_start_twice(target: Target) -> None:
    """STARTTLS under TLS is refused, and the session goes on."""
    with target.smtp(tls=True) as peer:
        reply = peer.command("STARTTLS")
        if reply.code == 220:
            peer.close()
        verify_refused(reply, "TLS is active")
        verify_reply(peer.noop(), code=250)
