from harness.conformance import MUST, Need, given, requirement, verify, verify_reply
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc5321/4.5.1/minimum-commands",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"VRFY", reply=b"500 5.5.1 not recognised\r\n"),
)
def test_the_minimum_of_commands_is_there(target: Target) -> None:
    """EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT and VRFY are recognised; only VRFY may be disabled."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        for line in (
            "EHLO client.mailproof.test",
            "HELO client.mailproof.test",
            "NOOP",
            "VRFY postmaster",
            f"MAIL FROM:<{SENDER}>",
            "RSET",
            f"MAIL FROM:<{SENDER}>",
            f"RCPT TO:<{mailbox.address}>",
            "DATA",
        ):
            reply = peer.command(line)
            unknown = {500} if line.startswith("VRFY") else {500, 502}
            verify(reply.code not in unknown, expected=f"{line[:4]} supported", actual=reply.octets)
        if reply.code == 354:
            peer.send_text(b"Subject: the minimum\r\n\r\n")
        reply = peer.quit()
        verify(reply.code not in {500, 502}, expected="QUIT supported", actual=reply.octets)


@requirement(
    "rfc5321/4.5.1/postmaster-without-domain",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_client(rb"(?i)<postmaster>", b"<nobody@no-such-domain.test>"),
    also=("rfc5321/4.1.1.3/postmaster-case",),
)
@given(name=addresses.case_variants("postmaster"))
def test_postmaster_alone_is_a_recipient(target: Target, name: str) -> None:
    """`RCPT TO:<Postmaster>` is accepted, in any case and without a domain."""
    with target.smtp() as peer:
        begin(peer)
        verify_reply(peer.rcpt(name), code={250, 251}, why="mail for the postmaster is accepted")


@requirement(
    "rfc5321/4.5.1/postmaster-of-every-domain",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_client(rb"(?i)<postmaster@[^>]*>", b"<nobody@no-such-domain.test>"),
)
@given(name=addresses.case_variants("postmaster"))
def test_every_domain_has_a_postmaster(target: Target, name: str) -> None:
    """The postmaster of a domain that the server serves is a recipient, in any case."""
    with target.smtp() as peer:
        begin(peer)
        reply = peer.rcpt(target.address(name))
        verify_reply(reply, code={250, 251}, why="mail for the postmaster is accepted")
