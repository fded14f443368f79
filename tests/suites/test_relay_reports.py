"""The suites' reading of delivery status notifications."""

import pytest

from harness.conformance import Finding
from harness.targets import StoredMessage
from suites.relay.report import read_report, tells_of_failure, without_comments

_STATUS = (
    b"Reporting-MTA: dns; mx.example.test\r\n\r\n"
    b"Final-Recipient: rfc822; a@b.test\r\nAction: failed\r\nStatus: 5.1.1 (no such user)\r\n\r\n"
    b"Final-Recipient: RFC822;\r\n c@d.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
)


def report(
    status: bytes = _STATUS, parameters: bytes = b'report-type=delivery-status;\r\n\tboundary="b=1"'
) -> bytes:
    return (
        b"Subject: returned\r\nContent-Type: Multipart/Report; " + parameters + b"\r\n\r\npreamble\r\n"
        b"--b=1\r\n\r\nIn words.\r\n--not it\r\n\r\n--b=1  \r\nContent-Type: message/delivery-status\r\n\r\n"
        + status
        + b"\r\n--b=1\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ntext\r\n"
        + b"\r\n--b=1--\r\nepilogue\r\n"
    )


def test_parts_and_fields_are_read() -> None:
    read = read_report(StoredMessage(report()))
    assert read is not None
    assert read.report_type == b"delivery-status"
    assert [part.media_type for part in read.parts] == [
        b"text/plain",
        b"message/delivery-status",
        b"message/rfc822",
    ]
    assert read.parts[0].octets == b"In words.\r\n--not it\r\n"
    assert len(read.groups) == 3
    assert read.values("final-recipient") == [b"rfc822; a@b.test", b"RFC822; c@d.test"]
    assert [without_comments(value) for value in read.values("Status")] == [b"5.1.1", b"5.0.0"]


def test_other_messages_are_no_reports() -> None:
    assert read_report(StoredMessage(b"Subject: sorry\r\n\r\nIt did not work.\r\n")) is None


def test_a_report_needs_a_boundary() -> None:
    with pytest.raises(Finding, match="boundary"):
        read_report(StoredMessage(report(parameters=b"report-type=delivery-status")))


@pytest.mark.parametrize(
    ("octets", "fails"),
    [
        (report(), True),
        (report(_STATUS.replace(b"failed", b"Delayed (5 hours)")), False),
        (report(_STATUS.replace(b"failed", b"delayed", 1)), True),
        (report(b"nonsense"), True),
        (b"Subject: sorry\r\n\r\nIt did not work.\r\n", True),
    ],
)
def test_a_delay_is_no_failure(octets: bytes, fails: bool) -> None:
    assert tells_of_failure(StoredMessage(octets)) is fails
