"""What the strategies for messages and MIME trees promise."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.strategies import messages, mime

FIELD = re.compile(rb"[!-9;-~]+:(?: ?[^\r\n]*)(?:\r\n[ \t][^\r\n]*)*\r\n")


def check_conforming(message: bytes, *, ascii_only: bool) -> None:
    assert b"\0" not in message
    assert message.replace(b"\r\n", b"").find(b"\n") < 0
    assert message.replace(b"\r\n", b"").find(b"\r") < 0
    assert all(len(line) <= 998 for line in message.split(b"\r\n"))
    header, found, _ = message.partition(b"\r\n\r\n")
    assert found
    assert header.isascii()
    offset = 0
    while offset < len(header) + 2:
        field = FIELD.match(header + b"\r\n", offset)
        assert field is not None
        assert all(line.strip() for line in field.group().split(b"\r\n")[:-1])
        offset = field.end()
    for name in (b"from", b"date", b"message-id"):
        assert len(re.findall(rb"(?im)^" + name + rb":", header)) == 1
    if ascii_only:
        assert message.isascii()


@given(message=messages.conforming_messages())
def test_messages_conform(message: bytes) -> None:
    check_conforming(message, ascii_only=True)


@given(
    message=messages.conforming_messages(eight_bit=True, long=True) | messages.conforming_messages(utf8=True)
)
def test_messages_beyond_ascii_conform(message: bytes) -> None:
    check_conforming(message, ascii_only=False)
    assert b"\r\nContent-Transfer-Encoding: 8bit\r\n" in message


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(batch=st.lists(messages.conforming_messages(), min_size=2, max_size=4))
def test_no_message_id_comes_twice(batch: list[bytes]) -> None:
    found = [re.findall(rb"(?m)^Message-ID: (<[^>\r\n]+>)\r$", message)[0] for message in batch]
    assert len(set(found)) == len(batch)


@given(text=messages.text_lines(leading_dots=True, long=True))
def test_texts_are_whole_lines(text: bytes) -> None:
    assert text.endswith(b"\r\n")
    assert all(len(line) <= 998 for line in text.split(b"\r\n"))


@given(data=st.data(), octets=st.integers(400, 5000))
def test_sized_messages(data: st.DataObject, octets: int) -> None:
    message = data.draw(messages.sized_messages(octets))
    assert len(message) == octets
    check_conforming(message, ascii_only=True)


@pytest.mark.parametrize("kind", [b"\r\n.\r\n", b"\r\n..", b"\r\n\r\n\r\n"])
def test_the_peculiar_lines_come_up(kind: bytes) -> None:
    seen: list[bool] = []

    @settings(max_examples=200, database=None, derandomize=True)
    @given(message=messages.conforming_messages())
    def look(message: bytes) -> None:
        seen.append(kind in message)

    look()
    assert any(seen)


@given(message=mime.messages())
def test_mime_messages_conform(message: mime.MimeMessage) -> None:
    check_conforming(message.octets, ascii_only=True)
    assert message.octets == message.header + message.root.octets


@given(message=mime.messages())
def test_each_part_lies_in_the_message(message: mime.MimeMessage) -> None:
    paths = [path for path, _ in message.root.walk()]
    assert len(set(paths)) == len(paths)
    for _, part in message.root.walk():
        assert part.octets in message.octets
        if part.is_multipart:
            delimiter = b"--" + dict(part.parameters)["boundary"].encode()
            assert len(re.findall(rb"(?m)^" + re.escape(delimiter), part.octets)) == len(part.parts) + 1


@given(part=mime.text_parts() | mime.binary_parts())
def test_transfer_encodings(part: mime.MimePart) -> None:
    assert all(len(line) <= 78 for line in part.body.split(b"\r\n"))
    if part.encoding == "quoted-printable":
        joined = re.sub(rb"=\r\n", b"", part.body)
        assert (
            re.sub(rb"=([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), joined) == part.decoded
        )
    elif part.encoding == "7bit":
        assert part.body == part.decoded
