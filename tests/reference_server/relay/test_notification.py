"""The delivery status notification (RFC 3464, RFC 6522, RFC 3461 §6, RFC 6533)."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects
from reference_server.relay.mail import Addressee, Terms
from reference_server.relay.notification import Notification, Original, notification
from reference_server.relay.report import DELIVERED, Action, Report

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BOB = Report(
    Addressee(Mailbox("bob", "two.test"), orcpt="rfc822;Bobby@Old.test"),
    Action.FAILED,
    Reply(550, "5.1.1", ("no such user", "really")),
    "mx.two.test",
)
ODD = Report(Addressee(Mailbox("x y", "three.test")), Action.FAILED, Reply(451, "", ("lat\xe9r",)))
JOSE = replace(BOB, addressee=Addressee(Mailbox("jos\xe9", "two.test"), orcpt="utf-8;jos\xe9@two.test"))
RELAYED = replace(BOB, action=Action.RELAYED, reply=Reply(250, "2.1.5", ("ok",)))
DELAYED = replace(BOB, action=Action.DELAYED, reply=Reply(450, "", ("later",)), retry_until=WHEN)
TEXT = b"Subject: x\r\n\r\nbody\r\n"


def write(
    *reports: Report,
    octets: bytes = TEXT,
    terms: Terms | None = None,
    sender: str = "alice",
    faults: tuple[str, ...] = (),
) -> Notification:
    return notification(
        Original(Mailbox(sender, "one.test"), octets, WHEN, terms or Terms()),
        reports or (BOB, ODD),
        hostname="mail.one.test",
        now=WHEN,
        unique="u1",
        defects=Defects(faults),
    )


def parts(written: Notification) -> list[bytes]:
    head, *found, end = written.octets.split(b"--=_report_u1")
    assert end == b"--\r\n"
    assert b'boundary="=_report_u1"' in head
    return [part.removeprefix(b"\r\n").removesuffix(b"\r\n") for part in found]


def groups(written: Notification) -> list[list[bytes]]:
    fields = parts(written)[1].partition(b"\r\n\r\n")[2]
    return [group.split(b"\r\n") for group in fields.removesuffix(b"\r\n").split(b"\r\n\r\n")]


def test_the_header() -> None:
    header = write().octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert b"To: <alice@one.test>" in header
    assert b"Auto-Submitted: auto-replied" in header
    assert b"Content-Type: multipart/report; report-type=delivery-status;" in header
    assert header[0] == b"Date: Fri, 02 Jan 2026 03:04:05 +0000"


def test_the_status() -> None:
    written = write()
    explanation, status, returned = parts(written)
    assert b"<bob@two.test> (mx.two.test said):" in explanation
    assert status.startswith(b"Content-Type: message/delivery-status\r\n\r\n")
    per_message, first, second = groups(written)
    assert per_message == [
        b"Reporting-MTA: dns; mail.one.test",
        b"Arrival-Date: Fri, 02 Jan 2026 03:04:05 +0000",
    ]
    assert first == [
        b"Original-Recipient: rfc822;Bobby@Old.test",
        b"Final-Recipient: rfc822; bob@two.test",
        b"Action: failed",
        b"Status: 5.1.1",
        b"Remote-MTA: dns; mx.two.test",
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user really",
        b"Last-Attempt-Date: Fri, 02 Jan 2026 03:04:05 +0000",
    ]
    assert second[:3] == [
        b'Final-Recipient: rfc822; "x y"@three.test',
        b"Action: failed",
        b"Status: 5.4.7",
    ]
    assert b"Diagnostic-Code: smtp; 451 lat?r" in second
    assert returned == b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nbody\r\n"


@pytest.mark.parametrize(
    ("report", "subject", "fields"),
    [
        (DELAYED, b"Delayed mail", [b"Action: delayed", b"Status: 4.0.0"]),
        (RELAYED, b"Successful mail", [b"Action: relayed", b"Status: 2.1.5"]),
        (
            Report(BOB.addressee, Action.DELIVERED, DELIVERED),
            b"Successful mail",
            [b"Action: delivered", b"Status: 2.1.5"],
        ),
    ],
)
def test_other_actions(report: Report, subject: bytes, fields: list[bytes]) -> None:
    written = write(report)
    assert b"\r\nSubject: " + subject in written.octets
    assert groups(written)[1][2:4] == fields
    retry = b"Will-Retry-Until: Fri, 02 Jan 2026 03:04:05 +0000"
    assert (groups(written)[1][-1] == retry) == (report is DELAYED)
    # Only failures bring the text back (RFC 3461 §6.2).
    assert parts(written)[2] == b"Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"


def test_envid_is_told_as_it_was_meant() -> None:
    terms = Terms(envid="a+b = c")
    assert groups(write(terms=terms))[0][0] == b"Original-Envelope-Id: a+b = c"
    assert b"Original-Envelope-Id" not in write(terms=terms, faults=("dsn-envid-dropped",)).octets


def test_what_comes_back_is_what_ret_asks_for() -> None:
    headers = b"Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"
    assert parts(write(terms=Terms(ret="HDRS")))[2] == headers
    long = TEXT + b"x\r\n" * 40_000
    assert parts(write(octets=long))[2] == headers
    assert parts(write(octets=long, terms=Terms(ret="FULL")))[2].endswith(long)
    assert parts(write(terms=Terms(ret="FULL"), faults=("dsn-ret-ignored",)))[2] == headers


def test_8_bit_text_comes_back_as_its_header_or_encoded() -> None:
    octets = b"Subject: \xe9\r\n\r\n\xff\r\n"
    written = write(octets=octets)
    assert written.octets.isascii()
    assert parts(written)[2] == b"Content-Type: text/rfc822-headers\r\n\r\nSubject: ?\r\n"
    head, _, body = parts(write(octets=octets, terms=Terms(ret="FULL")))[2].partition(b"\r\n\r\n")
    assert head == b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64"
    assert base64.b64decode(body) == octets


@pytest.mark.parametrize("octets", [b"x\nx\r\n", b"x\rx\r\n", b"\0\r\n", b"x" * 999 + b"\r\n"])
def test_binary_text_never_comes_back_as_lines(octets: bytes) -> None:
    octets = b"Subject: x\r\n\r\n" + octets
    assert parts(write(octets=octets))[2] == b"Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"


def test_internationalised_mail() -> None:
    terms = Terms("8BITMIME", smtputf8=True)
    written = write(JOSE, octets="Subject: é\r\n\r\nx\r\n".encode(), terms=terms)
    assert written.octets.isascii()
    assert written.terms == Terms()
    assert b"report-type=global-delivery-status" in written.octets
    head, _, body = parts(written)[1].partition(b"\r\n\r\n")
    assert head == b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: base64"
    status = base64.b64decode(body).decode()
    assert "Original-Recipient: utf-8;josé@two.test\r\nFinal-Recipient: utf-8; josé@two.test\r\n" in status
    head, _, body = parts(written)[2].partition(b"\r\n\r\n")
    assert head.startswith(b"Content-Type: message/global-headers")
    assert base64.b64decode(body).decode() == "Subject: é\r\n"


def test_a_sender_outside_ascii_needs_smtputf8() -> None:
    assert write(sender="jos\xe9").terms == Terms("8BITMIME", smtputf8=True)


def test_lines_stay_short() -> None:
    long = replace(BOB, reply=Reply(550, "", ("w" * 5000,)))
    assert max(len(line) for line in write(long).octets.split(b"\r\n")) < 998
