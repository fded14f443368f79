from collections.abc import Sequence

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import (
    PROSE,
    Need,
    given,
    requirement,
    verify,
    verify_equal,
    verify_refused,
    verify_reply,
)
from harness.strategies import chunks, commands, messages
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import dot_stuff
from suites.rfc2033.steps import RETRIEVED, SENDER, begin, begin_for, finish_and_quit
from suites.rfc5321.tampering import Forged

_WORDS = (b"LHLO", b"NOOP", b"RSET", b"MAIL FROM:", b"RCPT TO:", b"DATA", b"QUIT")


@requirement(
    "rfc2033/4/verb-case",
    level=PROSE,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-verb-case"),
    also={"rfc5321/2.4/verbs-in-any-case"},
)
@example(words=tuple(map(bytes.lower, _WORDS)))
@given(words=st.tuples(*map(commands.case_variants, _WORDS)))
def test_verbs_have_no_case(target: Target, words: Sequence[bytes]) -> None:
    """A whole session goes well with its verbs in any case."""
    lhlo, noop, rset, mail, rcpt, data, quit_ = words
    with target.fresh_mailbox() as mailbox, target.lmtp(hello=False) as peer:
        for line, code in (
            (lhlo + b" client.mailproof.test", "250"),
            (noop, "2yz"),
            (rset, "2yz"),
            (mail + b"<" + SENDER.encode() + b">", "2yz"),
            (rcpt + b"<" + mailbox.address.encode() + b">", "2yz"),
            (data, "354"),
        ):
            verify_reply(peer.command(line), code=int(code) if code.isdigit() else code)
        (reply,) = peer.send_text_lmtp(messages.compose(), 1)
        verify_reply(reply, code="2yz")
        verify_reply(peer.command(quit_), code=221)


@requirement(
    "rfc2033/4/unknown-command",
    level=PROSE,
    needs={Service.LMTP},
    refuted_by=Forged(rb"Q[A-Z]+Q\b", reply=b"250 2.0.0 done\r\n"),
)
@given(verb=commands.unknown_verbs(), argument=st.just(b"") | commands.arguments())
def test_unknown_commands_are_refused(target: Target, verb: bytes, argument: bytes) -> None:
    """What is no command is answered with 5yz, and the session goes on."""
    with target.lmtp() as peer:
        verify_reply(peer.command(b"%b %b" % (verb, argument) if argument else verb), code="5yz")
        verify_reply(peer.noop(), code="2yz", why="the session goes on")


@requirement(
    "rfc2033/4/order-of-commands",
    level=PROSE,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL", skip=1, reply=b"250 2.1.0 ok\r\n"),
)
@given(recipients=st.integers(0, 2))
def test_commands_have_their_order(target: Target, recipients: int) -> None:
    """RCPT without MAIL is refused; MAIL within a transaction is, too, or begins anew (RFC 5321 §4.1.1.2)."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        verify_refused(peer.rcpt(mailbox.address), "there is no transaction")
        begin_for(peer, [mailbox.address] * min(recipients, 1))
        if peer.mail(SENDER).is_positive:
            verify_refused(peer.data(), "MAIL has cleared the recipients")
        verify_reply(peer.rcpt(mailbox.address), code="2yz", why="a transaction is open")


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A message, and its octets as they are sent, in pieces."""
    message = messages.compose(draw(messages.text_lines(leading_dots=True, max_lines=4)))
    return message, draw(chunks.chunkings(dot_stuff(message)))


_DOTS = messages.compose(b"one\r\n.\r\n..\r\ntwo\r\n")


@requirement(
    "rfc2033/4/lines-in-pieces",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"\A([a-z])\Z", rb"\1\1"),
)
@example(cut=(_DOTS, [bytes((octet,)) for octet in dot_stuff(_DOTS)]))
@given(cut=cut_texts())
def test_texts_may_arrive_in_pieces(target: Target, cut: tuple[bytes, list[bytes]]) -> None:
    """However TCP cuts the text and its end, the same message is delivered, and answered once."""
    message, pieces = cut
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        begin_for(peer, [mailbox.address])
        verify_reply(peer.data(), code=354)
        for piece in pieces:
            peer.send_raw(piece)
        verify_reply(peer.read_reply(), code="2yz")
        verify_equal("what was delivered", expected=message, actual=mailbox.only_message().without_trace)
        verify_reply(peer.noop(), code="2yz", why="one reply for one recipient")


@requirement(
    "rfc2033/4/domains-in-any-case",
    level=PROSE,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^(RCPT TO:<[^@>]*@)(?=[^>]*[A-Z])", rb"\1no-such-host."),
    also={"rfc5321/2.4/domains-in-any-case"},
)
@example(spelling=[True])
@given(spelling=st.lists(st.booleans(), min_size=1, max_size=8).filter(any))
def test_domains_have_no_case(target: Target, spelling: Sequence[bool]) -> None:
    """A recipient is known by its domain in any case."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        local, _, domain = mailbox.address.rpartition("@")
        letters = [
            letter.swapcase() if spelling[place % len(spelling)] else letter
            for place, letter in enumerate(domain)
        ]
        verify_reply(peer.mail(SENDER), code="2yz")
        verify_reply(
            peer.rcpt(f"{local}@{''.join(letters)}"), code="2yz", why="the domain is the server's own"
        )


@requirement(
    "rfc2033/4/unknown-recipient",
    level=PROSE,
    needs={Service.LMTP, Need.UNKNOWN_RECIPIENT, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^550 5\.1\.1 ", b"250 2.1.5 "),
)
@given(first=st.booleans())
def test_an_unknown_recipient_is_refused(target: Target, first: bool) -> None:
    """Who cannot get mail is refused at RCPT or after the final dot; the others get it all the same."""
    unknown = target.unknown_address or ""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        recipients = [unknown, mailbox.address] if first else [mailbox.address, unknown]
        rcpts = dict(zip(recipients, begin(peer, recipients), strict=True))
        verify_reply(rcpts[mailbox.address], code="2yz")
        accepted = [recipient for recipient in recipients if rcpts[recipient].is_positive]
        replies = finish_and_quit(peer, messages.compose())
        verify_equal("replies after the final dot", expected=len(accepted), actual=len(replies))
        last = rcpts | dict(zip(accepted, replies, strict=True))
        verify_refused(last[unknown], "nobody has this address")
        verify(last[mailbox.address].code // 100 == 2, expected="2yz", actual=last[mailbox.address].octets)
