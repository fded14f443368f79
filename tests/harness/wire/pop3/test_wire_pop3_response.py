"""The strict reader of POP3 responses (RFC 1939 §3, RFC 2449 §3)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.vocabulary.errors import RemoteProtocolError
from harness.wire.pop3 import Challenge, Event, Response, ResponseReader, Shape
from harness.wire.pop3 import response as response_module

SINGLE, MULTI, CHALLENGE = Shape.SINGLE_LINE, Shape.MULTI_LINE, Shape.CHALLENGE
DOTTY = st.lists(st.sampled_from([b".", b"\n", b"\r", b"a", b"\x00", b"\xff", b" "]), max_size=6).map(
    b"".join
)
LINES = st.lists(DOTTY.filter(lambda line: b"\r\n" not in line), max_size=6)


def reader_of(*shapes: Shape) -> ResponseReader:
    reader = ResponseReader()
    for shape in shapes:
        reader.expect(shape)
    return reader


def read(shape: Shape, *chunks: bytes) -> list[Event]:
    reader = reader_of(shape)
    return [event for chunk in chunks for event in reader.receive(chunk)]


def outcome(shapes: list[Shape], *chunks: bytes) -> tuple[list[Event], tuple[str, int] | None]:
    """The responses, and what was expected at which octet where the grammar is broken."""
    reader = reader_of(*shapes)
    events: list[Event] = []
    for chunk in chunks:
        try:
            events += reader.receive(chunk)
        except RemoteProtocolError:
            break
    failure = reader.failure
    return events, None if failure is None else (failure.expected, failure.offset)


def stuffed(lines: list[bytes]) -> bytes:
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


@given(LINES)
@example([b".", b"..", b"", b".a"])
def test_every_body_is_read_back(lines: list[bytes]) -> None:
    octets = b"+OK here\r\n" + stuffed(lines) + b".\r\n"
    (response,) = read(MULTI, octets)
    assert isinstance(response, Response)
    assert response == Response(True, b"here", tuple(lines), octets)
    assert response.body == b"".join(line + b"\r\n" for line in lines)


@given(LINES, st.data())
def test_where_the_octets_are_cut_does_not_matter(lines: list[bytes], data: st.DataObject) -> None:
    octets = b"+OK\r\n" + stuffed(lines) + b".\r\n-ERR no\r\n+ Zm9v\r\n+OK\r\n"
    shapes = [MULTI, MULTI, CHALLENGE]
    border = data.draw(st.integers(0, len(octets)))
    whole = outcome(shapes, octets)
    assert len(whole[0]) == 4
    assert outcome(shapes, octets[:border], octets[border:]) == whole


def test_the_example_of_rfc_1939() -> None:
    (response,) = read(MULTI, b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n")
    assert isinstance(response, Response)
    assert response.ok
    assert response.text == b"2 messages (320 octets)"
    assert response.lines == (b"1 120", b"2 200")
    assert str(response) == "+OK 2 messages (320 octets)"


def test_a_dot_that_is_not_doubled_is_dropped_as_the_receivers_rule_says() -> None:
    (response,) = read(MULTI, b"+OK\r\n.a\r\n.\r\n")
    assert isinstance(response, Response)
    assert response.body == b"a\r\n"


def test_a_refusal_is_one_line_whatever_was_asked() -> None:
    (response,) = read(MULTI, b"-ERR [SYS/TEMP] later\r\n")
    assert isinstance(response, Response)
    assert not response.ok
    assert response.lines is None
    assert response.body == b""
    assert response.code == "SYS/TEMP"


@pytest.mark.parametrize("text", [b"", b" ", b" no code", b" [", b" []", b" [a b] x", b" x [IN-USE]"])
def test_text_without_a_response_code(text: bytes) -> None:
    (response,) = read(SINGLE, b"-ERR" + text + b"\r\n")
    assert isinstance(response, Response)
    assert response.code is None


def test_the_timestamp_of_a_greeting() -> None:
    (response,) = read(SINGLE, b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n")
    assert isinstance(response, Response)
    assert response.timestamp == b"<1896.697170952@dbc.mtview.ca.us>"


def test_challenges() -> None:
    octets = b"+ \r\n+ Zm9v\r\n+OK done\r\n"
    assert read(CHALLENGE, octets) == [
        Challenge(b"", b"+ \r\n"),
        Challenge(b"Zm9v", b"+ Zm9v\r\n"),
        Response(True, b"done", None, b"+OK done\r\n"),
    ]


BROKEN = [
    (SINGLE, b"OK\r\n", 0),
    (SINGLE, b"+ok\r\n", 1),
    (SINGLE, b"+ Zm9v\r\n", 1),
    (SINGLE, b"-ERROR\r\n", 4),
    (SINGLE, b"-err\r\n", 1),
    (SINGLE, b"+OK\n", 3),
    (SINGLE, b"+OK\thi\r\n", 3),
    (SINGLE, b"+OK hi\n", 6),
    (SINGLE, b"+OK hi\r\r\n", 7),
    (SINGLE, b"+OK h\x00\r\n", 5),
    (SINGLE, b"+OK h\xe9\r\n", 5),
    (SINGLE, b"+OK " + 507 * b"x" + b"\r\n", 512),
    (SINGLE, b"+OK " + 600 * b"x", 512),
    (MULTI, b"ok\r\n.\r\n", 0),
    (CHALLENGE, b"+\r\n", 1),
    (CHALLENGE, b"334 Zm9v\r\n", 0),
    (CHALLENGE, b"+ Zm 9v\r\n", 4),
    (CHALLENGE, b"+ Zm9v\n", 6),
    (CHALLENGE, b"+OKAY\r\n", 3),
]


@pytest.mark.parametrize(("shape", "octets", "offset"), BROKEN)
def test_what_the_grammar_forbids_is_refused_at_its_octet(shape: Shape, octets: bytes, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        read(shape, octets)
    assert refused.value.offset == offset
    assert octets.startswith(refused.value.octets)


@pytest.mark.parametrize(("shape", "broken", "_offset"), [case for case in BROKEN if len(case[1]) < 100])
def test_where_broken_octets_are_cut_does_not_matter(shape: Shape, broken: bytes, _offset: int) -> None:
    octets = b"+OK\r\na\r\n.\r\n" + broken
    shapes = [MULTI, shape]
    whole = outcome(shapes, octets)
    assert whole[1] is not None
    for border in range(len(octets) + 1):
        assert outcome(shapes, octets[:border], octets[border:]) == whole


@given(
    st.binary(max_size=20) | st.from_regex(rb"[+-] ?(OK|ERR)? ?[a-\xff\r\n.]{0,6}\r?\n?", fullmatch=True),
    st.sampled_from(Shape),
)
def test_any_octets_give_the_same_in_one_piece_and_octet_by_octet(octets: bytes, shape: Shape) -> None:
    pieces = [octets[at : at + 1] for at in range(len(octets))]
    assert outcome([shape, SINGLE], octets) == outcome([shape, SINGLE], *pieces)


def test_nothing_may_come_unasked() -> None:
    reader = reader_of(SINGLE)
    assert len(reader.receive(b"+OK\r\n+OK again\r\n")) == 1
    assert reader.failure is not None
    assert "without a command" in reader.failure.expected


def test_utf8_is_taken_once_it_was_asked_for() -> None:
    reader = reader_of(SINGLE)
    reader.allow_utf8()
    (response,) = reader.receive("+OK Grüße\r\n".encode())
    assert isinstance(response, Response)
    assert response.text == "Grüße".encode()


def test_a_body_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_module, "MAX_BODY_OCTETS", 1000)
    reader = reader_of(MULTI)
    assert reader.receive(b"+OK\r\n" + 1000 * b"x") == []
    with pytest.raises(RemoteProtocolError, match="mailproof's bound"):
        reader.receive(b"x")
