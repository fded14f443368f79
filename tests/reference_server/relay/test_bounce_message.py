"""The delivery status notification (RFC 3464, RFC 6522)."""

from datetime import UTC, datetime

from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.relay.bounce import Failure, bounce

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FAILURES = [
    Failure(Mailbox("bob", "two.test"), Reply(550, "5.1.1", ("no such user", "really")), "mx.two.test"),
    Failure(Mailbox("x y", "three.test"), Reply(451, "", ("lat\xe9r",)), None),
]


def written(original: bytes = b"Subject: x\r\n\r\nbody\r\n") -> bytes:
    return bounce(
        hostname="mail.one.test",
        sender=Mailbox("alice", "one.test"),
        failures=FAILURES,
        original=original,
        arrived=WHEN,
        now=WHEN,
        unique="u1",
    )


def parts(octets: bytes) -> list[bytes]:
    head, *found, end = octets.split(b"--=_report_u1")
    assert end == b"--\r\n"
    assert b'boundary="=_report_u1"' in head
    return [part.removeprefix(b"\r\n").removesuffix(b"\r\n") for part in found]


def test_the_header() -> None:
    header = written().partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert b"To: <alice@one.test>" in header
    assert b"Auto-Submitted: auto-replied" in header
    assert b"Content-Type: multipart/report; report-type=delivery-status;" in header
    assert header[0] == b"Date: Fri, 02 Jan 2026 03:04:05 +0000"


def test_the_status() -> None:
    explanation, status, returned = parts(written())
    assert b"<bob@two.test> (mx.two.test said):" in explanation
    kind, _, fields = status.partition(b"\r\n\r\n")
    assert kind == b"Content-Type: message/delivery-status"
    per_message, first, second = fields.removesuffix(b"\r\n").split(b"\r\n\r\n")
    assert per_message.startswith(b"Reporting-MTA: dns; mail.one.test\r\n")
    assert first.split(b"\r\n") == [
        b"Final-Recipient: rfc822; bob@two.test",
        b"Action: failed",
        b"Status: 5.1.1",
        b"Remote-MTA: dns; mx.two.test",
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user really",
        b"Last-Attempt-Date: Fri, 02 Jan 2026 03:04:05 +0000",
    ]
    assert b'Final-Recipient: rfc822; "x y"@three.test\r\n' in second
    assert b"Status: 5.4.7\r\n" in second
    assert b"Diagnostic-Code: smtp; 451 lat?r" in second
    assert returned == b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody\r\n"


def test_8_bit_and_long_messages_come_back_as_their_header() -> None:
    for original in (b"Subject: \xe9\r\n\r\n\xff\r\n", b"Subject: ?\r\n\r\n" + b"x\r\n" * 40_000):
        octets = written(original)
        assert octets.isascii()
        assert parts(octets)[2] == b"Content-Type: text/rfc822-headers\r\n\r\nSubject: ?\r\n"


def test_lines_stay_short() -> None:
    FAILURES.append(Failure(Mailbox("z", "two.test"), Reply(550, "", ("w" * 5000,)), None))
    try:
        assert max(len(line) for line in written().split(b"\r\n")) < 998
    finally:
        FAILURES.pop()
