"""The SMTP client against scripts."""

import ssl

import pytest

from harness.clients.smtp import SmtpClient
from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import LocalProtocolError, PeerClosed, RemoteProtocolError, ReplyTimeout

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
EHLO = b"EHLO client.mailproof.test\r\n"
MESSAGE = b"Subject: x\r\n\r\n.dot\r\n"
STUFFED = b"Subject: x\r\n\r\n..dot\r\n.\r\n"


def client_of(stream: ScriptedStream) -> SmtpClient:
    return SmtpClient(stream, reply_timeout_s=1)


def test_a_session() -> None:
    script = ScriptedStream().server(b"220 mail.test ESMTP\r\n")
    script.client(EHLO).server(b"250-mail.test\r\n250-size 1000\r\n", b"250 PIPELINING\r\n")
    script.client(b"MAIL FROM:<a@b.test> SIZE=20\r\n").server(b"250 ok\r\n")
    script.client(b"RCPT TO:<c@d.test>\r\n").server(b"251 ok\r\n")
    script.client(b"DATA\r\n").server(b"354 go\r\n").client(STUFFED).server(b"250 2.0.0 queued\r\n")
    script.client(b"VRFY c\r\n").server(b"252 maybe\r\n")
    script.client(b"QUIT\r\n").server(b"221 bye\r\n").server_closes()
    with script as stream, client_of(stream) as client:
        assert client.greeting().code == 220
        assert client.greeting().text == b"mail.test ESMTP"
        assert client.ehlo().code == 250
        assert client.keywords == {"SIZE": "1000", "PIPELINING": ""}
        assert (
            client.submit(sender="a@b.test", to="c@d.test", message=MESSAGE, parameters=["SIZE=20"]).code
            == 250
        )
        assert client.vrfy("c").code == 252
        assert client.quit().code == 221
        assert client.expect_closed() == []
    assert stream.closed


def test_a_function_may_connect() -> None:
    with ScriptedStream().client(b"NOOP\r\n").server(b"250 ok\r\n") as stream:
        client = SmtpClient(lambda: stream, reply_timeout_s=1)
        assert client.noop().code == 250
        assert client.peer == "script"
        client.close()
        assert stream.closed


def test_leaving_a_block_says_quit() -> None:
    script = ScriptedStream().server(b"220 a\r\n").client(b"QUIT\r\n").server(b"221 bye\r\n")
    with script as stream, client_of(stream) as client:
        client.greeting()
    assert stream.closed


def test_leaving_a_block_without_an_answer_to_quit() -> None:
    with ScriptedStream().client(b"QUIT\r\n") as stream, client_of(stream):
        pass
    assert stream.closed


@pytest.mark.parametrize("reply", [b"354 go on\r\n", b"334 \r\n", b"421 bye\r\n", b"221 bye\r\n"])
def test_quit_is_not_said_where_it_would_be_no_command(reply: bytes) -> None:
    with ScriptedStream().client(b"X\r\n").server(reply) as stream, client_of(stream) as client:
        client.command("X")
    assert stream.closed


def test_quit_is_not_said_after_raw_octets_without_a_reply() -> None:
    with ScriptedStream().client(b"DA") as stream, client_of(stream) as client:
        client.send_raw(b"DA")
    assert stream.closed


def test_an_error_closes_without_a_word() -> None:
    stream = ScriptedStream()
    with pytest.raises(ReplyTimeout), client_of(stream) as client:
        client.greeting()
    assert stream.closed


@pytest.mark.parametrize(("refused", "mail", "rcpts", "data"), [
    ("mail", b"550 no\r\n", [], b""),
    ("first recipient", b"250 ok\r\n", [b"550 no\r\n"], b""),
    ("second recipient", b"250 ok\r\n", [b"250 ok\r\n", b"550 no\r\n"], b""),
    ("data", b"250 ok\r\n", [b"250 ok\r\n", b"250 ok\r\n"], b"550 no\r\n"),
])  # fmt: skip
def test_the_first_refusal_is_returned_and_the_transaction_aborted(
    refused: str, mail: bytes, rcpts: list[bytes], data: bytes
) -> None:
    script = ScriptedStream().client(b"MAIL FROM:<>\r\n").server(mail)
    for recipient, answer in zip(["a@b.test", "c@d.test"], rcpts, strict=False):
        script.client(f"RCPT TO:<{recipient}>\r\n".encode()).server(answer)
    if data:
        script.client(b"DATA\r\n").server(data)
    if refused != "mail":
        script.client(b"RSET\r\n").server(b"250 ok\r\n")
    with script as stream:
        reply = client_of(stream).submit(sender="", to=["a@b.test", "c@d.test"], message=MESSAGE)
        assert reply.code == 550


def test_a_server_that_leaves_is_not_asked_to_reset() -> None:
    script = ScriptedStream().client(b"MAIL FROM:<>\r\n").server(b"250 ok\r\n")
    script.client(b"RCPT TO:<a@b.test>\r\n").server(b"421 bye\r\n")
    with script as stream:
        assert client_of(stream).submit(sender="", to="a@b.test", message=MESSAGE).code == 421


PIPELINE = b"MAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n"


@pytest.mark.parametrize(
    ("replies", "text", "end", "code"),
    [
        (b"250 a\r\n250 b\r\n250 c\r\n354 d\r\n", STUFFED, b"250 e\r\n", 250),
        (b"250 a\r\n250 b\r\n550 c\r\n354 d\r\n", STUFFED, b"250 e\r\n", 550),
        (b"250 a\r\n551 b\r\n550 c\r\n354 d\r\n", b".\r\n", b"554 e\r\n", 551),
        (b"250 a\r\n551 b\r\n550 c\r\n503 d\r\n", b"RSET\r\n", b"250 e\r\n", 551),
        (b"250 a\r\n250 b\r\n250 c\r\n451 d\r\n", b"RSET\r\n", b"250 e\r\n", 451),
        (b"501 a\r\n503 b\r\n503 c\r\n503 d\r\n", b"RSET\r\n", b"250 e\r\n", 501),
    ],
)
def test_pipelined_submission(replies: bytes, text: bytes, end: bytes, code: int) -> None:
    with ScriptedStream().client(PIPELINE).server(replies).client(text).server(end) as stream:
        reply = client_of(stream).submit(
            sender="", to=["a@b.test", "c@d.test"], message=MESSAGE, pipelined=True
        )
        assert reply.code == code


def test_a_message_needs_a_recipient() -> None:
    with pytest.raises(LocalProtocolError):
        client_of(ScriptedStream()).submit(sender="", to=[], message=MESSAGE)


def test_a_pipeline_reads_a_reply_for_each_line() -> None:
    with ScriptedStream().client(b"NOOP\r\nRSET\r\n").server(b"250 a\r\n2", b"50 b\r\n") as stream:
        assert [reply.text for reply in client_of(stream).pipeline(["NOOP", b"RSET"])] == [b"a", b"b"]


def test_helo_forgets_the_keywords() -> None:
    script = ScriptedStream().client(EHLO).server(b"250-a\r\n250 SIZE\r\n")
    script.client(b"HELO me\r\n").server(b"250 a\r\n").client(EHLO).server(b"502 no\r\n")
    with script as stream:
        client = client_of(stream)
        client.ehlo()
        client.helo("me")
        assert client.keywords == {}
        client.ehlo()
        assert client.keywords == {}


def test_starttls() -> None:
    script = ScriptedStream().client(EHLO).server(b"250-a\r\n250 STARTTLS\r\n")
    script.client(b"STARTTLS\r\n").server(b"220 go\r\n").tls()
    with script as stream:
        client = client_of(stream)
        client.ehlo()
        assert client.starttls(CONTEXT, "a.test").code == 220
        assert client.keywords == {}


def test_starttls_refused() -> None:
    with ScriptedStream().client(b"STARTTLS\r\n").server(b"454 later\r\n") as stream:
        assert client_of(stream).starttls(CONTEXT, "a.test").code == 454


@pytest.mark.parametrize("injected", [b"250 injected\r\n", b"2"])
def test_replies_injected_before_the_handshake_are_told(injected: bytes) -> None:
    with ScriptedStream().client(b"STARTTLS\r\n").server(b"220 go\r\n" + injected) as stream:
        with pytest.raises(RemoteProtocolError, match="between 220 and the TLS handshake") as told:
            client_of(stream).starttls(CONTEXT, "a.test")
        assert told.value.octets == injected


def test_auth_plain() -> None:
    with ScriptedStream().client(b"AUTH PLAIN AHRlc3QAMTIzNA==\r\n").server(b"235 ok\r\n") as stream:
        assert client_of(stream).authenticate("test", "1234").code == 235


def test_auth_plain_that_is_too_long_for_the_command_line() -> None:
    script = ScriptedStream().client(b"AUTH PLAIN\r\n").server(b"334 \r\n")
    script.client(b"AHQA" + 150 * b"eHh4" + b"\r\n").server(b"535 no\r\n")
    with script as stream:
        assert client_of(stream).authenticate("t", 450 * "x").code == 535


def test_auth_login() -> None:
    script = (
        ScriptedStream().client(b"AUTH LOGIN\r\n").server(b"334 VXNlcm5hbWU6\r\n").client(b"dGVzdA==\r\n")
    )
    script.server(b"334 UGFzc3dvcmQ6\r\n").client(b"MTIzNA==\r\n").server(b"535 5.7.8 no\r\n")
    with script as stream:
        assert client_of(stream).authenticate("test", "1234", "LOGIN").code == 535


@pytest.mark.parametrize("challenge", [b"", b"not base64", b"Zm9v"])
def test_a_challenge_that_cannot_be_cancels_the_exchange(challenge: bytes) -> None:
    script = ScriptedStream().client(b"AUTH PLAIN AHRlc3QAMTIzNA==\r\n").server(b"334 " + challenge + b"\r\n")
    script.client(b"*\r\n").server(b"501 cancelled\r\n").client(b"NOOP\r\n").server(b"250 ok\r\n")
    with script as stream:
        client = client_of(stream)
        with pytest.raises(RemoteProtocolError):
            client.authenticate("test", "1234")
        assert client.noop().code == 250


def test_success_without_the_servers_proof_is_told() -> None:
    class AnyInitialResponse(ScriptedStream):
        def send(self, octets: bytes) -> None:
            assert octets.startswith(b"AUTH SCRAM-SHA-256 ")

    stream = AnyInitialResponse().server(b"235 ok\r\n")
    with pytest.raises(RemoteProtocolError, match="server signature"):
        client_of(stream).authenticate("test", "1234", "SCRAM-SHA-256")


def test_utf8_is_read_after_smtputf8() -> None:
    stream = ScriptedStream().client("MAIL FROM:<jörg@a.test> SmtpUtf8\r\n".encode())
    with stream.server("250 jörg\r\n".encode()):
        assert client_of(stream).mail("jörg@a.test", "SmtpUtf8").text == "jörg".encode()
    stream = ScriptedStream().client(b"VRFY a SMTPUTF8\r\n").server("250 jörg\r\n".encode())
    with stream:
        assert client_of(stream).vrfy("a", b"SMTPUTF8").text == "jörg".encode()


def test_utf8_is_refused_before_it_was_asked_for() -> None:
    stream = ScriptedStream().client(b"NOOP\r\n").server("250 jörg\r\n".encode())
    with stream, pytest.raises(RemoteProtocolError):
        client_of(stream).noop()


def test_nonsense_goes_out_raw_only() -> None:
    with ScriptedStream().client(b"NOOP\nRSET\r\n").server(b"500 bare LF\r\n") as stream:
        client = client_of(stream)
        with pytest.raises(LocalProtocolError):
            client.command(b"NOOP\nRSET")
        client.send_raw(b"NOOP\nRSET\r\n")
        assert client.read_reply().code == 500


def test_a_reply_before_broken_grammar_is_read_first() -> None:
    with ScriptedStream().server(b"220 a\r\nhello\r\n") as stream:
        client = client_of(stream)
        assert client.read_reply().code == 220
        with pytest.raises(RemoteProtocolError):
            client.read_reply()


def test_the_end_of_the_stream_while_a_reply_is_due() -> None:
    with (
        ScriptedStream().server(b"25").server_closes() as stream,
        pytest.raises(PeerClosed, match="script ended"),
    ):
        client_of(stream).read_reply()


def test_what_comes_before_the_close() -> None:
    with ScriptedStream().server(b"421 a\r\n", b"421 b\r\n").server_closes() as stream:
        assert [reply.text for reply in client_of(stream).expect_closed()] == [b"a", b"b"]


def test_what_has_come_unasked() -> None:
    script = ScriptedStream().client(b"DATA\r\n").server(b"354 go\r\n250 early\r\n", b"250 earlier\r\n")
    with script as stream:
        client = client_of(stream)
        assert client.data().code == 354
        assert [reply.text for reply in client.unasked()] == [b"early", b"earlier"]
        assert client.unasked() == []


def test_a_reset_is_a_close_as_well() -> None:
    class Reset(ScriptedStream):
        def receive(self, timeout_s: float) -> bytes:
            raise PeerClosed("reset")

    assert client_of(Reset()).expect_closed() == []


def test_a_connection_that_stays_open_is_told() -> None:
    with pytest.raises(ReplyTimeout):
        client_of(ScriptedStream()).expect_closed()


def test_a_server_that_drips_a_reply_wins_no_time() -> None:
    class Drip(ScriptedStream):
        def receive(self, timeout_s: float) -> bytes:
            return b"250-\r\n"

    client = SmtpClient(Drip(), reply_timeout_s=0.01)
    with pytest.raises(ReplyTimeout, match=r"was not done within 0\.01 s"):
        client.read_reply()
    with pytest.raises(ReplyTimeout, match=r"was not done within 0\.01 s"):
        client.expect_closed()
