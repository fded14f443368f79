"""The words of commands (RFC 3501 §9)."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reference_server.codec.imap.fetch_att import read_fetch_items
from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.codec.imap.search_key import UnknownCharset, read_search_program
from reference_server.codec.imap.sequence_set import read_sequence_set


def reader(text: bytes, *literals: bytes) -> CommandReader:
    return CommandReader(text, list(literals))


def test_strings() -> None:
    assert reader(b'"a \\"b\\" \\\\"').string() == b'a "b" \\'
    assert reader(b'""').astring() == b""
    assert reader(b"a]b").astring() == b"a]b"
    assert reader(b"{3}\r\n", b"a b").astring() == b"a b"
    assert reader(b"~{1}\r\n", b"\x00").literal(nul=True) == b"\x00"
    assert reader(b"nil").nstring() is None


@pytest.mark.parametrize(
    "text", [b'"a', b'"a\\x"', b"(", b"", b" a", b"{3}", b"{-1}\r\n", b'"\r\n"', b"%", b"*", b"\xff"]
)
def test_no_string(text: bytes) -> None:
    with pytest.raises(Garbled):
        reader(text, b"a b").astring()


def test_nul_is_for_literal8_only() -> None:
    with pytest.raises(Garbled):
        reader(b"{1}\r\n", b"\x00").literal()


@pytest.mark.parametrize(("text", "number"), [(b"0", 0), (b"007", 7), (b"4294967295", 0xFFFFFFFF)])
def test_numbers(text: bytes, number: int) -> None:
    assert reader(text).number() == number


@pytest.mark.parametrize("text", [b"4294967296", b"9" * 5000, b"-1", b"", b"x"])
def test_no_numbers(text: bytes) -> None:
    with pytest.raises(Garbled):
        reader(text).number()


def test_flags() -> None:
    assert reader(b"(\\Seen $Junk)").flag_list() == (b"\\Seen", b"$Junk")
    assert reader(b"()").flag_list() == ()
    for text in (b"(\\*)", b"( a)", b"(a )", b"(a", b"(\\)"):
        with pytest.raises(Garbled):
            reader(text).flag_list()


@pytest.mark.parametrize("text", [b"a+b", b"", b" a", b"+", b"a(b x", b"\xff"])
def test_no_tags(text: bytes) -> None:
    with pytest.raises(Garbled):
        reader(text).tag()


READERS: list[Callable[[CommandReader], object]] = [
    CommandReader.tag,
    CommandReader.astring,
    CommandReader.list_mailbox,
    CommandReader.flag_list,
    CommandReader.nstring,
    CommandReader.date_quoted,
    read_sequence_set,
    read_fetch_items,
    read_search_program,
]
GRAMMAR = st.lists(
    st.sampled_from(
        [
            *(
                b'( ) [ ] < > " \\ * % . , : 1 4294967295 NIL BODY BODY.PEEK HEADER.FIELDS OR NOT ALL UID '
                b"SENTON 1-Feb-1994 CHARSET UTF-8 TEXT FLAGS"
            ).split(),
            *(b" ", b" ", b" ", b"(", b"{3}\r\n", b"\xc3\xa9"),
        ]
    ),
    max_size=60,
).map(b"".join)


@given(st.one_of(st.binary(), GRAMMAR), st.sampled_from(READERS))
@example(b"(" * 100_000, read_search_program)
@example(b"NOT " * 16_000, read_search_program)
@example(b"OR ALL " * 9_000, read_search_program)
@example(b"(" * 60_000, read_fetch_items)
@example(b"BODY[" + b"1." * 30_000, read_fetch_items)
@example(b"1," * 32_000 + b"1", read_sequence_set)
def test_any_text_is_read_or_garbled(text: bytes, read: Callable[[CommandReader], object]) -> None:
    with suppress(Garbled, UnknownCharset):
        read(CommandReader(text, [b"abc"] * text.count(b"{")))
