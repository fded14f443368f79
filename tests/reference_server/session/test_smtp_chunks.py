"""BDAT and BINARYMIME (RFC 3030): chunks taken exactly, whatever is in them and however they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smtp_bench import Bench, bench, codes, greeted

from reference_server.session.smtp.desk import Refusal, Role

ENVELOPE = b"MAIL FROM:<bob@remote.test>\r\nRCPT TO:<alice@example.test>\r\n"
BINARY = b"MAIL FROM:<bob@remote.test> BODY=BINARYMIME\r\nRCPT TO:<alice@example.test>\r\n"


def bdat(chunk: bytes, *, last: bool = False) -> bytes:
    return b"BDAT %d%b\r\n%b" % (len(chunk), b" LAST" if last else b"", chunk)


def talk(octets: bytes, peer: Bench | None = None) -> tuple[list[int], list[bytes]]:
    peer = peer or greeted()
    return codes(peer.driver.send(octets)), [taken.text for taken in peer.taken]


def test_one_chunk() -> None:
    assert talk(ENVELOPE + bdat(b"Subject: x\r\n\r\n.\r\n", last=True)) == (
        [250, 250, 250],
        [b"Subject: x\r\n\r\n.\r\n"],
    )


@given(st.lists(st.binary(max_size=12), max_size=6), st.binary(max_size=12))
def test_chunks_of_any_octets_become_one_binary_message(chunks: list[bytes], end: bytes) -> None:
    octets = BINARY + b"".join(bdat(chunk) for chunk in chunks) + bdat(end, last=True) + b"QUIT\r\n"
    assert talk(octets) == ([250] * (len(chunks) + 3) + [221], [b"".join(chunks) + end])


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"."]), min_size=1, max_size=8))
def test_other_bodies_hold_no_stray_line_ends(pieces: list[bytes]) -> None:
    """A CRLF may be split over two chunks; each of its halves alone is refused, as in DATA."""
    text = b"".join(pieces)
    well_formed = b"\r" not in text.replace(b"\r\n", b"") and b"\n" not in text.replace(b"\r\n", b"")
    octets = ENVELOPE + b"".join(bdat(piece) for piece in pieces) + bdat(b"", last=True)
    said, taken = talk(octets)
    assert said == [250] * (len(pieces) + 2) + [250 if well_formed else 554]
    assert taken == ([text] if well_formed else [])


COMMANDS = st.sampled_from(
    [
        ENVELOPE,
        BINARY,
        b"RCPT TO:<bob@example.test>\r\n",
        b"RCPT TO:<nobody@example.test>\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"EHLO again.test\r\n",
        b"BDAT 3 now\r\nabc",
        b"BDAT x\r\n",
        b"BDAT 31\r\n" + b"x" * 31,
        b"DATA\r\n.\r\n",
        b"DATA\r\nx\r\n..\r\n.\r\n",
        bdat(b"one\r\n"),
        bdat(b"NOOP\r\nQUIT\r\n"),
        bdat(b"\0\r\xff"),
        bdat(b"", last=True),
        bdat(b"end\r\n", last=True),
    ]
)


@given(st.lists(COMMANDS, max_size=12), st.integers(1, 7), st.sampled_from([Role.MX, Role.LMTP]))
def test_any_split_gives_the_same(commands: list[bytes], size: int, role: Role) -> None:
    octets = b"".join(commands).replace(b"EHLO", b"LHLO" if role is Role.LMTP else b"EHLO")
    whole, parts = greeted(role, max_message_octets=30), greeted(role, max_message_octets=30)
    said = whole.driver.send(octets)
    pieces = b"".join(
        parts.driver.send(octets[start : start + size]) for start in range(0, len(octets), size)
    )
    assert pieces == said
    assert [taken.text for taken in parts.taken] == [taken.text for taken in whole.taken]
    assert not whole.driver.session.inbox


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (bdat(b"QUIT\r\n"), [503]),
        (b"MAIL FROM:<>\r\n" + bdat(b"QUIT\r\n"), [250, 503]),
        (
            b"MAIL FROM:<>\r\nRCPT TO:<nobody@example.test>\r\n" + bdat(b"QUIT\r\n", last=True),
            [250, 550, 554],
        ),
        (ENVELOPE + bdat(b"x\r\n") + b"DATA\r\n", [250, 250, 250, 503]),
        (ENVELOPE + bdat(b"x\r\n") + b"RCPT TO:<bob@example.test>\r\n", [250, 250, 250, 503]),
        (ENVELOPE + bdat(b"x\r\n") + b"MAIL FROM:<>\r\n", [250, 250, 250, 503]),
        (ENVELOPE + bdat(b"x\r\n") + b"RSET\r\n" + bdat(b"", last=True), [250, 250, 250, 250, 503]),
        (ENVELOPE + bdat(b"x\r\n", last=True) + bdat(b"", last=True), [250, 250, 250, 503]),
        (ENVELOPE + b"DATA\r\n.\r\n" + bdat(b"", last=True), [250, 250, 354, 250, 503]),
        (BINARY + b"DATA\r\n" + bdat(b"", last=True), [250, 250, 503, 250]),
        (ENVELOPE + b"BDAT\r\nBDAT x\r\nBDAT -1\r\n", [250, 250, 501, 501, 501]),
        (ENVELOPE + b"BDAT 6 NOW\r\nQUIT\r\n" + bdat(b"", last=True), [250, 250, 501, 503]),
        (ENVELOPE + b"bdat 0 last\r\n", [250, 250, 250]),
    ],
)
def test_the_order_of_commands(octets: bytes, said: list[int]) -> None:
    """The chunk of a refused BDAT is swallowed, never read as commands."""
    assert talk(octets)[0] == said


def test_a_helo_client_has_no_bdat() -> None:
    peer = bench()
    assert codes(peer.driver.send(b"HELO a.test\r\n" + ENVELOPE + bdat(b"QUIT\r\n"))) == [250, 250, 250, 503]


def test_too_large_a_message() -> None:
    """552 after the chunk that goes over; later chunks in the pipeline are refused, and RSET heals."""
    peer = greeted(max_message_octets=10)
    octets = ENVELOPE + bdat(b"12345678\r\n") + bdat(b"x") + bdat(b"y") + bdat(b"", last=True)
    assert talk(octets, peer) == ([250, 250, 250, 552, 503, 503], [])
    octets = b"RSET\r\n" + ENVELOPE + bdat(b"12345678\r\n", last=True)
    assert talk(octets, peer) == ([250, 250, 250, 250], [b"12345678\r\n"])
    assert talk(ENVELOPE + bdat(b"123456789\r\n", last=True), peer)[0] == [250, 250, 552]


def test_a_swallowed_chunk_costs_no_memory() -> None:
    peer = greeted(max_message_octets=10)
    assert codes(peer.driver.send(ENVELOPE + b"BDAT 1000000 LAST\r\n")) == [250, 250]
    for _ in range(99):
        assert peer.driver.send(b"x" * 10_000) == b""
        assert not peer.driver.session.inbox
    assert codes(peer.driver.send(b"x" * 10_000 + b"NOOP\r\n")) == [552, 250]


def test_a_chunk_that_never_ends_is_cut_off() -> None:
    peer = greeted(max_message_octets=10)
    said = peer.driver.send(ENVELOPE + b"BDAT 99999999999999999999\r\n")
    while not peer.driver.ended:
        said += peer.driver.send(b"x" * 10_000_000)
    assert codes(said) == [250, 250, 421]


def test_silence_within_a_chunk_is_a_time_out() -> None:
    peer = greeted(text_timeout_s=180.0)
    peer.driver.send(ENVELOPE + b"BDAT 10\r\nabc")
    assert peer.driver.waiting is not None
    assert peer.driver.waiting.timeout_s == 180.0
    assert peer.driver.time_out().startswith(b"421 4.4.2 ")


def test_lmtp_has_one_reply_for_each_recipient_after_last() -> None:
    peer = greeted(Role.LMTP)
    more = ENVELOPE + b"RCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
    said = peer.driver.send(more + bdat(b"a\r\n") + bdat(b"b\r\n", last=True))
    assert codes(said) == [250, 250, 550, 250, 250, 250, 250]
    assert said.splitlines()[-1].startswith(b"250 2.6.0 <bob@example.test> ")
    assert talk(more + bdat(b"\n", last=True), peer)[0] == [250, 250, 550, 250, 554, 554]


def test_lmtp_without_recipients_has_no_reply_to_last() -> None:
    """RFC 2033 §4.3, where DATA has 503."""
    peer = greeted(Role.LMTP)
    octets = b"MAIL FROM:<>\r\n" + bdat(b"x\r\n") + bdat(b"y\r\n", last=True) + b"NOOP\r\nMAIL FROM:<>\r\n"
    assert talk(octets, peer)[0] == [250, 503, 250, 250]


def test_a_full_mailbox_touches_no_other() -> None:
    peer = greeted(Role.LMTP)
    peer.desk.full = {"alice"}
    more = ENVELOPE + b"RCPT TO:<bob@example.test>\r\n"
    assert talk(more + bdat(b"a\r\n", last=True), peer) == ([250, 250, 250, 452, 250], [b"a\r\n"])
    assert talk(more + b"DATA\r\n.\r\n", peer)[0] == [250, 250, 250, 354, 452, 250]


def test_the_desk_may_refuse_a_text() -> None:
    peer = greeted()
    peer.desk.refuses_text = Refusal(554, "5.4.6", "loop")
    assert talk(ENVELOPE + bdat(b"x\r\n", last=True), peer) == ([250, 250, 554], [])
