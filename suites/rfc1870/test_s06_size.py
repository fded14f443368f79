import re

from hypothesis import strategies as st

from harness.conformance import (
    MUST_NOT,
    PROSE,
    Need,
    Offers,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_refused,
    verify_reply,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, note
from suites.rfc5321.tampering import Forged

_LAST = b"The end.\r\n"


def limit_of(target: Target) -> int:
    """The fixed maximum that the server announces; 0 says that there is none (RFC 1870 §4)."""
    announced = target.offer_parameters(Service.SMTP)["SIZE"]
    return int(announced) if announced.isascii() and announced.isdigit() else 0


@requirement(
    "rfc1870/3/size-parameter",
    level=PROSE,
    needs={Offers(Service.SMTP, "SIZE")},
    refuted_by=Rewrite.from_server(rb"^250([- ])SIZE \d+", rb"250\1SIZE 10MB"),
)
def test_the_announced_limit_is_a_number(target: Target) -> None:
    """The keyword SIZE has one parameter, a decimal number, or none."""
    with target.smtp() as peer:
        verify(
            re.fullmatch("[0-9]{0,20}", peer.keywords["SIZE"]),
            expected="SIZE and at most one decimal number",
            actual=f"SIZE {peer.keywords['SIZE']}",
        )


@requirement(
    "rfc1870/3/size-value",
    level=PROSE,
    needs={Offers(Service.SMTP, "SIZE")},
    refuted_by=Rewrite.from_client(rb"(?<=> )SIZE=\S+", b"SIZE=1"),
)
@given(value=st.sampled_from(["=-1", "=0x10", "=12K", "=1.5", "=" + "9" * 21, "=ten"]))
def test_a_size_that_is_no_number_is_refused(target: Target, value: str) -> None:
    """What is no number of up to 20 digits is no SIZE."""
    with target.smtp() as peer:
        verify_reply(
            peer.mail(SENDER, "SIZE" + value), code={500, 501, 552, 553, 555}, why="1*20DIGIT, RFC 1870 §3"
        )


@requirement(
    "rfc1870/6.1/too-large",
    level=PROSE,
    needs={Offers(Service.SMTP, "SIZE"), Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb" SIZE=\d+", b""),
    also=("rfc1870/7/too-large",),
)
@given(surplus=st.integers(1, 10**12) | st.just(1))
def test_a_declared_size_beyond_the_limit_is_refused(target: Target, surplus: int) -> None:
    """A size larger than the announced limit is answered 552, before any text is sent."""
    limit = limit_of(target)
    if not limit:
        unsupported("the server announces no limit")
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        reply = peer.mail(SENDER, f"SIZE={limit + surplus}")
        if reply.code == 250:
            reply = peer.rcpt(mailbox.address)
        verify_reply(reply, code=552, why=f"the limit is {limit}")


@requirement(
    "rfc1870/4/within-the-limit",
    level=PROSE,
    needs={Offers(Service.SMTP, "SIZE")},
    refuted_by=Forged(rb".*> SIZE=\d+", reply=b"552 5.3.4 too large\r\n"),
)
@given(share=st.floats(0, 1) | st.sampled_from([0.0, 1.0]))
def test_a_declared_size_within_the_limit_is_taken(target: Target, share: float) -> None:
    """A size of up to the announced limit is accepted, as far as there is room for it now (452)."""
    size = int((limit_of(target) or target.max_message_octets) * share)
    with target.smtp() as peer:
        verify_reply(peer.mail(SENDER, f"SIZE={size}"), code={250, 452}, why=f"{size} octets are no more")


@requirement(
    "rfc1870/6/size-ends-nothing",
    level=MUST_NOT,
    needs={Offers(Service.SMTP, "SIZE"), Need.RETRIEVE},
    refuted_by=Rewrite.from_client(re.escape(_LAST), b""),
)
@given(share=st.sampled_from([0.0, 0.5, 0.9, 1.0, 1.1, 3.0]))
def test_the_declared_size_does_not_end_the_text(target: Target, share: float) -> None:
    """A message is taken up to its final dot, or refused, whatever size was declared."""
    message = note(b"A line.\r\n" * 20 + _LAST)
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address, parameters=[f"SIZE={int(len(message) * share)}"])
        verify_reply(peer.data(), code=354)
        reply = peer.send_text(message)
        verify_reply(peer.noop(), code=250, why="the text has ended with its final dot")
        if share < 1 and not reply.is_positive:
            verify_refused(reply)
            return
        verify_reply(reply, code=250, why="the message is not larger than declared")
        verify_equal(
            "the end of the stored message",
            expected=message,
            actual=mailbox.only_message().octets[-len(message) :],
        )
