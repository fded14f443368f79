"""Rewrites in flight, in either direction."""

import re
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transport.memory import ScriptedStream
from harness.transport.tamper import Fault, Rewrite, Rewrites, Script, TamperedStream, Tamperer
from harness.vocabulary.errors import ReplyTimeout
from harness.vocabulary.faults import FAULTS


def received(script: Script, *chunks: bytes) -> list[bytes]:
    """What the client receives when the server sends `chunks` and ends its side."""
    stream = TamperedStream(ScriptedStream().server(*chunks).server_closes(), script.open())
    blocks = []
    while block := stream.receive(1):
        blocks.append(block)
    return blocks


def sent(script: Script, *sends: bytes) -> bytes:
    """What the server gets of `sends`."""
    return b"".join(map(script.open().from_client, sends))


def test_the_server_is_rewritten_at_line_starts() -> None:
    assert received(Rewrite.from_server(rb"^250", b"550"), b"250-a 250\r\n250 b\r\n") == [
        b"550-a 250\r\n550 b\r\n"
    ]


def test_how_tcp_cuts_the_lines_does_not_matter() -> None:
    rewrite = Rewrite.from_server(rb"^250 ok$", b"gone")
    assert received(rewrite, b"25", b"0 ok", b"\n250", b" ok\n25") == [b"gone\n", b"gone\n", b"25"]


@given(st.lists(st.binary(min_size=1, max_size=8)))
def test_without_a_match_every_octet_passes_in_whole_lines(chunks: list[bytes]) -> None:
    blocks = received(Rewrite.from_server(rb"never\Zmatches", b""), *chunks)
    assert b"".join(blocks) == b"".join(chunks)
    assert all(block.endswith(b"\n") for block in blocks[:-1])


def test_a_pattern_may_span_lines_of_one_block() -> None:
    assert received(Rewrite.from_server(rb"a.*c", b"x"), b"a\r\nb\r\nc\r\n") == [b"x\r\n"]


def test_the_client_is_rewritten_send_by_send() -> None:
    rewrite = Rewrite.from_client(rb"^\.\.", b".")
    assert sent(rewrite, b"..a\r\n..b\r\n", b"c..") == b".a\r\n.b\r\nc.."
    assert received(rewrite, b"..a\r\n") == [b"..a\r\n"]


def test_a_function_may_replace() -> None:
    def raised(found: re.Match[bytes]) -> bytes:
        return b"%d" % (int(found[0]) + 1)

    assert received(Rewrite.from_server(rb"[0-9]+", raised), b"* 9 EXISTS\r\n") == [b"* 10 EXISTS\r\n"]


def test_a_count_is_for_one_connection() -> None:
    rewrite = Rewrite.from_server(rb"^a", b"b", count=2)
    assert received(rewrite, b"a\n", b"a\na\n") == [b"b\n", b"b\na\n"]
    assert received(rewrite, b"a\na\na\n") == [b"b\nb\na\n"]


def test_rewrites_are_joined_in_order() -> None:
    both = Rewrite.from_server(b"a", b"b") + Rewrite.from_client(b"x", b"y")
    all_three = both + Rewrite.from_server(b"b", b"c")
    assert received(all_three, b"ab\n") == [b"cc\n"]
    assert sent(all_three, b"x") == b"y"
    assert all_three == Rewrites(*all_three.rewrites)
    assert len({all_three, Rewrites(*all_three.rewrites), both}) == 2
    assert (Rewrite.from_server(b"b", b"c") + both).rewrites[1:] == both.rewrites


def test_what_nothing_is_left_of_is_neither_sent_nor_the_end() -> None:
    script = ScriptedStream().client(b"NOOP\r\n").server(b"drop\r\n", b"keep\r\n")
    both = Rewrite.from_client(rb"^QUIT\r\n", b"") + Rewrite.from_server(rb"^drop\r\n", b"")
    with script as inner:
        stream = TamperedStream(inner, both.open())
        stream.send(b"QUIT\r\n")
        stream.send(b"NOOP\r\n")
        assert stream.receive(1) == b"keep\r\n"


def test_waiting_for_what_passes_has_an_end() -> None:
    class Chatter(ScriptedStream):
        def receive(self, timeout_s: float) -> bytes:
            return b"drop\r\n"

    stream = TamperedStream(Chatter(), Rewrite.from_server(rb"^drop\r\n", b"").open())
    with pytest.raises(ReplyTimeout, match="nothing that passed"):
        stream.receive(0.01)


class Counting:
    """Numbers the lines of the server: a script with a memory."""

    class Numbers:
        def __init__(self) -> None:
            self.count = 0

        def from_client(self, octets: bytes) -> bytes:
            return octets

        def from_server(self, octets: bytes) -> bytes:
            self.count += 1
            return b"%d %s" % (self.count, octets)

    def open(self) -> Tamperer:
        return self.Numbers()


def test_each_connection_has_its_own_memory() -> None:
    script = Counting()
    assert received(script, b"a\n", b"b\n") == [b"1 a\n", b"2 b\n"]
    assert received(script, b"a\n") == [b"1 a\n"]


def test_tls_passes_through() -> None:
    with ScriptedStream().tls() as inner:
        stream = TamperedStream(inner, Rewrites().open())
        stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "a.test")
        assert stream.peer == "script"
        stream.close()
        assert inner.closed


def test_a_broken_pattern_is_told_when_it_is_written() -> None:
    with pytest.raises(re.error):
        Rewrite.from_server(rb"(", b"")


def test_faults_have_names() -> None:
    name = next(iter(FAULTS))
    assert Fault(name).name == name
    with pytest.raises(ValueError, match="no fault is named 'smtp-no-such'"):
        Fault("smtp-no-such")
