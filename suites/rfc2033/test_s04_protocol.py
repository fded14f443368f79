from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify_equal, verify_reply
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc2033.steps import RETRIEVED, SENDER, begin_for, deliver, mailboxes


@requirement(
    "rfc2033/4/null-reverse-path",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Fault("smtp-null-sender-rejected"),
    also={"rfc2505/2.6.1/null-sender"},
)
def test_the_null_reverse_path_is_accepted(target: Target) -> None:
    """Notifications come without a sender; they are delivered like all mail."""
    message = messages.compose(b"Your message could not be delivered.\r\n")
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        verify_reply(peer.mail(""), code="2yz", why="the null reverse-path is legal (RFC 5321 §4.5.5)")
        verify_reply(peer.rcpt(mailbox.address), code="2yz")
        verify_reply(peer.data(), code=354)
        (reply,) = peer.send_text_lmtp(message, 1)
        verify_reply(reply, code="2yz")
        verify_equal("what was delivered", expected=message, actual=mailbox.only_message().without_trace)


@requirement(
    "rfc2033/4/transparency",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"^\.(?!\r\n)", b".."),
    also={"rfc5321/4.5.2/remove-one-dot"},
)
@given(text=messages.text_lines(leading_dots=True, max_lines=8))
def test_leading_dots_survive(target: Target, text: bytes) -> None:
    """The reader gets the lines that were meant, whatever lines begin with dots."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        deliver(peer, [mailbox.address], messages.compose(text))
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)


@requirement(
    "rfc2033/4/further-transactions",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"(?<=Transaction: )[0-9]", b"0"),
)
@given(order=st.lists(st.integers(0, 1), min_size=2, max_size=4))
def test_a_session_carries_several_transactions(target: Target, order: list[int]) -> None:
    """Each transaction's message goes to that transaction's recipient, and to nobody else."""
    sent: dict[int, list[bytes]] = {0: [], 1: []}
    with mailboxes(target, 2) as boxes, target.lmtp() as peer:
        for number, choice in enumerate(order, 1):
            message = messages.compose(b"Hello.\r\n", extra=b"Transaction: %d\r\n" % number)
            deliver(peer, [boxes[choice].address], message)
            sent[choice].append(message)
        for choice, box in enumerate(boxes):
            expected = sorted(sent[choice])
            arrived = [one.without_trace for one in box.messages(len(expected))] if expected else []
            verify_equal("what this recipient got", expected=expected, actual=sorted(arrived))


@requirement(
    "rfc2033/4/reset",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Fault("smtp-rset-ignored"),
)
def test_reset_ends_the_transaction(target: Target) -> None:
    """Who was named before RSET gets nothing of what comes after it."""
    message = messages.compose(b"For the second only.\r\n")
    with mailboxes(target, 2) as (first, second), target.lmtp() as peer:
        begin_for(peer, [first.address])
        verify_reply(peer.rset(), code=250)
        verify_reply(peer.mail(SENDER), code="2yz", why="RSET has ended the transaction before")
        verify_reply(peer.rcpt(second.address), code="2yz")
        verify_reply(peer.data(), code=354)
        (reply,) = peer.send_text_lmtp(message, 1)
        verify_reply(reply, code="2yz")
        verify_equal("what was delivered", expected=message, actual=second.only_message().without_trace)
        first.expect_none()


@requirement(
    "rfc2033/4/quit",
    level=PROSE,
    needs={Service.LMTP},
    refuted_by=Rewrite.from_server(rb"^221 ", b"250 "),
    also={"rfc5321/4.1.1.10/quit"},
)
def test_quit_ends_the_session(target: Target) -> None:
    """QUIT is answered with 221, and then the server closes."""
    with target.lmtp() as peer:
        verify_reply(peer.quit(), code=221)
        verify_equal("replies after 221", expected=[], actual=peer.expect_closed())
