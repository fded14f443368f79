"""Cutting what is sent, and writing down what passes."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transport.memory import ScriptedStream
from harness.transport.pace import PacedStream, cut
from harness.transport.transcript import Kind, RecordedStream, Transcript, make_visible
from harness.vocabulary.errors import LocalProtocolError, PeerClosed

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@given(st.binary(), st.lists(st.integers(1, 5), min_size=1))
def test_pieces_have_their_sizes_and_lose_nothing(octets: bytes, sizes: list[int]) -> None:
    pieces = list(cut(octets, sizes))
    assert b"".join(pieces) == octets
    assert all(len(piece) == sizes[turn % len(sizes)] for turn, piece in enumerate(pieces[:-1]))
    assert all(pieces)


def test_a_paced_stream_sends_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[object] = []
    monkeypatch.setattr("time.sleep", log.append)
    inner = ScriptedStream()
    monkeypatch.setattr(inner, "send", log.append)
    PacedStream(inner, sizes=[1, 3], pause_s=0.5).send(b"QUIT\r\n")
    assert log == [b"Q", 0.5, b"UIT", 0.5, b"\r", 0.5, b"\n"]


def test_a_paced_stream_passes_all_else() -> None:
    with ScriptedStream().tls().server(b"x") as inner:
        stream = PacedStream(inner, sizes=[1])
        stream.start_tls(CONTEXT, "a.test")
        assert stream.receive(1) == b"x"
        assert stream.peer == "script"
        stream.close()
        assert inner.closed


@pytest.mark.parametrize("sizes", [[], [0], [1, -1]])
def test_sizes_make_sense(sizes: list[int]) -> None:
    with pytest.raises(LocalProtocolError):
        PacedStream(ScriptedStream(), sizes=sizes)


def test_a_dialogue_is_written_down() -> None:
    transcript = Transcript()
    inner = (
        ScriptedStream()
        .server(b"220 a\r\n2", b"20 b\r\n")
        .client(b"STARTTLS\r\n")
        .tls()
        .client(b"x\0\\\xff\t\r\ny")
        .server_closes()
    )
    with inner:
        stream = RecordedStream(inner, transcript)
        stream.receive(1)
        stream.receive(1)
        stream.send(b"STARTTLS\r\n")
        stream.start_tls(CONTEXT, "a.test")
        stream.send(b"x\0\\\xff\t\r\ny")
        stream.receive(1)
        stream.close()
    assert transcript.render() == (
        "S: 220 a\nS: 220 b\nC: STARTTLS\n-- TLS established with a.test --\n"
        "C: x\\x00\\\\\\xff\\t\nC: y [no CRLF]\n-- the server ended the connection --"
    )
    assert transcript.received() == b"220 a\r\n220 b\r\n"
    assert transcript.sent() == b"STARTTLS\r\nx\0\\\xff\t\r\ny"
    assert [entry.kind for entry in transcript.entries] == [
        Kind.SERVER,
        Kind.SERVER,
        Kind.CLIENT,
        Kind.TLS,
        Kind.CLIENT,
        Kind.END,
    ]
    times = [entry.at_s for entry in transcript.entries]
    assert times == sorted(times)
    assert times[0] >= 0


def test_a_broken_connection_is_written_down() -> None:
    class Broken(ScriptedStream):
        def receive(self, timeout_s: float) -> bytes:
            raise PeerClosed("reset")

    transcript = Transcript()
    stream = RecordedStream(Broken(), transcript)
    with pytest.raises(PeerClosed):
        stream.receive(1)
    assert transcript.render() == "-- the server ended the connection --"


@given(
    st.lists(st.tuples(st.sampled_from([Kind.CLIENT, Kind.SERVER]), st.binary(max_size=9))),
    st.integers(0, 30),
)
def test_the_oldest_octets_go_first(events: list[tuple[Kind, bytes]], max_octets: int) -> None:
    transcript = Transcript(max_octets=max_octets)
    for kind, octets in events:
        transcript.record(kind, octets)
    everything = b"".join(octets for _, octets in events)
    kept = b"".join(entry.octets for entry in transcript.entries)
    assert kept == everything[len(everything) - len(kept) :]
    assert len(kept) == min(len(everything), max_octets)
    assert transcript.dropped_octets == len(everything) - len(kept)


def test_dropped_octets_are_told() -> None:
    transcript = Transcript(max_octets=4)
    transcript.record(Kind.SERVER, b"250 ok\r\n")
    assert transcript.render() == "... 4 octets before this are not kept ...\nS: ok"


def test_a_dripping_peer_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.transport.transcript.MAX_ENTRIES", 3)
    transcript = Transcript()
    for octet in b"abcde":
        transcript.record(Kind.SERVER, bytes([octet]))
    assert transcript.received() == b"cde"
    assert transcript.dropped_octets == 2


def test_a_long_dialogue_is_shown_by_its_ends() -> None:
    transcript = Transcript()
    transcript.record(Kind.CLIENT, b"".join(b"line %03d\r\n" % number for number in range(100)))
    lines = transcript.render(max_octets=110).split("\n")
    assert lines == [
        "C: line 000",
        "C: line 001",
        "... 91 lines are not shown ...",
        *(f"C: line {number:03}" for number in range(93, 100)),
    ]


def test_one_endless_line_is_cut() -> None:
    transcript = Transcript()
    transcript.record(Kind.SERVER, 10_000 * b"x")
    assert len(transcript.render(max_octets=100)) < 200


@given(st.binary())
def test_what_is_made_visible_can_be_read_back(octets: bytes) -> None:
    shown = make_visible(octets)
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.encode().decode("unicode_escape").encode("latin-1") == octets
