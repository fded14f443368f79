"""POP3 on the wire: command lines, byte-stuffing and sizes, exact to the octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec import pop3

LINES = st.lists(
    st.sampled_from(
        [b".", b"..", b"a", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b".\r\n", b"\n.", b"\r\n.\r\n"]
    )
).map(b"".join)


def unstuff(body: bytes) -> bytes:
    """Read a multi-line body as RFC 1939 §3 says, and in no other way."""
    octets = b""
    while True:
        line, crlf, body = body.partition(b"\r\n")
        assert crlf, "the body has no end"
        if line == b".":
            assert body == b""
            return octets
        octets += (line[1:] if line.startswith(b".") else line) + crlf


@given(octets=LINES)
def test_a_strict_reader_gets_the_same_octets(octets: bytes) -> None:
    read = unstuff(pop3.multi_line(octets))
    assert read == (octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n")
    assert len(read) == pop3.transmitted_size(octets)


def test_dot_after_a_bare_line_feed_is_not_stuffed() -> None:
    assert pop3.multi_line(b"a\n.b\r\n") == b"a\n.b\r\n.\r\n"


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (b"", b".\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
        (b"a\r", b"a\r\r\n.\r\n"),
        (b"a\r\n.\r\n.\r\n", b"a\r\n..\r\n..\r\n.\r\n"),
    ],
)
def test_stuffing_at_the_edges(octets: bytes, body: bytes) -> None:
    assert pop3.multi_line(octets) == body


@given(octets=LINES, lines=st.integers(0, 4))
def test_top_is_a_beginning_that_ends_with_a_line(octets: bytes, lines: int) -> None:
    part = pop3.top(octets, lines)
    assert octets.startswith(part)
    assert part == octets or part.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("octets", "lines", "part"),
    [
        (b"A: 1\r\n\r\none\r\ntwo\r\n", 0, b"A: 1\r\n\r\n"),
        (b"A: 1\r\n\r\none\r\ntwo\r\n", 1, b"A: 1\r\n\r\none\r\n"),
        (b"A: 1\r\n\r\none\r\ntwo", 9, b"A: 1\r\n\r\none\r\ntwo"),
        (b"\r\none\r\ntwo\r\n", 1, b"\r\none\r\n"),
        (b"A: 1\r\n", 3, b"A: 1\r\n"),
    ],
)
def test_top(octets: bytes, lines: int, part: bytes) -> None:
    assert pop3.top(octets, lines) == part


def test_keywords_are_case_insensitive_and_passwords_keep_their_spaces() -> None:
    command = pop3.parse_command(b"pAsS  two  words ")
    assert command is not None
    assert (command.keyword, command.argument) == ("PASS", b" two  words ")


@pytest.mark.parametrize(
    "line", [b"", b" STAT", b"ST", b"STATS", b"ST\xc4T", b"RETR\t1", b"RETR 1\0", b"NOOP \r"]
)
def test_lines_that_are_no_command(line: bytes) -> None:
    assert pop3.parse_command(line) is None


@given(line=st.binary(max_size=40).filter(lambda octets: b"\n" not in octets))
def test_any_line_is_a_command_or_none(line: bytes) -> None:
    command = pop3.parse_command(line)
    assert command is None or command.keyword.isascii()


@given(
    lines=st.lists(st.sampled_from([b"", b"x", b"y" * 50, b"\r", b"\n", b"." * 3000]), max_size=12),
    times=st.integers(1, 600),
    wanted=st.integers(0, 8000),
)
def test_top_counts_lines_wherever_they_are_cut(lines: list[bytes], times: int, wanted: int) -> None:
    body = b"".join(line + b"\r\n" for line in lines) * times
    expected = b"".join(line + b"\r\n" for line in body.split(b"\r\n")[:-1][:wanted])
    assert pop3.top(b"A: b\r\n\r\n" + body, wanted) == b"A: b\r\n\r\n" + expected
    assert pop3.top(b"\r\n" + body + b"end", 10**30) == b"\r\n" + body + b"end"
