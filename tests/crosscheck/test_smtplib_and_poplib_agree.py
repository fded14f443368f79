"""The standard library's clients as foreign witnesses: on legal octets they read what mailproof reads."""

import io
import poplib
import smtplib

from hypothesis import given
from hypothesis import strategies as st

from harness.wire.pop3 import Response, ResponseReader, Shape
from harness.wire.smtp import ReplyReader, dot_stuff

TEXTS = st.from_regex(rb"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)
CODES = st.from_regex(rb"[2-5][0-5][0-9]", fullmatch=True)
BODY_LINES = st.lists(
    st.lists(st.sampled_from([b".", b"a", b"\xff", b" "]), max_size=4).map(b"".join), max_size=5
)


@given(CODES, st.lists(TEXTS, min_size=1, max_size=4))
def test_replies(code: bytes, texts: list[bytes]) -> None:
    octets = b"".join(code + b"-" + text + b"\r\n" for text in texts[:-1]) + code + b" " + texts[-1] + b"\r\n"
    witness = smtplib.SMTP()
    witness.file = io.BytesIO(octets)
    (reply,) = ReplyReader().receive(octets)
    assert (reply.code, reply.text) == witness.getreply()


@given(BODY_LINES)
def test_transparency(lines: list[bytes]) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    assert dot_stuff(message) == smtplib._quote_periods(message) + b".\r\n"  # type: ignore[attr-defined]


@given(BODY_LINES)
def test_multi_line_responses(lines: list[bytes]) -> None:
    octets = b"+OK hi\r\n" + dot_stuff(b"".join(line + b"\r\n" for line in lines))
    witness = poplib.POP3.__new__(poplib.POP3)
    witness._debugging = 0  # type: ignore[attr-defined]
    witness.file = io.BytesIO(octets)
    first_line, body_lines, _ = witness._getlongresp()  # type: ignore[attr-defined]
    reader = ResponseReader()
    reader.expect(Shape.MULTI_LINE)
    (response,) = reader.receive(octets)
    assert isinstance(response, Response)
    assert (first_line, tuple(body_lines)) == (b"+OK " + response.text, response.lines)
