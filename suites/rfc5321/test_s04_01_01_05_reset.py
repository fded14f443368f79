from hypothesis import strategies as st

from harness.conformance import MUST, MUST_NOT, Need, given, requirement, verify_reply
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, finish, note, verify_no_transaction
from suites.rfc5321.tampering import Forged

STATES = ("the greeting", "EHLO", "MAIL", "RCPT", "a message")


@requirement(
    "rfc5321/4.1.1.5/rset-ok",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"RSET", reply=b"503 5.5.1 nothing to reset\r\n"),
)
@given(state=st.sampled_from(STATES), times=st.integers(1, 2))
def test_rset_is_always_ok(target: Target, state: str, times: int) -> None:
    """RSET is answered 250 whatever went before it."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=state != "the greeting") as peer:
        if state in {"MAIL", "RCPT", "a message"}:
            begin(peer, *([] if state == "MAIL" else [mailbox.address]))
        if state == "a message":
            finish(peer, note())
        for _ in range(times):
            verify_reply(peer.rset(), code=250, why=f"RSET after {state}")


@requirement(
    "rfc5321/4.1.1.5/rset-discards",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-rset-ignored"),
)
@given(recipients=st.integers(0, 3))
def test_rset_discards_the_transaction(target: Target, recipients: int) -> None:
    """After RSET there is no sender, no recipient and nothing to send."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, *[mailbox.address] * recipients)
        verify_reply(peer.rset(), code=250)
        verify_no_transaction(peer, mailbox.address, "RSET has discarded the transaction")


@requirement(
    "rfc5321/4.1.1.5/rset-keeps-the-session",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"RSET", instead=b"QUIT", reply=b"250 2.0.0 OK\r\n"),
)
@given(times=st.integers(1, 5))
def test_rset_keeps_the_connection(target: Target, times: int) -> None:
    """The connection stays open after RSET, and mail goes on without another EHLO."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        for _ in range(times):
            verify_reply(peer.rset(), code=250)
        verify_reply(peer.mail(SENDER), code=250, why="RSET forgets the transaction, not the client")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251})
