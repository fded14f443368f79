from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    Need,
    given,
    requirement,
    unsupported,
    verify_equal,
    verify_reply,
)
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc2033.steps import RETRIEVED, begin, begin_for, finish_and_quit, mailboxes


@requirement(
    "rfc2033/4.2/data-without-recipient",
    level=MUST,
    needs={Service.LMTP, Need.UNKNOWN_RECIPIENT},
    refuted_by=Rewrite.from_server(rb"^503 ", b"554 "),
)
@given(refused=st.integers(0, 2))
def test_data_without_a_recipient_fails_with_503(target: Target, refused: int) -> None:
    """Unlike SMTP's DATA, where 554 is legal too."""
    with target.lmtp() as peer:
        replies = begin(peer, [target.unknown_address or ""] * refused)
        if any(reply.is_positive for reply in replies):
            unsupported("the server finds out about recipients later than at RCPT")
        verify_reply(peer.data(), code=503, why="no RCPT was successful")


@requirement(
    "rfc2033/4.2/reply-for-each-recipient",
    level=PROSE,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Fault("lmtp-single-reply"),
)
@given(count=st.integers(1, 4))
def test_every_recipient_has_a_reply(target: Target, count: int) -> None:
    """The client learns the fate of each recipient by counting."""
    with mailboxes(target, count) as boxes, target.lmtp() as peer:
        begin_for(peer, [box.address for box in boxes])
        replies = finish_and_quit(peer, messages.compose(b"Hello.\r\n"))
        verify_equal("replies after the final dot", expected=count, actual=len(replies))


@requirement(
    "rfc2033/4.2/none-for-refused",
    level=PROSE,
    needs={Service.LMTP, Need.UNKNOWN_RECIPIENT, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^221 ", b"550 5.1.1 unknown\r\n221 "),
)
@given(known=st.lists(st.booleans(), min_size=2, max_size=4).filter(any))
def test_a_refused_recipient_has_no_reply(target: Target, known: list[bool]) -> None:
    """Wherever the refused ones stand among the accepted, only the accepted are answered."""
    with mailboxes(target, sum(known)) as boxes, target.lmtp() as peer:
        addresses = iter([box.address for box in boxes])
        recipients = [next(addresses) if one else target.unknown_address or "" for one in known]
        accepted = [reply for reply in begin(peer, recipients) if reply.is_positive]
        replies = finish_and_quit(peer, messages.compose(b"Hello.\r\n"))
        verify_equal("replies after the final dot", expected=len(accepted), actual=len(replies))


@requirement(
    "rfc2033/4.2/order-of-replies",
    level=PROSE,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Fault("lmtp-replies-in-other-order"),
)
@given(count=st.integers(2, 4))
def test_replies_come_in_the_order_of_the_recipients(target: Target, count: int) -> None:
    """Where each reply names the recipient that it is for, they are in the order of RCPT."""
    with mailboxes(target, count) as boxes, target.lmtp() as peer:
        recipients = [box.address for box in boxes]
        begin_for(peer, recipients)
        replies = finish_and_quit(peer, messages.compose(b"Hello.\r\n"))
        named = [name for reply in replies for name in recipients if f"<{name}>".encode() in reply.text]
        if sorted(named) != sorted(recipients):
            unsupported("the replies do not name one recipient each, and they are all alike")
        verify_equal("the recipients that the replies name", expected=recipients, actual=named)


@requirement(
    "rfc2033/4.2/same-path-again",
    level=PROSE,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Fault("lmtp-single-reply"),
)
@given(times=st.integers(2, 3))
def test_a_path_named_again_has_its_own_reply(target: Target, times: int) -> None:
    """Replies are counted by successful RCPT commands, not by mailboxes."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        accepted = [reply for reply in begin(peer, [mailbox.address] * times) if reply.is_positive]
        if len(accepted) < 2:
            unsupported("the server refuses a recipient that it has already")
        replies = finish_and_quit(peer, messages.compose(b"Hello.\r\n"))
        verify_equal("replies after the final dot", expected=len(accepted), actual=len(replies))


@requirement(
    "rfc2033/4.2/accepted-is-delivered",
    level=MUST_NOT,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"(?i)^(Message-ID: *)", rb"\1x"),
)
@given(message=messages.conforming_messages(), count=st.integers(1, 3))
def test_what_is_accepted_is_delivered(target: Target, message: bytes, count: int) -> None:
    """Each recipient with a positive reply gets the message, as it was sent."""
    with mailboxes(target, count) as boxes, target.lmtp() as peer:
        begin_for(peer, [box.address for box in boxes])
        replies = finish_and_quit(peer, message)
        for box, reply in zip(boxes, replies, strict=True):
            if reply.is_positive:
                verify_equal("what was delivered", expected=message, actual=box.only_message().without_trace)
