from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    SHOULD,
    Need,
    given,
    requirement,
    unsupported,
    verify,
    verify_refused,
    verify_reply,
)
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, finish, note, verify_no_transaction
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc5321/4.1.4/before-ehlo",
    level=SHOULD,
    needs={Service.SMTP},
    refuted_by=Forged(rb"(NOOP|VRFY)", reply=b"503 5.5.1 EHLO first\r\n"),
)
@given(line=st.sampled_from(["NOOP", "VRFY postmaster", "EXPN postmaster", "HELP", "RSET"]))
def test_what_is_no_mail_needs_no_ehlo(target: Target, line: str) -> None:
    """NOOP, HELP, EXPN, VRFY and RSET are processed, and not answered 503, before EHLO."""
    with target.smtp(hello=False) as peer:
        reply = peer.command(line)
        verify(reply.code != 503, expected=f"{line} processed before EHLO", actual=reply.octets)


@requirement(
    "rfc5321/4.1.4/ehlo-resets",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"(EHLO|HELO) again", instead=b"NOOP"),
    also=("rfc5321/4.1.1.1/initial-state",),
)
@given(hello=st.sampled_from(["EHLO", "HELO"]), recipients=st.integers(0, 2))
def test_another_ehlo_resets(target: Target, hello: str, recipients: int) -> None:
    """EHLO or HELO within a transaction aborts it as RSET does."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, *[mailbox.address] * recipients)
        verify_reply(peer.command(f"{hello} again.mailproof.test"), code=250)
        verify_no_transaction(peer, mailbox.address, f"{hello} has reset the session")
        begin(peer, mailbox.address)
        finish(peer, note(), f"a transaction after the second {hello}")


@requirement(
    "rfc5321/4.1.4/refused-ehlo-changes-nothing",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"EHLO\r\n", instead=b"RSET", reply=b"501 5.5.4 who?\r\n"),
)
def test_a_refused_ehlo_changes_nothing(target: Target) -> None:
    """EHLO without an argument is refused, and the transaction goes on."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        reply = peer.command("EHLO")
        if reply.is_positive:
            unsupported("the server takes EHLO without a domain, so none is refused")
        verify_reply(reply, code={500, 501, 502, 504, 550}, why="the legal failures of EHLO")
        finish(peer, note(), "a refused EHLO leaves the state as it was")


@requirement(
    "rfc5321/4.1.4/refused-mail-changes-nothing",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL FROM:<(?!sender@|>)", instead=b"MAIL FROM:<>", reply=b"501 5.1.7 bad path\r\n"),
)
@given(path=addresses.malformed_mailboxes())
def test_a_refused_mail_changes_nothing(target: Target, path: str) -> None:
    """MAIL with an argument that is refused opens no transaction, and a good one after it does."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        reply = peer.mail(path)
        if reply.is_positive:
            verify_reply(peer.rset(), code=250)
        else:
            verify_refused(peer.rcpt(mailbox.address), "no transaction was opened")
        verify_reply(peer.mail(SENDER), code=250, why="the state is the one before")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251})


@requirement(
    "rfc5321/4.1.4/ehlo-name-is-no-reason",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^250-[^\r\n]* greets \[[^\r\n]*", b"550-5.7.1 no literals")
    + Rewrite.from_server(rb"(?<=\n)250(?=[- ](?!2\.))", b"550"),
)
@given(name=addresses.domains() | addresses.address_literals())
def test_the_name_in_ehlo_is_no_reason_to_refuse(target: Target, name: str) -> None:
    """Mail is taken from clients whose name is not that of their address, also from address literals."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        verify_reply(peer.ehlo(name), code=250)
        verify_reply(peer.mail(SENDER), code=250, why=f"EHLO {name}")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why=f"EHLO {name}")
