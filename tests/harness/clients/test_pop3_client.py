"""The POP3 client against scripts."""

import ssl

import pytest

from harness.clients.pop3 import Pop3Client
from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import LocalProtocolError, PeerClosed, RemoteProtocolError, ReplyTimeout

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
GREETING = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"


def greeted(script: ScriptedStream) -> Pop3Client:
    client = Pop3Client(script, reply_timeout_s=1)
    client.greeting()
    return client


def script() -> ScriptedStream:
    return ScriptedStream().server(GREETING)


def test_a_session() -> None:
    stream = script().client(b"CAPA\r\n").server(b"+OK\r\nTOP\r\nuser\r\n.\r\n")
    stream.client(b"USER mrose\r\n").server(b"+OK\r\n").client(b"PASS a secret\r\n").server(b"+OK in\r\n")
    stream.client(b"STAT\r\n").server(b"+OK 2 320\r\n")
    stream.client(b"LIST\r\n").server(b"+OK\r\n1 120\r\n", b"2 200\r\n.", b"\r\n")
    stream.client(b"UIDL\r\n").server(b"+OK\r\n1 x\r\n2 y\r\n.\r\n")
    stream.client(b"RETR 1\r\n").server(b"+OK 120 octets\r\nA: b\r\n\r\n..\r\n..dot\r\n.\r\n")
    stream.client(b"TOP 1 0\r\n").server(b"+OK\r\nA: b\r\n\r\n.\r\n")
    stream.client(b"DELE 1\r\n").server(b"+OK\r\n").client(b"DELE 1\r\n").server(b"-ERR gone\r\n")
    stream.client(b"RSET\r\n").server(b"+OK\r\n").client(b"NOOP\r\n").server(b"+OK\r\n")
    stream.client(b"LIST 9\r\n").server(b"-ERR no such message\r\n")
    stream.client(b"QUIT\r\n").server(b"+OK bye\r\n").server_closes()
    with stream, Pop3Client(stream, reply_timeout_s=1) as client:
        assert client.greeting() is client.greeting()
        assert client.capa().ok
        assert client.capabilities == {"TOP": "", "USER": ""}
        assert client.login("mrose", "a secret").text == b"in"
        assert client.stat() == (2, 320)
        assert client.list() == {1: 120, 2: 200}
        assert client.uidl() == {1: b"x", 2: b"y"}
        assert client.retr(1).body == b"A: b\r\n\r\n.\r\n.dot\r\n"
        assert client.top(1, 0).body == b"A: b\r\n\r\n"
        assert [client.dele(1).ok, client.dele(1).ok] == [True, False]
        assert client.rset().ok
        assert client.noop().ok
        assert not client.command("LIST 9").ok
        assert client.quit().ok
        assert client.expect_closed() == []
    assert stream.closed


def test_leaving_a_block_says_quit() -> None:
    with (
        script().client(b"QUIT\r\n").server(b"+OK\r\n") as stream,
        Pop3Client(stream, reply_timeout_s=1) as client,
    ):
        client.greeting()
    assert stream.closed


def test_an_error_leaves_without_quit_so_that_nothing_is_removed() -> None:
    stream = ScriptedStream()
    with pytest.raises(ReplyTimeout), Pop3Client(stream, reply_timeout_s=1) as client:
        client.greeting()
    assert stream.closed


def test_a_refused_user_gives_no_password() -> None:
    with script().client(b"USER a\r\n").server(b"-ERR no\r\n") as stream:
        assert not greeted(stream).login("a", "b").ok


def test_capa_refused() -> None:
    with script().client(b"CAPA\r\n").server(b"-ERR what\r\n") as stream:
        client = greeted(stream)
        assert not client.capa().ok
        assert client.capabilities == {}


def test_a_multi_line_command_of_the_callers_own() -> None:
    with script().client(b"LANG\r\n").server(b"+OK\r\nen English\r\n.\r\n") as stream:
        assert greeted(stream).command("LANG", multiline=True).lines == (b"en English",)


def test_a_pipeline() -> None:
    stream = script().client(b"STAT\r\nLIST\r\nNOOP\r\n").server(b"+OK 0 0\r\n+OK\r\n.\r\n-ERR no\r\n")
    with stream:
        responses = greeted(stream).pipeline([("STAT", False), ("LIST", True), (b"NOOP", False)])
    assert [(response.ok, response.lines) for response in responses] == [
        (True, None),
        (True, ()),
        (False, None),
    ]


def test_raw_octets_and_their_responses() -> None:
    with script().client(b"NOOP\nNOOP\r\n").server(b"-ERR bare LF\r\n") as stream:
        client = greeted(stream)
        with pytest.raises(LocalProtocolError):
            client.command(b"NOOP\nNOOP")
        client.send_raw(b"NOOP\nNOOP\r\n")
        client.expect_response()
        assert not client.read_response().ok


def test_apop_as_in_rfc_1939() -> None:
    stream = script().client(b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n").server(b"+OK\r\n")
    with stream:
        assert greeted(stream).apop("mrose", "tanstaaf").ok


def test_apop_needs_a_timestamp() -> None:
    with (
        ScriptedStream().server(b"+OK ready\r\n") as stream,
        pytest.raises(LocalProtocolError, match="no APOP"),
    ):
        greeted(stream).apop("a", "b")


def test_stls() -> None:
    with script().client(b"STLS\r\n").server(b"+OK\r\n").tls() as stream:
        client = greeted(stream)
        client.capabilities = {"STLS": ""}
        assert client.stls(CONTEXT, "a.test").ok
        assert client.capabilities == {}


def test_stls_refused() -> None:
    with script().client(b"STLS\r\n").server(b"-ERR no\r\n") as stream:
        assert not greeted(stream).stls(CONTEXT, "a.test").ok


def test_responses_injected_before_the_handshake_are_told() -> None:
    stream = script().client(b"STLS\r\n").server(b"+OK\r\n+OK injected\r\n")
    with stream, pytest.raises(RemoteProtocolError, match="nothing between"):
        greeted(stream).stls(CONTEXT, "a.test")


def test_auth_plain() -> None:
    with script().client(b"AUTH PLAIN AHRlc3QAMTIzNA==\r\n").server(b"+OK in\r\n") as stream:
        assert greeted(stream).auth("test", "1234").ok


def test_auth_plain_that_is_too_long_for_the_command_line() -> None:
    stream = script().client(b"AUTH PLAIN\r\n").server(b"+ \r\n").client(b"AHQA" + 60 * b"eHh4" + b"\r\n")
    with stream.server(b"-ERR [AUTH] no\r\n"):
        assert greeted(stream).auth("t", 180 * "x").code == "AUTH"


def test_auth_login() -> None:
    stream = script().client(b"AUTH LOGIN\r\n").server(b"+ VXNlcm5hbWU6\r\n").client(b"dGVzdA==\r\n")
    stream.server(b"+ UGFzc3dvcmQ6\r\n").client(b"MTIzNA==\r\n").server(b"+OK\r\n")
    with stream:
        assert greeted(stream).auth("test", "1234", "LOGIN").ok


def test_a_challenge_that_cannot_be_cancels_the_exchange() -> None:
    stream = script().client(b"AUTH PLAIN AHRlc3QAMTIzNA==\r\n").server(b"+ A\r\n")
    stream.client(b"*\r\n").server(b"-ERR cancelled\r\n").client(b"NOOP\r\n").server(b"+OK\r\n")
    with stream:
        client = greeted(stream)
        with pytest.raises(RemoteProtocolError):
            client.auth("test", "1234")
        assert client.noop().ok


def test_a_listing_that_is_refused_is_a_breach() -> None:
    with script().client(b"STAT\r\n").server(b"-ERR no\r\n") as stream, pytest.raises(RemoteProtocolError):
        greeted(stream).stat()


def test_a_response_before_broken_grammar_is_read_first() -> None:
    with script().client(b"NOOP\r\n").server(b"+OK\r\nhello\r\n").client(b"NOOP\r\n") as stream:
        client = greeted(stream)
        assert client.noop().ok
        with pytest.raises(RemoteProtocolError):
            client.noop()


def test_a_second_response_to_quit_is_no_quiet_end() -> None:
    with script().client(b"QUIT\r\n").server(b"+OK\r\n+OK\r\n").server_closes() as stream:
        client = greeted(stream)
        assert client.quit().ok
        with pytest.raises(RemoteProtocolError, match="no response without a command"):
            client.expect_closed()


def test_a_close_is_awaited() -> None:
    with script().server_closes() as stream:
        client = greeted(stream)
        assert client.expect_closed() == []
        with pytest.raises(PeerClosed):
            client.read_response()
    with pytest.raises(ReplyTimeout):
        Pop3Client(ScriptedStream(), reply_timeout_s=1).expect_closed()
