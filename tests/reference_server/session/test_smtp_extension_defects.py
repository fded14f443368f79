"""The seeded defects of the extensions: each changes what it says it changes, and nothing without it."""

import pytest
from smtp_bench import Bench, codes, greeted

from harness.vocabulary.faults import SERVER_FAULTS
from harness.vocabulary.faults.esmtp import ENTRIES
from reference_server.session.smtp.desk import Role

BOB = b"RCPT TO:<bob@example.test>\r\n"
BINARY = b"MAIL FROM:<> BODY=BINARYMIME\r\n" + BOB
UTF8 = "\u00e9".encode()

CASES = [
    ("smtp-bdat-refused-chunk-read", b"BDAT 6\r\nNOOP\r\n", [503], [503, 250]),
    (
        "smtp-data-after-bdat-354",
        b"MAIL FROM:<>\r\n" + BOB + b"BDAT 0\r\nDATA\r\n.\r\n",
        [250, 250, 250, 503, 500],
        [250, 250, 250, 354, 250],
    ),
    ("smtp-binary-by-data", BINARY + b"DATA\r\n.\r\n", [250, 250, 503, 500], [250, 250, 354, 250]),
    ("smtp-binary-line-ends", BINARY + b"BDAT 1 LAST\r\n\n", [250, 250, 250], [250, 250, 554]),
    ("smtp-dsn-unchecked", b"MAIL FROM:<> RET=X\r\n" + BOB[:-2] + b" NOTIFY=X\r\n", [501, 503], [250, 250]),
    ("smtp-notify-case", b"MAIL FROM:<>\r\n" + BOB[:-2] + b" NOTIFY=never\r\n", [250, 250], [250, 501]),
    (
        "smtp-rcpt-line-512",
        b"MAIL FROM:<>\r\n" + BOB[:-2] + b" ORCPT=rfc822;" + b"x" * 487 + b"\r\n",
        [250, 250],
        [250, 500],
    ),
    ("smtp-utf8-sender-code", b"MAIL FROM:<%b@b.test>\r\n" % UTF8, [550], [553]),
    (
        "smtp-utf8-recipient-code",
        b"MAIL FROM:<>\r\nRCPT TO:<%b@b.test>\r\n" % UTF8,
        [250, 553],
        [250, 550],
    ),
    ("smtp-utf8-in-vrfy", b"VRFY alice+%b@example.test\r\n" % UTF8, [252], [250]),
]
ELSEWHERE = {
    "smtp-bdat-unstuffed",
    "lmtp-bdat-reply-without-recipient",
    "smtp-utf8-without-8bitmime",
    "smtp-rcptmax-too-high",
}


def talk(octets: bytes, *faults: str) -> list[int]:
    return codes(greeted(tells_strangers=True, faults=faults).driver.send(octets))


@pytest.mark.parametrize(("fault", "octets", "right", "wrong"), CASES)
def test_defects_in_codes(fault: str, octets: bytes, right: list[int], wrong: list[int]) -> None:
    assert talk(octets) == right
    assert talk(octets, fault) == wrong


def test_defect_unstuffed() -> None:
    octets = b"MAIL FROM:<>\r\n" + BOB + b"BDAT 6 LAST\r\n..a\r\n."
    right, wrong = greeted(), greeted(faults=("smtp-bdat-unstuffed",))
    for peer in (right, wrong):
        assert codes(peer.driver.send(octets)) == [250] * 3
    assert (right.taken[0].text, wrong.taken[0].text) == (b"..a\r\n.", b".a\r\n")


def test_defect_reply_without_recipient() -> None:
    def last(peer: Bench) -> list[int]:
        return codes(peer.driver.send(b"MAIL FROM:<>\r\nBDAT 0 LAST\r\n"))

    assert last(greeted(Role.LMTP)) == [250]
    assert last(greeted(Role.LMTP, faults=("lmtp-bdat-reply-without-recipient",))) == [250, 503]


def test_defects_of_keywords() -> None:
    wrong = greeted(faults=("smtp-utf8-without-8bitmime", "smtp-rcptmax-too-high")).send(b"EHLO a.test")
    assert b"8BITMIME" not in wrong
    assert b"LIMITS RCPTMAX=2000\r\n" in wrong


def test_every_defect_of_the_extensions_is_tried() -> None:
    assert {entry.name for entry in ENTRIES} == {case[0] for case in CASES} | ELSEWHERE
    assert all(entry.name in SERVER_FAULTS for entry in ENTRIES)
