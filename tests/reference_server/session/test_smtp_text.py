"""DATA: where the text ends, transparency, stray line ends, size, and time."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from smtp_bench import Bench, codes, greeted

from reference_server.session.base import Input

PIECES = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"a", b"\r\n.", b"\xe9", b"\0", b"\r\n.\r\n"]),
    max_size=12,
).map(b"".join)


def open_text(**options: object) -> Bench:
    peer = greeted(**options)
    assert peer.codes(b"MAIL FROM:<>", b"RCPT TO:<bob@example.test>", b"DATA") == [250, 250, 354]
    return peer


def stuffed(text: bytes) -> bytes:
    """Transparency by the letter of RFC 5321 §4.5.2, line by line."""
    lines = text.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


LINES = st.lists(
    st.text(alphabet=st.sampled_from(".a \xe9"), max_size=5).map(lambda line: line.encode("latin-1")),
    max_size=8,
)


@given(LINES)
def test_every_text_comes_through(lines: list[bytes]) -> None:
    text = b"".join(line + b"\r\n" for line in lines)
    peer = open_text()
    assert codes(peer.driver.send(stuffed(text) + b".\r\n")) == [250]
    assert peer.taken[0].text == text


def test_a_single_dot_before_text_is_removed() -> None:
    peer = open_text()
    peer.driver.send(b".a\r\n.b\r\n.\r\n")
    assert peer.taken[0].text == b"a\r\nb\r\n"


@pytest.mark.parametrize(
    "false_end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\n\n.\n\n",
        b"\r\n. \r\n",
        b"\r\n..\r\n",
    ],
)
def test_only_crlf_dot_crlf_ends_the_text(false_end: bytes) -> None:
    """RFC 5321 §4.1.1.4; the rest would be smuggled commands."""
    peer = open_text()
    assert peer.driver.send(b"x" + false_end + b"MAIL FROM:<smuggled@remote.test>\r\n") == b""
    answer = codes(peer.driver.send(b".\r\n"))
    assert answer == [250 if false_end in (b"\r\n. \r\n", b"\r\n..\r\n") else 554]
    assert len(peer.taken) <= 1


@given(PIECES, st.integers(1, 4))
@example(b"\r\n.\r\n", 1)
@example(b".", 1)
def test_any_split_gives_the_same(text: bytes, size: int) -> None:
    """The end may be split over reads at every octet."""
    octets = text + b"\r\n.\r\nQUIT\r\n"
    whole, parts = open_text(), open_text()
    said = whole.driver.send(octets)
    pieces = b""
    for start in range(0, len(octets), size):
        if not parts.driver.ended:
            pieces += parts.driver.send(octets[start : start + size])
    assert pieces == said
    assert [taken.text for taken in parts.taken] == [taken.text for taken in whole.taken]


@given(PIECES)
def test_a_text_with_stray_line_ends_is_never_taken(text: bytes) -> None:
    peer = open_text()
    peer.driver.send(text + b"\r\n.\r\n")
    for taken in peer.taken:
        assert taken.text.count(b"\r") == taken.text.count(b"\n") == taken.text.count(b"\r\n")


@given(
    st.integers(990, 1010),
    st.sampled_from([b"", b".."]),
    st.sampled_from([1, 7, 100, 5000]),
    st.sampled_from([b"", b"\n"]),
)
def test_the_size_limit_is_exact_however_the_text_comes(
    size: int, dots: bytes, piece: int, stray: bytes
) -> None:
    line = dots + b"x" * 50 + b"\r\n"
    kept = len(line) - len(dots) // 2
    text = line * 18 + stray
    text += b"x" * (size - 18 * kept - len(stray) - 2) + b"\r\n"
    peer = open_text(max_message_octets=1000)
    octets = text + b".\r\n"
    said = b"".join(peer.driver.send(octets[start : start + piece]) for start in range(0, len(octets), piece))
    assert codes(said) == [552 if size > 1000 else 554 if stray else 250]


def test_a_text_that_is_too_long_fills_no_memory() -> None:
    peer = open_text(max_message_octets=10_000)
    for _ in range(100):
        assert peer.driver.send(b"x" * 998 + b"\r\n" + b"y" * 3000) == b""
        assert len(peer.driver.session.inbox) < 20_000
    assert codes(peer.driver.send(b"\r\n.\r\nNOOP\r\n")) == [552, 250]


def test_a_text_without_any_end_is_cut_off() -> None:
    peer = open_text(max_message_octets=1000)
    said = b""
    piece = b"x" * 10_000_000
    while not peer.driver.ended:
        said += peer.driver.send(piece)
    assert codes(said) == [421]


def test_a_drip_of_octets_is_cut_off() -> None:
    """RFC 5321 §4.5.3.2.5 asks for 3 minutes of patience, not for eternity."""
    peer = open_text(text_timeout_s=180.0)
    waited = 0.0
    while waited < 1000.0:
        peer.driver.send(b"x")
        wait = peer.driver.waiting
        assert isinstance(wait, Input)
        if wait.timeout_s < 100.0:
            break
        peer.clock.advance(100.0)
        waited += 100.0
    assert waited <= 200.0


def test_a_steady_sender_is_not_cut_off() -> None:
    peer = open_text(text_timeout_s=180.0)
    for _ in range(100):
        peer.driver.send(b"x" * 60_000)
        assert peer.driver.waiting is not None
        assert peer.driver.waiting.timeout_s > 100.0
        peer.clock.advance(100.0)


def test_defects_of_the_text() -> None:
    kept = open_text(faults=("smtp-dot-kept",))
    kept.driver.send(b"..a\r\n.\r\n")
    assert kept.taken[0].text == b"..a\r\n"
    stripped = open_text(faults=("smtp-8bit-stripped",))
    stripped.driver.send(b"\xe9\r\n.\r\n")
    assert stripped.taken[0].text == b"i\r\n"
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n"):
        smuggled = open_text(faults=("smtp-lf-dot-lf",))
        assert codes(smuggled.driver.send(b"one" + end + b"NOOP\r\n")) == [250, 250]
