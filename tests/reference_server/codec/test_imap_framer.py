"""Commands cut out of octets: the same frames however they arrive, no memory for what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.imap.framer import Command, Frame, Framer, Limits, LiteralWanted, Refused

LIMITS = Limits(line_octets=200, literal_octets=50, message_octets=1000, discard_octets=3000)


def frames_of(chunks: list[bytes]) -> list[Frame]:
    framer = Framer(LIMITS)
    inbox = bytearray()
    frames: list[Frame] = []
    for chunk in chunks:
        inbox += chunk
        while (frame := framer.receive(inbox)) is not None:
            frames.append(frame)
            if isinstance(frame, Refused) and frame.fatal:
                return frames
        assert len(inbox) <= LIMITS.line_octets + len(chunk) + 64
    return frames


def test_lines_and_literals() -> None:
    assert frames_of([b"a NOOP\r\n"]) == [Command(b"a NOOP", [])]
    assert frames_of([b"a LOGIN {1}\r\nx {2}\r\nyz\r\nb NOOP\r\n"]) == [
        LiteralWanted(),
        LiteralWanted(),
        Command(b"a LOGIN {1}\r\n {2}\r\n", [b"x", b"yz"]),
        Command(b"b NOOP", []),
    ]
    # LITERAL+ waits for nobody, and {0} is legal
    assert frames_of([b"a X {3+}\r\n\r\n\x00 {0+}\r\n\r\n"]) == [
        Command(b"a X {3+}\r\n {0+}\r\n", [b"\r\n\x00", b""])
    ]
    # literal8 (RFC 3516)
    assert frames_of([b"a X ~{1}\r\n\x00\r\n"]) == [LiteralWanted(), Command(b"a X ~{1}\r\n", [b"\x00"])]


@pytest.mark.parametrize(
    ("line", "no"),
    [
        (b"a APPEND x {4294967295}\r\n", True),
        (b"a APPEND x {4294967296}\r\n", False),
        (b"a APPEND x {99999999999999999999}\r\n", False),
        (b"a LOGIN {51}\r\n", True),
    ],
)
def test_sizes_are_refused_before_anything_is_kept(line: bytes, no: bool) -> None:
    first, second = frames_of([line + b"a NOOP\r\n"])
    assert isinstance(first, Refused)
    assert (first.tag, first.code, first.no, first.fatal) == (b"a", b"TOOBIG", no, False)
    assert second == Command(b"a NOOP", [])


def test_a_negative_literal_is_no_literal() -> None:
    assert frames_of([b"a X {-1}\r\n"]) == [Command(b"a X {-1}", [])]


def test_messages_may_be_larger_than_words() -> None:
    assert frames_of([b"a append x {1000}\r\n"]) == [LiteralWanted()]
    assert isinstance(frames_of([b"a APPEND x {1051}\r\n"])[0], Refused)
    assert isinstance(frames_of([b"a SEARCH TEXT {1000}\r\n"])[0], Refused)


def test_the_octets_of_a_refused_literal_that_does_not_wait_are_thrown_away() -> None:
    frames = frames_of([b"a LOGIN {60+}\r\n" + b"A1 LOGOUT\r\n" * 5 + b"12345 more\r\nb NOOP\r\n"])
    assert isinstance(frames[0], Refused)
    assert frames[1:] == [Command(b"b NOOP", [])]


def test_a_literal_that_nobody_would_read_ends_the_connection() -> None:
    (frame,) = frames_of([b"a APPEND x {4000000000+}\r\n"])
    assert isinstance(frame, Refused)
    assert frame.fatal


def test_a_long_line_is_refused_and_an_endless_one_ends_the_connection() -> None:
    (refused, after) = frames_of([b"tag NOOP " + b"x" * 300 + b"\r\nb NOOP\r\n"])
    assert isinstance(refused, Refused)
    assert (refused.tag, refused.fatal) == (b"tag", False)
    assert after == Command(b"b NOOP", [])
    endless = frames_of([b"x" * 100] * 100)
    assert isinstance(endless[-1], Refused)
    assert endless[-1].fatal


@pytest.mark.parametrize("line", [b"a NOOP\n", b"a NO\rOP\r\n", b"a NO\x00OP\r\n", b"a X {5}\n"])
def test_only_crlf_ends_a_line(line: bytes) -> None:
    (frame,) = frames_of([line])
    assert isinstance(frame, Refused)
    assert frame.tag == b"a"


PIECES = st.sampled_from(
    [
        b"a ",
        b"NOOP",
        b"a APPEND x ",
        b"\r\n",
        b"\r",
        b"\n",
        b"{5}\r\n",
        b"{5+}\r\n",
        b"{0+}\r\n",
        b"{60+}\r\n",
        b"{2000+}\r\n",
        b"{99999999999999999999}\r\n",
        b"{5}\n",
        b"x" * 90,
        b"hello",
        b"\x00",
        b"~{1}\r\n",
    ]
)


@given(st.lists(PIECES, max_size=40).map(b"".join), st.lists(st.integers(1, 60), min_size=1))
def test_the_same_frames_however_the_octets_are_cut(octets: bytes, sizes: list[int]) -> None:
    chunks = []
    at = number = 0
    while at < len(octets):
        size = sizes[number % len(sizes)]
        chunks.append(octets[at : at + size])
        at += size
        number += 1
    assert frames_of(chunks) == frames_of([octets])


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_octets_give_frames(chunks: list[bytes]) -> None:
    assert all(isinstance(frame, Command | LiteralWanted | Refused) for frame in frames_of(chunks))
