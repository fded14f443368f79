"""The scripted stream insists on its script."""

import ssl

import pytest

from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import PeerClosed, ReplyTimeout

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def test_a_dialogue() -> None:
    with (
        ScriptedStream()
        .server(b"220 ", b"hi\r\n")
        .client(b"EHLO a\r\n")
        .tls()
        .server(b"x")
        .server_closes() as stream
    ):
        assert stream.receive(1) == b"220 "
        assert stream.receive(1) == b"hi\r\n"
        with pytest.raises(ReplyTimeout):
            stream.receive(1)
        stream.send(b"EHL")
        stream.send(b"O a\r\n")
        stream.start_tls(CONTEXT, "a.test")
        assert [stream.receive(1), stream.receive(1), stream.receive(1)] == [b"x", b"", b""]


def test_one_send_may_fill_two_expectations() -> None:
    with ScriptedStream().client(b"a").client(b"b") as stream:
        stream.send(b"ab")


def test_what_is_left_is_told() -> None:
    with pytest.raises(AssertionError, match="left in the script"), ScriptedStream().client(b"QUIT\r\n"):
        pass


@pytest.mark.parametrize(
    "stream", [ScriptedStream(), ScriptedStream().client(b"A"), ScriptedStream().server(b"A")]
)
def test_an_unscripted_send_is_told(stream: ScriptedStream) -> None:
    with pytest.raises(AssertionError, match="the client sends"):
        stream.send(b"B")


def test_unscripted_tls_is_told() -> None:
    with pytest.raises(AssertionError, match="TLS starts"):
        ScriptedStream().start_tls(CONTEXT, "a.test")


def test_an_error_under_way_is_not_hidden() -> None:
    with pytest.raises(KeyError), ScriptedStream().client(b"a"):
        raise KeyError


def test_a_closed_stream_sends_nothing() -> None:
    stream = ScriptedStream().client(b"a")
    stream.close()
    with pytest.raises(PeerClosed):
        stream.send(b"a")
