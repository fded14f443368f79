"""Sequence sets, modified UTF-7, dates and patterns of LIST."""

import re
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.imap import encode
from reference_server.codec.imap.dates import format_date_time, parse_date, parse_date_time
from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.codec.imap.mutf7 import decode_mailbox_name, encode_mailbox_name
from reference_server.codec.imap.pattern import Pattern
from reference_server.codec.imap.sequence_set import (
    encode_numbers,
    numbers_to_indices,
    read_sequence_set,
    uids_to_indices,
)


def numbers_of(text: bytes, count: int) -> list[int] | None:
    indices = numbers_to_indices(read_sequence_set(CommandReader(text, [])), count)
    return None if indices is None else [index + 1 for index in indices]


def test_sequence_sets_of_the_rfc() -> None:
    # the examples of RFC 3501 §9
    assert numbers_of(b"2,4:7,9,12:*", 15) == [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]
    assert numbers_of(b"*:4,5:7", 10) == [4, 5, 6, 7, 8, 9, 10]
    assert numbers_of(b"4:2", 10) == [2, 3, 4]
    assert numbers_of(b"3,1,3,2:3", 5) == [1, 2, 3]
    assert numbers_of(b"5", 4) is None
    assert numbers_of(b"1:*", 0) is None


def test_uids_that_do_not_exist_are_passed_over() -> None:
    uids = array("I", [3, 7, 8, 20])

    def indices(text: bytes) -> list[int]:
        return uids_to_indices(read_sequence_set(CommandReader(text, [])), uids)

    assert indices(b"1:4294967295") == [0, 1, 2, 3]
    assert indices(b"4:8,20") == [1, 2, 3]
    assert indices(b"100:*") == [3]
    assert indices(b"5,6") == []
    assert uids_to_indices(read_sequence_set(CommandReader(b"1:*", [])), array("I")) == []


@pytest.mark.parametrize("text", [b"0", b"01", b"4294967296", b"", b"1:", b":1", b"1,,2", b"a", b"1:2:3"])
def test_what_is_no_sequence_set(text: bytes) -> None:
    def read() -> None:
        reader = CommandReader(text, [])
        read_sequence_set(reader)
        reader.end()

    with pytest.raises(Garbled):
        read()


@given(st.sets(st.integers(1, 60), min_size=1))
def test_sequence_sets_are_written_as_they_are_read(numbers: set[int]) -> None:
    assert numbers_of(encode_numbers(sorted(numbers)), 60) == sorted(numbers)


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Hi & low", b"Hi &- low"),
        ("☺!", b"&Jjo-!"),
    ],
)
def test_mailbox_names_of_the_rfc(name: str, encoded: bytes) -> None:
    assert encode_mailbox_name(name) == encoded
    assert decode_mailbox_name(encoded) == name


@pytest.mark.parametrize(
    "octets", [b"&Jjo!", b"&U,BTFw-&ZeVnLIqe-", b"&AGE-", b"&", b"&Jjp-", b"\xc3\xa9", b"&2AA-", b"&A-"]
)
def test_names_that_have_no_or_another_encoding(octets: bytes) -> None:
    # unended, two in a row, a shifted "a", a lone "&", bits left over, 8 bits, half a surrogate
    assert decode_mailbox_name(octets) is None


@given(st.text())
def test_every_name_comes_back(name: str) -> None:
    try:
        name.encode("utf-16-be")
    except UnicodeEncodeError:
        return
    encoded = encode_mailbox_name(name)
    assert all(0x20 <= octet <= 0x7E for octet in encoded)
    assert decode_mailbox_name(encoded) == name


@given(st.binary())
def test_every_encoding_that_is_read_is_the_only_one(octets: bytes) -> None:
    name = decode_mailbox_name(octets)
    assert name is None or encode_mailbox_name(name) == octets


@pytest.mark.parametrize(
    ("octets", "written"),
    [
        (b'a "b" \\', b'"a \\"b\\" \\\\"'),
        (b"", b'""'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"\xc3\xa9", b"{2}\r\n\xc3\xa9"),
        (b"x" * 2000, b"{2000}\r\n" + b"x" * 2000),
        (b"a\x00", b"{2}\r\na\x80"),
        (None, b"NIL"),
    ],
)
def test_strings_are_quoted_or_literals(octets: bytes | None, written: bytes) -> None:
    assert encode.nstring(octets) == written


def test_words_that_look_like_something_else_are_quoted() -> None:
    assert encode.astring(b"nil") == b'"nil"'
    assert encode.astring(b"a]b") == b"a]b"
    assert encode.astring(b"a b") == b'"a b"'


def test_dates() -> None:
    assert parse_date_time(b"17-Jul-1996 02:44:25 -0700") == (837596665, -420)
    assert format_date_time(837596665, -420) == b'"17-Jul-1996 02:44:25 -0700"'
    assert (
        format_date_time(*parse_date_time(b" 1-feb-2040 00:00:00 +0545")) == b'" 1-Feb-2040 00:00:00 +0545"'
    )
    assert parse_date(b"1-Feb-1970") == parse_date(b"01-feb-1970") == 31


@pytest.mark.parametrize(
    "octets",
    [
        b"31-Feb-1996 02:44:25 -0700",
        b"1-Jul-1996 02:44:25 -0700",
        b"17-Jul-1996 24:00:00 -0700",
        b"17-Foo-1996 02:44:25 -0700",
        b"17-Jul-1996 02:44:25 0700",
        b"17-Jul-1996 02:44:25 -0760",
        b"17-Jul-0000 02:44:25 -0700",
        b"",
    ],
)
def test_no_dates(octets: bytes) -> None:
    with pytest.raises(Garbled):
        parse_date_time(octets)


@given(st.integers(-2_000_000_000, 20_000_000_000), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_dates_come_back_with_their_zone(seconds: int, zone: int) -> None:
    assert parse_date_time(format_date_time(seconds, zone).strip(b'"')) == (seconds, zone)


NAMES = st.text("ab/%*", max_size=8)


@given(NAMES, NAMES)
def test_patterns_mean_what_the_regular_expression_means(pattern: str, name: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    assert Pattern(pattern).matches(name) == bool(re.fullmatch(expression, name, re.DOTALL))


def test_many_wildcards_take_no_longer() -> None:
    assert not Pattern("*a%" * 500 + "b").matches("a" * 1000)
    assert Pattern("%*%*" * 10_000).matches("x/" * 500)
