"""The LMTP client against scripts: one reply for each accepted recipient (RFC 2033)."""

import pytest

from harness.clients.lmtp import LmtpClient
from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import LocalProtocolError, ReplyTimeout

TO = ["pat@foo.edu", "jones@foo.edu", "green@foo.edu"]


def envelope(*replies: bytes) -> ScriptedStream:
    script = ScriptedStream().client(b"MAIL FROM:<chris@bar.com>\r\n").server(b"250 OK\r\n")
    for recipient, reply in zip(TO, replies, strict=True):
        script.client(f"RCPT TO:<{recipient}>\r\n".encode()).server(reply)
    return script


def client_of(stream: ScriptedStream) -> LmtpClient:
    return LmtpClient(stream, reply_timeout_s=1)


def test_the_example_of_section_4_2() -> None:
    script = envelope(b"250 OK\r\n", b"550 No such user here\r\n", b"250 OK\r\n")
    script.client(b"DATA\r\n").server(b"354 Start\r\n").client(b"Blah\r\n.\r\n")
    script.server(b"250 OK\r\n", b"452 <green@foo.edu> is temporarily over quota\r\n")
    with script as stream:
        result = client_of(stream).deliver(sender="chris@bar.com", to=TO, message=b"Blah\r\n")
    assert [reply.code for reply in result.rcpt_replies] == [250, 550, 250]
    assert result.data_reply is not None
    assert result.data_reply.code == 354
    assert [reply.code for reply in result.delivery_replies] == [250, 452]
    assert result.first_refusal is result.rcpt_replies[1]


def test_one_reply_too_few_is_silence() -> None:
    script = envelope(*3 * [b"250 OK\r\n"]).client(b"DATA\r\n").server(b"354 Start\r\n").client(b".\r\n")
    with script.server(b"250 OK\r\n") as stream, pytest.raises(ReplyTimeout):
        client_of(stream).deliver(sender="chris@bar.com", to=TO, message=b"")


def test_no_data_without_a_recipient() -> None:
    with envelope(*3 * [b"550 no\r\n"]).client(b"RSET\r\n").server(b"250 ok\r\n") as stream:
        result = client_of(stream).deliver(sender="chris@bar.com", to=TO, message=b"")
    assert result.data_reply is None
    assert result.delivery_replies == ()


def test_data_refused() -> None:
    script = envelope(*3 * [b"250 ok\r\n"]).client(b"DATA\r\n").server(b"451 no\r\n")
    with script.client(b"RSET\r\n").server(b"250 ok\r\n") as stream:
        result = client_of(stream).deliver(sender="chris@bar.com", to=TO, message=b"")
    assert result.first_refusal is result.data_reply
    assert result.delivery_replies == ()


def test_mail_refused() -> None:
    with ScriptedStream().client(b"MAIL FROM:<>\r\n").server(b"550 no\r\n") as stream:
        result = client_of(stream).deliver(sender="", to="a@b.test", message=b"")
    assert result.first_refusal is result.mail_reply
    assert result.rcpt_replies == ()


def test_lhlo() -> None:
    with ScriptedStream().client(b"LHLO foo.edu\r\n").server(b"250-foo.edu\r\n250 SIZE\r\n") as stream:
        client = client_of(stream)
        assert client.lhlo("foo.edu").code == 250
        assert client.keywords == {"SIZE": ""}


@pytest.mark.parametrize(("last", "code"), [(b"250 c\r\n", 250), (b"452 c\r\n", 452)])
def test_submit_returns_a_refusal_before_an_agreement(last: bytes, code: int) -> None:
    script = envelope(*3 * [b"250 OK\r\n"]).client(b"DATA\r\n").server(b"354 Start\r\n").client(b".\r\n")
    with script.server(b"250 a\r\n250 b\r\n" + last) as stream:
        assert client_of(stream).submit(sender="chris@bar.com", to=TO, message=b"").code == code


def test_submit_is_plain() -> None:
    with pytest.raises(LocalProtocolError):
        client_of(ScriptedStream()).submit(sender="", to="a@b.test", message=b"", pipelined=True)
