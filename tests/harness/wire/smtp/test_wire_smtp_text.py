"""Transparency (RFC 5321 §4.5.2), command lines and the response to EHLO."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.wire.smtp import (
    ReplyReader,
    dot_stuff,
    dot_unstuff,
    encode_command,
    encode_mail,
    encode_rcpt,
    parse_ehlo,
)

DOTTY = st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"a", b"\x00", b"\xff"])).map(b"".join)


@given(DOTTY | st.binary())
def test_any_message_comes_back(message: bytes) -> None:
    line_end = b"" if not message or message.endswith(b"\r\n") else b"\r\n"
    assert dot_unstuff(dot_stuff(message)) == message + line_end


@given(DOTTY | st.binary())
def test_the_end_comes_at_the_end_only(message: bytes) -> None:
    text = b"\r\n" + dot_stuff(message)
    assert text.index(b"\r\n.\r\n") == len(text) - 5


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"", b".\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n.\r\n..\r\n", b"..\r\n..\r\n...\r\n.\r\n"),
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n.\r\n"),
        (b"a\n.b\r\n", b"a\n.b\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
    ],
)
def test_dots_are_doubled_after_crlf_only(message: bytes, text: bytes) -> None:
    assert dot_stuff(message) == text


def test_the_receiver_drops_a_first_dot_doubled_or_not() -> None:
    assert dot_unstuff(b".a\r\n..b\r\nc.\r\n.\r\n") == b"a\r\n.b\r\nc.\r\n"


@pytest.mark.parametrize("text", [b"", b"a\r\n", b"a.\r\n", b"a\n.\r\n", b"a\r\n.\n"])
def test_text_without_its_end_is_refused(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        dot_unstuff(text)


def test_commands() -> None:
    assert encode_command("NOOP") == b"NOOP\r\n"
    assert encode_command("VRFY", b"J\xc3\xb6rg") == encode_command(b"VRFY", "Jörg")
    assert encode_mail("") == b"MAIL FROM:<>\r\n"
    assert (
        encode_mail("a@b.test", ["SIZE=10", b"BODY=8BITMIME"])
        == b"MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME\r\n"
    )
    assert encode_rcpt("a@b.test") == b"RCPT TO:<a@b.test>\r\n"


@pytest.mark.parametrize("argument", ["a\r\nb", "a\nb", "a\rb", "a\0b"])
def test_what_is_more_than_one_line_is_no_command(argument: str) -> None:
    with pytest.raises(LocalProtocolError, match="one line"):
        encode_command("NOOP", argument)


def test_a_path_comes_without_brackets() -> None:
    with pytest.raises(LocalProtocolError, match="angle brackets"):
        encode_mail("<a@b.test>")


def test_the_response_to_ehlo() -> None:
    (reply,) = ReplyReader().receive(
        b"250-mail.test greets you\r\n250-size 1000\r\n250-AUTH PLAIN LOGIN\r\n"
        b"250-AUTH=PLAIN\r\n250-X  two spaces\r\n250-SIZE 2\r\n250 8BITMIME\r\n"
    )
    response = parse_ehlo(reply)
    assert response.domain == b"mail.test"
    assert response.greeting == b"greets you"
    assert response.keywords == {"SIZE": "1000", "AUTH": "PLAIN LOGIN", "8BITMIME": ""}
    assert response.malformed == (b"AUTH=PLAIN", b"X  two spaces")


def test_a_response_to_ehlo_of_one_line_offers_nothing() -> None:
    (reply,) = ReplyReader().receive(b"250 mail.test\r\n")
    assert parse_ehlo(reply).keywords == {}
