"""Commands out: strings by content, literals by capability, sets, dates and mailbox names."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.strategies import mailbox_names
from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.wire.imap import (
    Data,
    FetchData,
    ListData,
    Literal,
    SequenceSet,
    Tags,
    astring,
    decode_mailbox_name,
    encode_command,
    encode_date,
    encode_date_time,
    encode_mailbox_name,
    encode_sequence_set,
    flag_list,
    list_mailbox,
    mailbox,
    parse_response,
    quoted,
    string,
)


def test_tags_ascend() -> None:
    tags = Tags()
    assert [tags.next() for _ in range(3)] == [b"A0001", b"A0002", b"A0003"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (b"atom]", b"atom]"),
        (b"", b'""'),
        (b"NIL", b'"NIL"'),
        (b"two words", b'"two words"'),
        (rb'a"b\c', rb'"a\"b\\c"'),
        (b"50%", b'"50%"'),
        (b"a\r\nb", Literal(b"a\r\nb")),
        ("é", Literal("é".encode())),
        (b"x" * 1001, Literal(b"x" * 1001)),
    ],
)
def test_astring(value: bytes | str, sent: bytes | Literal) -> None:
    assert astring(value) == sent


def test_other_strings() -> None:
    assert string(b"word") == b'"word"'
    assert mailbox("Entwürfe & mehr") == b'"Entw&APw-rfe &- mehr"'
    assert list_mailbox("a/%") == b"a/%"
    assert list_mailbox("a b/*") == b'"a b/*"'
    assert flag_list([rb"\Seen", "$x"]) == rb"(\Seen $x)"
    with pytest.raises(LocalProtocolError):
        quoted(b"a\nb")
    with pytest.raises(LocalProtocolError):
        flag_list([b"two words"])


APPEND = (b"append x ", Literal(b"12345"))


@pytest.mark.parametrize(
    ("parts", "capabilities", "pieces"),
    [
        ((b"NOOP",), (), (b"T NOOP\r\n",)),
        (("UID ", b"FETCH 1 FLAGS"), (), (b"T UID FETCH 1 FLAGS\r\n",)),
        (APPEND, (), (b"T append x {5}\r\n", b"12345\r\n")),
        (APPEND, ("LITERAL+",), (b"T append x {5+}\r\n12345\r\n",)),
        (APPEND, ("LITERAL-",), (b"T append x {5+}\r\n12345\r\n",)),
        ((b"x ", Literal(b"y" * 4097)), ("LITERAL-",), (b"T x {4097}\r\n", b"y" * 4097 + b"\r\n")),
        ((b"x ", Literal(b"y", synchronizing=True)), ("LITERAL+",), (b"T x {1}\r\n", b"y\r\n")),
        ((b"x ", Literal(b"y", synchronizing=False)), (), (b"T x {1+}\r\ny\r\n",)),
        ((b"x ", Literal(b"\0", binary=True), b")"), ("LITERAL+", "BINARY"), (b"T x ~{1+}\r\n\0)\r\n",)),
        ((b"x ", Literal(b""), b" ", Literal(b"")), (), (b"T x {0}\r\n", b" {0}\r\n", b"\r\n")),
    ],
)
def test_commands(
    parts: tuple[bytes | str | Literal, ...], capabilities: tuple[str, ...], pieces: tuple[bytes, ...]
) -> None:
    assert encode_command(b"T", parts, capabilities).pieces == pieces


def test_words_of_a_command() -> None:
    assert encode_command(b"T", [b"uid fetch 1 FLAGS"]).words == (b"UID", b"FETCH")
    assert encode_command(b"T", [b"noop"]).words == (b"NOOP",)
    with pytest.raises(LocalProtocolError):
        encode_command(b"T", ["é"])


@pytest.mark.parametrize(
    ("numbers", "octets"),
    [
        (7, b"7"),
        (b"4:2,*", b"4:2,*"),
        ("$", b"$"),
        ([5, 1, 2, 3, 7], b"1:3,5,7"),
        (range(1, 4), b"1:3"),
        (SequenceSet(((2, 2), (9, 0))), b"2,9:*"),
    ],
)
def test_sequence_sets(numbers: int | bytes | str | list[int], octets: bytes) -> None:
    assert encode_sequence_set(numbers) == octets


@pytest.mark.parametrize("numbers", [[], [-1], 2**32])
def test_what_is_no_sequence_set(numbers: int | list[int]) -> None:
    with pytest.raises(LocalProtocolError):
        encode_sequence_set(numbers)


@given(numbers=st.frozensets(st.integers(1, 200), min_size=1))
def test_sets_are_read_as_they_were_written(numbers: frozenset[int]) -> None:
    response = parse_response(b"* VANISHED " + encode_sequence_set(numbers) + b"\r\n")
    assert isinstance(response, Data)
    uids = response.value.uids  # type: ignore[union-attr]
    assert list(uids) == sorted(numbers)
    assert len(uids) == len(numbers)
    assert all(number in uids for number in numbers)
    assert 201 not in uids


def test_a_star_is_the_largest_number() -> None:
    assert list(SequenceSet(((2, 0),)).numbers(largest=4)) == [2, 3, 4]
    assert list(SequenceSet(((9, 0),)).numbers(largest=4)) == [4, 5, 6, 7, 8, 9]


def test_dates() -> None:
    assert encode_date(date(2026, 3, 1)) == b"1-Mar-2026"
    assert encode_date_time(datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)) == b'" 1-Mar-2026 02:03:04 +0000"'
    west = timezone(-timedelta(hours=3, minutes=30))
    assert encode_date_time(datetime(1994, 7, 14, 2, 3, 4, tzinfo=west)) == b'"14-Jul-1994 02:03:04 -0330"'


@given(
    moment=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_dates_are_read_as_they_were_written(moment: datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    response = parse_response(b"* 1 FETCH (INTERNALDATE " + encode_date_time(moment) + b")\r\n")
    assert isinstance(response, Data)
    assert isinstance(response.value, FetchData)
    assert response.value.internal_date == moment
    assert response.value.internal_date.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("INBOX", b"INBOX"),
        ("A&B", b"A&-B"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 §5.1.3
        ("Entwürfe", b"Entw&APw-rfe"),
        ("&é&", b"&-&AOk-&-"),
        ("😀", b"&2D3eAA-"),
        ("a\tb", b"a&AAk-b"),
    ],
)
def test_mailbox_names(name: str, octets: bytes) -> None:
    assert encode_mailbox_name(name) == octets
    assert decode_mailbox_name(octets) == name


@given(name=st.text(st.characters(codec="utf-8"), max_size=20) | mailbox_names.names())
def test_mailbox_names_come_back(name: str) -> None:
    encoded = encode_mailbox_name(name)
    assert encoded.isascii()
    assert decode_mailbox_name(encoded) == name
    response = parse_response(b'* LIST () "/" "' + quoted(encoded)[1:] + b"\r\n")
    assert isinstance(response, Data)
    assert isinstance(response.value, ListData)
    assert response.value.name == ("INBOX" if name.upper() == "INBOX" else name)


@pytest.mark.parametrize(
    ("octets", "offset"),
    [
        (b"&", 1),
        (b"abc&AOk", 7),
        (b"&AO!k-", 3),
        (b"&AO/k-", 3),
        (b"&A-", 2),
        (b"&AGE-", 1),
        (b"&AOl-", 3),
        (b"&U,BTFw-&ZeVnLIqe-", 8),
        (b"&2D0-", 1),
        (b"a\tb", 1),
        (b"a\xff", 1),
    ],
)
def test_what_is_no_mailbox_name(octets: bytes, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode_mailbox_name(octets)
    assert refusal.value.offset == offset


def test_a_name_in_utf8() -> None:
    assert decode_mailbox_name("é&".encode()) == "é&"
