"""What the suites demand of a message that comes back."""

import pytest

from harness.conformance import Finding
from suites.journeys.content import judged_fields, kept_fields, verify_intact

_SENT = b"Subject: a\r\n b\r\nX: 1\r\nX: 1\r\nBcc: <c@d.test>\r\n\r\ntext\r\n"
_TRACE = b"Return-Path: <>\r\nReceived: from a by b; date\r\n"


@pytest.mark.parametrize(
    "stored",
    [
        _SENT,
        _TRACE + _SENT,
        _TRACE + _SENT.replace(b"Bcc: <c@d.test>\r\n", b""),
        _TRACE + _SENT.replace(b"X: 1\r\nX: 1\r\n", b"X: 1\r\nX-Added: 2\r\nX: 1\r\n"),
    ],
)
def test_additions_above_are_fine(stored: bytes) -> None:
    verify_intact(_SENT, stored)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a\r\n b", b"a b"),
        (b"X: 1\r\nX: 1\r\n", b"X: 1\r\n"),
        (b"X: 1\r\nX: 1\r\n", b"X: 1\r\nx: 1\r\n"),
        (b"text\r\n", b"text\r\n\r\n"),
        (b"text\r\n", b"text"),
        (b"Subject:", b"not a field\r\nSubject:"),
    ],
)
def test_changes_are_findings(old: bytes, new: bytes) -> None:
    with pytest.raises(Finding):
        verify_intact(_SENT, _TRACE + _SENT.replace(old, new))


def test_the_last_line_may_get_its_end() -> None:
    verify_intact(b"Subject: a\r\n\r\ntext", b"Subject: a\r\n\r\ntext\r\n")


def test_order_shows() -> None:
    sent = b"A: 1\r\nB: 2\r\nBcc: x\r\n\r\n"
    assert kept_fields(sent, b"New: 0\r\nB: 2\r\nA: 1\r\n\r\n") == [b"B: 2\r\n", b"A: 1\r\n"]
    assert judged_fields(sent) == [b"A: 1\r\n", b"B: 2\r\n"]
