"""Framing: whole responses whatever the cuts, limits, and what is never a line of IMAP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.strategies import chunks
from harness.vocabulary.errors import RemoteProtocolError
from harness.wire.imap import Limits, ResponseFramer

RESPONSES = (
    b"* OK ready\r\n",
    b"* 1 FETCH (BODY[] {12}\r\nab\r\n\r\n{3}\r\nc UID 4)\r\n",
    b"* 2 FETCH (BINARY[1] ~{4}\r\n\0\r\n\0 BODY[TEXT] {0}\r\n)\r\n",
    b"* LIST () NIL {5}\r\n{1}\r\n\r\n",
    b"* OK a text that ends in {3}\r\n",
    b"* BAD {99}\r\n",
    b"+ go on {7}\r\n",
    b"A0001 NO [BADCHARSET ({8}\r\nUS-ASCII)] which one\r\n",
    b"A0002 OK done {12}\r\n",
    b"* 3 FETCH (FLAGS ())\r\n",
)


def frame(
    pieces: list[bytes], limits: Limits | None = None
) -> tuple[list[bytes], RemoteProtocolError | None]:
    framer = ResponseFramer(limits)
    responses: list[bytes] = []
    try:
        for piece in [*pieces, b""]:
            responses += framer.receive(piece)
    except RemoteProtocolError as error:
        return responses, error
    return responses, None


def test_each_response_comes_out_whole() -> None:
    responses, error = frame([b"".join(RESPONSES)])
    assert responses == list(RESPONSES)
    assert error is None


@given(data=st.data(), chosen=st.lists(st.sampled_from(RESPONSES), max_size=6))
def test_cuts_do_not_matter(data: st.DataObject, chosen: list[bytes]) -> None:
    pieces = data.draw(chunks.chunkings(b"".join(chosen)))
    assert frame(pieces) == (chosen, None)


@given(data=st.data())
def test_a_failure_waits_for_the_responses_before_it(data: st.DataObject) -> None:
    octets = b"* OK fine\r\n* 1 EXISTS\r\n* OK bare\n* OK never seen\r\n"
    responses, error = frame(data.draw(chunks.chunkings(octets)))
    assert responses == [b"* OK fine\r\n", b"* 1 EXISTS\r\n"]
    assert error is not None
    assert (error.expected, error.offset) == ("CR before LF", 9)


def test_every_split_point() -> None:
    octets = b"".join(RESPONSES)
    for point in range(len(octets) + 1):
        assert frame([octets[:point], octets[point:]]) == (list(RESPONSES), None)


@pytest.mark.parametrize(
    ("octets", "expected", "offset"),
    [
        (b"* OK bare\n", "CR before LF", 9),
        (b"\n", "CR before LF", 0),
        (b"* 1 FETCH (BODY[] {11}\r\n", "a literal of at most 10 octets", 18),
        (b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n", "a literal of at most 10 octets", 18),
        (b"* OK " + b"x" * 60 + b"\r\n", "a line of at most 50 octets", 50),
        (b"* OK " + b"x" * 60, "a line of at most 50 octets", 50),
        (b"* X" + b" {10}\r\n0123456789" * 6 + b"\r\n", "a response of at most 90 octets", 90),
    ],
)
def test_what_cannot_be_framed(octets: bytes, expected: str, offset: int) -> None:
    limits = Limits(line_octets=50, literal_octets=10, response_octets=90)
    for pieces in ([octets], [octets[i : i + 1] for i in range(len(octets))]):
        responses, error = frame(pieces, limits)
        assert responses == []
        assert error is not None
        assert (error.expected, error.offset) == (expected, offset)


def test_what_is_at_the_limit_passes() -> None:
    limits = Limits(line_octets=10, literal_octets=3, response_octets=23)
    octets = b"* X1 {3}\r\nabc 567890\r\n"
    assert frame([octets], limits) == ([octets], None)


def test_pending_is_what_is_not_whole() -> None:
    framer = ResponseFramer()
    assert framer.receive(b"* OK a\r\n* OK b") == [b"* OK a\r\n"]
    assert framer.pending == b"* OK b"
    assert framer.take_pending() == b"* OK b"
    assert framer.receive(b"* OK c\r\n") == [b"* OK c\r\n"]
