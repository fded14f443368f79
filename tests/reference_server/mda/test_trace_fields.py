"""Trace fields, and what is read of a header at delivery."""

from datetime import UTC, datetime, timedelta, timezone

from reference_server.codec.smtp.path import Mailbox
from reference_server.mda.fields import (
    count_received,
    field_names,
    from_address,
    header_of,
    without_return_path,
)
from reference_server.mda.trace import date_time, received, return_path

WHEN = datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)


def written(**changes: object) -> bytes:
    given = {
        "hello_name": "client.test",
        "peer_address": "192.0.2.1",
        "hostname": "mx.example.test",
        "protocol": "ESMTP",
        "queue_id": "abc",
        "recipient": "alice@example.test",
        "when": WHEN,
    }
    return received(**{**given, **changes})  # type: ignore[arg-type]


def test_received() -> None:
    assert written() == (
        b"Received: from client.test ([192.0.2.1])\r\n\tby mx.example.test with ESMTP id abc"
        b"\r\n\tfor <alice@example.test>;\r\n\tThu, 05 Mar 2026 07:08:09 +0000\r\n"
    )
    assert b"([IPv6:2001:db8::1])" in written(peer_address="2001:db8::1")
    assert b"from client.test\r\n" in written(peer_address="unix")
    assert b"for" not in written(recipient=None)


def test_date_time_keeps_the_zone() -> None:
    there = WHEN.astimezone(timezone(timedelta(hours=-3, minutes=-30)))
    assert date_time(there) == "Thu, 05 Mar 2026 03:38:09 -0330"


def test_return_path() -> None:
    assert return_path(None) == b"Return-Path: <>\r\n"
    assert return_path(Mailbox("a b", "c.test")) == b'Return-Path: <"a b"@c.test>\r\n'


def test_hops_are_counted_in_the_header_only() -> None:
    header = b"Received: one\r\nRECEIVED : two\r\n\tReceived: folded\r\nX-Received: no\r\nreceived:three\r\n"
    assert count_received(header + b"\r\nReceived: body\r\n") == 3
    assert count_received(header) == 3
    assert count_received(b"\r\nReceived: body\r\n") == 0
    assert count_received(b"Subject: Received\r\n\r\n") == 0


def test_field_names() -> None:
    assert field_names(b"Date: x\r\nMESSAGE-ID: y\r\n folded: z\r\n\r\nbody: w\r\n") == {
        b"date",
        b"message-id",
    }
    assert header_of(b"a: b\r\n\r\nbody") == b"a: b\r\n"
    assert header_of(b"\r\nbody") == b""


def test_a_return_path_that_came_along_goes() -> None:
    text = b"Return-Path: <a@b.test>\r\nSubject: x\r\nreturn-path:\r\n <c@d.test>\r\nX: y\r\n\r\n"
    text += b"Return-Path: text\r\n"
    assert without_return_path(text) == b"Subject: x\r\nX: y\r\n\r\nReturn-Path: text\r\n"
    assert without_return_path(b"\r\nReturn-Path: text\r\n") == b"\r\nReturn-Path: text\r\n"


def test_from_address() -> None:
    assert from_address(b"From: A <a@b.test>\r\n\r\n") == Mailbox("a", "b.test")
    assert from_address(b"From: <nonsense>\r\n\r\n") is None
    assert from_address(b"Subject: x\r\n\r\nFrom: <a@b.test>\r\n") is None
