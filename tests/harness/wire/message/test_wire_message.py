"""Header, body and trace of messages, on octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.vocabulary.errors import RemoteProtocolError
from harness.wire.message import (
    added_fields,
    find_fields,
    parse_header,
    split_message,
    strip_trace,
)

MESSAGE = b"From: a@b.test\r\nSubject: two\r\n lines\r\n\r\nbody\r\n\r\nmore\r\n"
TRACE = (
    b"Return-Path: <a@b.test>\r\nDelivered-To: c@d.test\r\n"
    b"received: from x\r\n\tby y\r\n with ESMTP; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
)


@given(st.binary())
def test_no_octet_is_lost_in_splitting(message: bytes) -> None:
    header, body = split_message(message)
    assert message in {header + b"\r\n" + body, header + body}


@pytest.mark.parametrize(
    ("message", "header", "body"),
    [
        (MESSAGE, b"From: a@b.test\r\nSubject: two\r\n lines\r\n", b"body\r\n\r\nmore\r\n"),
        (b"\r\nbody", b"", b"body"),
        (b"A: b\r\n", b"A: b\r\n", b""),
        (b"A: b\r\n\r\n", b"A: b\r\n", b""),
        (b"", b"", b""),
        (b"A: b\n\r\nc", b"A: b\n\r\nc", b""),
    ],
)
def test_header_and_body(message: bytes, header: bytes, body: bytes) -> None:
    assert split_message(message) == (header, body)


def test_fields() -> None:
    fields = parse_header(b"A:1\r\na :  2\r\n\t two \r\nX-Long: \xff\r\n \r\nB: bare \r cr \n lf\r\n")
    assert [(field.name, field.value) for field in fields] == [
        (b"A", b"1"),
        (b"a", b"2\t two"),
        (b"X-Long", b"\xff"),
        (b"B", b"bare \r cr \n lf"),
    ]
    assert fields[1].raw_value == b"  2\r\n\t two "
    assert find_fields(fields, "A") == fields[:2]
    assert find_fields(fields, b"c") == ()


@given(
    st.lists(st.tuples(st.from_regex(rb"[!-9;-~]{1,8}", fullmatch=True), st.binary(max_size=20)), max_size=5)
)
def test_a_header_is_its_fields(fields: list[tuple[bytes, bytes]]) -> None:
    header = b"".join(name + b":" + value.replace(b"\r", b"") + b"\r\n" for name, value in fields)
    assert b"".join(field.octets for field in parse_header(header)) == header


@pytest.mark.parametrize(
    ("header", "offset"), [(b"no colon\r\n", 0), (b"A: b\r\n c\r\n: d\r\n", 10), (b"A: b", 0)]
)
def test_what_is_no_field_is_refused(header: bytes, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        parse_header(header)
    assert refused.value.offset == offset


def test_trace_is_stripped_from_the_top_only() -> None:
    later = b"X: y\r\nReceived: mine\r\n\r\nReceived: body\r\n"
    assert strip_trace(TRACE + later) == later
    assert strip_trace(later) == later
    assert strip_trace(b"Received-SPF: pass\r\n" + later) == b"Received-SPF: pass\r\n" + later
    assert strip_trace(TRACE + b"\r\nbody") == b"\r\nbody"


def test_added_fields() -> None:
    assert [field.name for field in added_fields(MESSAGE, TRACE + MESSAGE)] == [
        b"Return-Path",
        b"Delivered-To",
        b"received",
    ]
    assert added_fields(MESSAGE, MESSAGE) == ()


def test_of_two_equal_fields_the_upper_one_was_added() -> None:
    twice = b"Received: x\r\nA: b\r\nReceived: x\r\n\r\n"
    assert [field.octets for field in added_fields(b"Received: x\r\n\r\n", twice)] == [
        b"Received: x\r\n",
        b"A: b\r\n",
    ]
