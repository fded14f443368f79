from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    PROSE,
    Need,
    given,
    inconclusive,
    requirement,
    verify_equal,
    verify_refused,
    verify_reply,
)
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, finish, note, verify_nothing_taken
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc5321/3.3/transaction",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL FROM:<sender@", reply=b"251 2.1.0 OK\r\n", instead=b"MAIL FROM:<>"),
)
@given(message=messages.conforming_messages())
def test_a_transaction_ends_in_the_mailbox(target: Target, message: bytes) -> None:
    """MAIL, RCPT, DATA and the text are answered 250, 250, 354 and 250, and the message arrives as it is."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        verify_reply(peer.mail(SENDER), code=250)
        verify_reply(peer.rcpt(mailbox.address), code={250, 251})
        verify_reply(peer.data(), code=354)
        verify_reply(peer.send_text(message), code=250)
        stored = mailbox.only_message().octets
        verify_equal("the end of the stored message", expected=message, actual=stored[-len(message) :])


@requirement(
    "rfc5321/3.3/rcpt-without-mail",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"RCPT TO:", reply=b"550 5.1.1 no such user\r\n"),
)
@given(before=st.sampled_from(["EHLO", "RSET", "a transaction"]))
def test_rcpt_needs_mail(target: Target, before: str) -> None:
    """Where no transaction is open, RCPT is answered 503."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        if before == "RSET":
            begin(peer)
            verify_reply(peer.rset(), code=250)
        elif before == "a transaction":
            begin(peer, mailbox.address)
            finish(peer, note())
        verify_reply(peer.rcpt(mailbox.address), code=503, why=f"no MAIL since {before}")


@requirement(
    "rfc5321/3.3/data-without-recipients",
    level=PROSE,
    needs={Service.SMTP},
    refuted_by=Fault("smtp-data-no-rcpt"),
)
@given(before=st.sampled_from(["MAIL", "a refused RCPT", "EHLO"]))
def test_nothing_is_taken_without_recipients(target: Target, before: str) -> None:
    """DATA without an accepted recipient is refused, or if not, then the text is."""
    with target.smtp() as peer:
        if before != "EHLO":
            begin(peer)
        if before == "a refused RCPT" and target.unknown_address is not None:
            reply = peer.rcpt(target.unknown_address)
            if reply.is_positive:
                verify_reply(peer.rset(), code=250)
        verify_nothing_taken(peer, f"there is no recipient after {before}")
        verify_reply(peer.noop(), code=250, why="the server is still in step")


@requirement(
    "rfc5321/3.3/unknown-recipient",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE, Need.UNKNOWN_RECIPIENT},
    refuted_by=Forged(rb"RCPT TO:<nobody", reply=b"250 2.1.5 OK\r\n", instead=b"RCPT TO:<Postmaster>"),
)
def test_an_unknown_recipient_is_refused_or_bounced(target: Target) -> None:
    """The sender learns of an undeliverable address: at once, or by a notification (§6.1)."""
    unknown = target.unknown_address
    assert unknown is not None
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, sender=mailbox.address)
        reply = peer.rcpt(unknown)
        if reply.code // 100 == 4:
            inconclusive(f"refused for now: {reply}")
        if not reply.is_positive:
            verify_reply(reply, code="5yz")
            return
        verify_reply(peer.data(), code=354)
        reply = peer.send_text(note())
        if reply.is_positive:
            told = mailbox.only_message()
            verify_equal(
                "the reverse-path of a notification that the message was not delivered",
                expected=b"<>",
                actual=told.field("Return-Path"),
            )
        else:
            verify_refused(reply)
