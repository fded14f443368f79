from collections.abc import Sequence

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    Need,
    given,
    requirement,
    verify_equal,
    verify_refused,
    verify_reply,
)
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, note
from suites.rfc5321.tampering import Forged

STATES = ("the greeting", "EHLO", "MAIL", "RCPT")


@requirement(
    "rfc5321/4.1.1.10/quit",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^221", b"250"),
)
@given(state=st.sampled_from(STATES))
def test_quit_says_221_and_closes(target: Target, state: str) -> None:
    """QUIT is answered 221 at any time; then the server closes the connection."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=state != "the greeting") as peer:
        if state in {"MAIL", "RCPT"}:
            begin(peer, *([mailbox.address] if state == "RCPT" else []))
        verify_reply(peer.quit(), code=221, why=f"QUIT after {state}")
        verify_equal("replies after 221", expected=[], actual=peer.expect_closed())


@requirement(
    "rfc5321/4.1.1.10/open-until-quit",
    level=MUST_NOT,
    needs={Service.SMTP},
    refuted_by=Forged(rb"Q[A-Z]+Q", instead=b"QUIT", reply=b"500 5.5.1 what?\r\n"),
    also=("rfc5321/3.8/unknown-commands-tolerated",),
)
@given(
    mistakes=st.lists(
        commands.unknown_verbs() | st.sampled_from([b"RCPT TO:<>", b"MAIL", b"DATA"]), min_size=1, max_size=3
    )
)
def test_mistakes_do_not_end_the_session(target: Target, mistakes: Sequence[bytes]) -> None:
    """A few mistakes are refused, and the connection stays open."""
    with target.smtp() as peer:
        for line in mistakes:
            verify_refused(peer.command(line))
        verify_reply(peer.noop(), code=250, why="the connection stays open until QUIT")


@requirement(
    "rfc5321/4.1.1.10/broken-off-transaction",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"broken off\r\n\Z", b"broken off\r\n.\r\n"),
)
def test_a_transaction_broken_off_is_cancelled(target: Target) -> None:
    """Of a message whose text the client did not finish nothing is delivered."""
    with target.fresh_mailbox() as mailbox:
        with target.smtp() as peer:
            begin(peer, mailbox.address)
            verify_reply(peer.data(), code=354)
            peer.send_raw(note(b"broken off\r\n"))
            peer.close()
        mailbox.expect_none()
