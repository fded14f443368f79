import re

from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import (
    PROSE,
    Need,
    given,
    requirement,
    unsupported,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.message import split_message
from suites.rfc1939.steps import filled, notes
from suites.rfc1939.tampering import While

_DROP = Need.EMPTY_MAILDROP


def need_top(peer: Pop3Client) -> None:
    """End the check where TOP, which is optional, is not there."""
    if not peer.top(1, 0).ok:
        unsupported("the server has no TOP")


def top_of(message: bytes, lines: int) -> bytes:
    """Return the header, the blank line, and as many lines of the body."""
    header, _, body = message.partition(b"\r\n\r\n")
    return header + b"\r\n\r\n" + b"".join(body.splitlines(keepends=True)[:lines])


def _line_more(found: re.Match[bytes]) -> bytes:
    return found[1] + b"%d" % (int(found[2]) + 1)


@requirement(
    "rfc1939/7/top-lines",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"TOP", Rewrite.from_client(rb"\A(TOP [0-9]+ )([0-9]+)", _line_more)),
)
@given(text=messages.text_lines(min_lines=2, max_lines=8), lines=st.integers(0, 8))
def test_top_gives_as_many_lines(target: Target, text: bytes, lines: int) -> None:
    """TOP gives the header, the blank line, and exactly so many lines of the body: of 0 lines none."""
    with filled(target, [messages.compose(text)]) as (_, peer):
        need_top(peer)
        whole = peer.retr(1).body
        for count in {0, lines}:
            response = peer.top(1, count)
            verify_ok(response)
            verify_equal(f"TOP 1 {count}", expected=top_of(whole, count), actual=response.body)


@requirement(
    "rfc1939/7/top-whole",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"TOP [0-9]+ [0-9]{2}", Rewrite.from_client(rb"(?<= )[0-9]{2,}", b"1")),
)
@given(
    message=messages.conforming_messages(eight_bit=True, max_lines=5),
    lines=st.sampled_from([10, 1000, 99999999, 2**31 - 1]),
)
def test_top_of_more_lines_gives_the_whole_message(target: Target, message: bytes, lines: int) -> None:
    """Where the body has fewer lines than TOP asks for, the entire message comes."""
    with filled(target, [message + b"The last line.\r\n" * 2]) as (_, peer):
        need_top(peer)
        response = peer.top(1, lines)
        verify_ok(response)
        verify_equal(f"TOP 1 {lines}, as RETR 1", expected=peer.retr(1).body, actual=response.body)


@requirement(
    "rfc1939/7/top-byte-stuffed",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"TOP", Rewrite.from_server(rb"^\.\.", b".")),
)
@given(text=messages.text_lines(leading_dots=True, min_lines=2, max_lines=6), lines=st.integers(1, 7))
def test_lines_that_begin_with_dots_survive_top(target: Target, text: bytes, lines: int) -> None:
    """Whatever lines begin with dots, or are a dot, TOP gives them as they are."""
    with filled(target, [messages.compose(b".\r\n" + text)]) as (_, peer):
        need_top(peer)
        response = peer.top(1, lines)
        verify_ok(response)
        expected = b"".join((b".\r\n" + text).splitlines(keepends=True)[:lines])
        verify_equal("the lines of the body", expected=expected, actual=split_message(response.body)[1])
        verify_ok(peer.noop())


@requirement(
    "rfc1939/7/top-no-such-message",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"TOP", Rewrite.from_client(rb"\ATOP [0-9]+", b"TOP 1")),
)
@given(number=st.sampled_from([0, 2, 3, 2**31, 2**32 + 1, 2**64 + 1]), lines=st.integers(0, 3))
def test_top_of_no_message_is_refused(target: Target, number: int, lines: int) -> None:
    """TOP of a number without a message, or of one that is marked as deleted, is answered with -ERR."""
    with filled(target, notes(2)) as (_, peer):
        need_top(peer)
        verify_ok(peer.dele(2))
        verify_refused(peer.top(number, lines), "there is no such message")
        verify_ok(peer.top(1, lines), "this one is there")
        verify_ok(peer.rset())
