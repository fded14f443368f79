from contextlib import ExitStack

from hypothesis import strategies as st

from harness.conformance import (
    MUST_NOT,
    PROSE,
    Need,
    Offers,
    given,
    inconclusive,
    requirement,
    verify,
    verify_equal,
    verify_reply,
)
from harness.strategies import messages, mime
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import dot_stuff
from suites.rfc2033.steps import RETRIEVED, begin_for, deliver

_SESSIONS = 3


@requirement(
    "rfc2033/4/content-intact",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"^From (?=[a-z])", b">From "),
)
@given(text=messages.text_lines(long=True), place=st.integers(0, 3))
def test_stores_have_no_say_in_the_text(target: Target, text: bytes, place: int) -> None:
    """Lines that a mailbox file would take for a separator, and long ones, are delivered as they are."""
    lines = text.splitlines(keepends=True)
    lines[place:place] = [b"From here on\r\n", b"From sender@mailproof.test Thu Jan  1 12:00:00 2026\r\n"]
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        deliver(peer, [mailbox.address], messages.compose(b"".join(lines)))
        verify_equal("the stored text", expected=b"".join(lines), actual=mailbox.only_message().text)


@requirement(
    "rfc2033/4/structured-content",
    level=PROSE,
    needs={Offers(Service.LMTP, "8BITMIME"), Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^Content-Type: *([a-z])", rb"Content-type: \1"),
)
@given(tree=mime.messages())
def test_structured_messages_are_delivered(target: Target, tree: mime.MimeMessage) -> None:
    """A message with parts within parts is delivered as it is."""
    # SMTP sends whole lines: the last one gets its CRLF from the client (RFC 5321 §4.1.1.4).
    message = tree.octets if tree.octets.endswith(b"\r\n") else tree.octets + b"\r\n"
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        deliver(peer, [mailbox.address], message)
        verify_equal("what was delivered", expected=message, actual=mailbox.only_message().without_trace)


@requirement(
    "rfc2033/4.2/delivered-at-once",
    level=MUST_NOT,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"^(Message-ID: <number-)2\.", rb"\g<1>1."),
)
@given(rounds=st.integers(1, 3))
def test_deliveries_at_once_are_all_kept(target: Target, rounds: int) -> None:
    """Of texts that end at the same time in several sessions, each that is accepted is delivered, once."""
    word = messages.unique_id().encode()
    accepted = []
    with target.fresh_mailbox() as mailbox, ExitStack() as stack:
        peers = [stack.enter_context(target.lmtp()) for _ in range(_SESSIONS)]
        for turn in range(rounds):
            for peer in peers:
                begin_for(peer, [mailbox.address])
                if (reply := peer.data()).code != 354:
                    inconclusive(f"DATA in an ordinary transaction is refused: {reply}")
            sent = [
                messages.compose(
                    message_id=b"<number-%d.%b@mailproof.test>" % (turn * _SESSIONS + place, word)
                )
                for place in range(_SESSIONS)
            ]
            for peer, message in zip(peers, sent, strict=True):
                peer.send_raw(dot_stuff(message))
            replies = [peer.read_reply() for peer in peers]
            accepted += [
                message for message, reply in zip(sent, replies, strict=True) if reply.code // 100 == 2
            ]
        stored = [one.without_trace for one in mailbox.messages(len(accepted))]
        verify_equal("what was delivered", expected=sorted(accepted), actual=sorted(stored))


@requirement(
    "rfc2033/4.2/large-message",
    level=MUST_NOT,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"x{78}\r\n", b"", count=1),
)
@given(
    message=st.sampled_from([65_535, 65_536, 131_073, 600_000]).flatmap(messages.sized_messages),
)
def test_large_messages_are_whole(target: Target, message: bytes) -> None:
    """What is accepted is delivered whole, or it is refused for its size."""
    if len(message) > target.max_message_octets:
        return
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        begin_for(peer, [mailbox.address])
        verify_reply(peer.data(), code=354)
        (reply,) = peer.send_text_lmtp(message, 1)
        verify_reply(reply, code={"2yz", 452, 552}, why="it is accepted, or too large")
        if reply.code // 100 == 2:
            stored = mailbox.only_message().without_trace
            verify_equal("the size of what was delivered", expected=len(message), actual=len(stored))
            verify(stored == message, expected="the message that was sent", actual=stored)
