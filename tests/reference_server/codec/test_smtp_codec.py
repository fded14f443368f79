"""Command lines, parameters, replies and the text of DATA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.smtp.command import (
    Bdat,
    CommandError,
    parse_bdat,
    parse_command,
    parse_mail,
    parse_rcpt,
)
from reference_server.codec.smtp.parameters import ParameterError, decode_xtext, parse_parameters
from reference_server.codec.smtp.path import PathError
from reference_server.codec.smtp.reply import Reply, ReplyError, reply, take_reply
from reference_server.codec.smtp.text import TextReader, has_stray_line_ends, stuff, unstuff

WORDS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


def test_verbs_and_arguments() -> None:
    assert parse_command(b"noop") == (b"NOOP", None)
    assert parse_command(b"NOOP   ") == (b"NOOP", None)
    assert parse_command(b"Vrfy  a b ") == (b"VRFY", b" a b")
    for line in (b"", b" NOOP", b"NO-OP", b"NOOP\xff", b"NOOP a\nb", b"NOOP a\rb", b"NOOP \0", b"A" * 33):
        with pytest.raises(CommandError):
            parse_command(line)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,8}", fullmatch=True),
        st.none() | WORDS.filter(lambda word: "=" not in word),
        min_size=1,
        max_size=5,
    )
)
def test_parameters(parameters: dict[str, str | None]) -> None:
    written = " ".join(key if value is None else f"{key}={value}" for key, value in parameters.items())
    assert parse_parameters(written.encode()) == parameters
    assert parse_mail(f"from:<> {written}".encode()).parameters == parameters
    assert parse_rcpt(f"To:<a@b.test> {written}".encode()).parameters == parameters


@pytest.mark.parametrize(
    "octets", [b"", b"A ", b" A", b"A=", b"=x", b"A=b=c", b"A=1 a=2", b"-A=1", b"A=\x7f"]
)
def test_what_is_no_parameter(octets: bytes) -> None:
    with pytest.raises(ParameterError):
        parse_parameters(octets)


def test_what_is_no_argument() -> None:
    for argument in (b"", b"FROM", b"TO:<a@b.test>", b"FROM :<a@b.test>"):
        with pytest.raises(CommandError):
            parse_mail(argument)
    with pytest.raises(PathError):
        parse_rcpt(b"TO:<a@b.test>x")


@pytest.mark.parametrize(
    ("argument", "chunk"),
    [
        (b"0", Bdat(0, is_last=False, is_well_formed=True)),
        (b"007 last", Bdat(7, is_last=True, is_well_formed=True)),
        (b"7 NOW", Bdat(7, is_last=False, is_well_formed=False)),
        (b"7  LAST", Bdat(7, is_last=False, is_well_formed=False)),
        (b"7 LAST LAST", Bdat(7, is_last=True, is_well_formed=False)),
    ],
)
def test_bdat(argument: bytes, chunk: Bdat) -> None:
    assert parse_bdat(argument) == chunk


@pytest.mark.parametrize("argument", [b"", b"LAST", b"-1", b"+1", b"1x", b" 1", b"0x10", b"1,0", b"1.0"])
def test_a_chunk_without_a_length(argument: bytes) -> None:
    with pytest.raises(CommandError):
        parse_bdat(argument)


@given(st.binary(max_size=30))
def test_xtext(octets: bytes) -> None:
    written = "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}" for octet in octets
    )
    assert decode_xtext(written) == octets


def test_what_is_no_xtext() -> None:
    for text in ("+", "+4", "+4g", "+4a", "a=b", "a b"):
        with pytest.raises(ParameterError):
            decode_xtext(text)


@given(
    st.integers(200, 559),
    st.booleans(),
    st.lists(WORDS.filter(lambda word: word[0].isalpha()), min_size=1, max_size=4),
    st.integers(1, 20),
)
def test_replies_are_read_as_they_were_written(
    code: int, enhanced: bool, lines: list[str], size: int
) -> None:
    wanted = Reply(code, f"{code // 100}.1.2" if enhanced and code // 100 != 3 else "", tuple(lines))
    octets = reply(wanted.code, wanted.enhanced, *lines)
    inbox = bytearray()
    taken = []
    for start in range(0, len(octets), size):
        inbox += octets[start : start + size]
        taken += [found for found in [take_reply(inbox)] if found is not None]
    assert taken == [wanted]
    assert not inbox


@pytest.mark.parametrize(
    "octets", [b"hello\r\n", b"99 x\r\n", b"650 x\r\n", b"2500\r\n", b"\r\n", b"220:x\r\n"]
)
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(ReplyError):
        take_reply(bytearray(octets))


def test_a_reply_without_an_end_is_not_kept_for_ever() -> None:
    assert take_reply(bytearray(b"220 x")) is None
    with pytest.raises(ReplyError):
        take_reply(bytearray(b"220 " + b"x" * 10_000))
    with pytest.raises(ReplyError):
        take_reply(bytearray(b"220-x\r\n" * 10_000))


def test_a_long_reply_is_cut_at_its_limit() -> None:
    assert len(reply(250, "2.0.0", "x" * 1000)) == 512


LINES = st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"a."]), max_size=6)


@given(LINES)
def test_stuffing_is_undone(lines: list[bytes]) -> None:
    text = b"".join(line + b"\r\n" for line in lines)
    on_the_wire = stuff(text)
    assert all(line == b"" or line[:1] != b"." or line[:2] == b".." for line in on_the_wire.split(b"\r\n"))
    assert unstuff(on_the_wire) == text


@given(LINES, st.integers(1, 5))
def test_the_end_is_found_in_any_split(lines: list[bytes], size: int) -> None:
    wire = stuff(b"".join(line + b"\r\n" for line in lines)) + b".\r\n"
    buffer = bytearray()
    reader = TextReader()
    ends = []
    for start in range(0, len(wire), size):
        buffer += wire[start : start + size]
        ends.append(reader.find_end(buffer))
    assert ends[-1] == len(wire) - 3
    assert all(end is None for end in ends[:-1])
    assert reader.stuffed is any(line.startswith(b".") for line in lines)


@given(st.text(alphabet="\r\na", max_size=12))
def test_stray_line_ends(text: str) -> None:
    octets = text.encode()
    without = octets.replace(b"\r\n", b"")
    assert has_stray_line_ends(octets) is (b"\r" in without or b"\n" in without)
