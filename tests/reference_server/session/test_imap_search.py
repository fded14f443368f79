"""SEARCH: every key, on a few messages that differ in everything."""

import pytest
from imap_desk import ImapPeer, log_in

from reference_server.store import Account, Store

FIRST = (
    b"From: Smith <smith@one.test>\r\nTo: a@one.test\r\nCc: c@one.test\r\nSubject: Afternoon\r\n"
    b"Date: Mon, 31 Jan 1994 23:00:00 -0800\r\n\r\nMeeting\r\n"
)
SECOND = (
    b"From: jones@one.test\r\nBcc: b@one.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"U3RyYcOfZQ==\r\n"
)
THIRD = b"X-Empty:\r\nSubject: other\r\n\r\n" + b"x" * 5000
MESSAGES = (
    (b'(\\Seen \\Flagged $Work) " 1-Feb-1994 00:30:00 +0100" ', FIRST),
    (b'(\\Answered \\Draft) "15-Mar-2001 12:00:00 +0000" ', SECOND),
    (b'(\\Deleted) "15-Mar-2001 23:59:59 -0500" ', THIRD),
)


@pytest.fixture
def peer(store: Store, alice: Account) -> ImapPeer:
    assert alice
    opened = log_in(store)
    for rest, message in MESSAGES:
        assert opened.append(message, rest=rest).startswith(b"OK")
    opened.ok(b"SELECT INBOX")
    return opened


@pytest.mark.parametrize(
    ("program", "found"),
    [
        (b"ALL", b"1 2 3"),
        (b"2:*", b"2 3"),
        (b"1,3", b"1 3"),
        (b"7:9", b""),
        (b"UID 2:100", b"2 3"),
        (b"ANSWERED", b"2"),
        (b"UNANSWERED", b"1 3"),
        (b"DELETED", b"3"),
        (b"UNDELETED", b"1 2"),
        (b"DRAFT", b"2"),
        (b"UNDRAFT", b"1 3"),
        (b"FLAGGED", b"1"),
        (b"UNFLAGGED", b"2 3"),
        (b"seen", b"1"),
        (b"UNSEEN", b"2 3"),
        (b"KEYWORD $work", b"1"),
        (b"UNKEYWORD $Work", b"2 3"),
        (b"KEYWORD $None", b""),
        (b"UNKEYWORD $None", b"1 2 3"),
        (b"NEW", b"2 3"),
        (b"OLD", b""),
        (b"RECENT", b"1 2 3"),
        (b"BEFORE 1-Feb-1994", b""),
        (b"ON 1-Feb-1994", b"1"),
        (b"SINCE 15-Mar-2001", b"2 3"),
        (b'ON "15-Mar-2001"', b"2 3"),
        (b"SENTON 31-Jan-1994", b"1"),
        (b"SENTBEFORE 1-Feb-1994", b"1"),
        (b"SENTSINCE 1-Feb-1994", b""),
        (b"LARGER 5000", b"3"),
        (b"SMALLER 1000", b"1 2"),
        (b"FROM sMITH", b"1"),
        (b"TO a@one", b"1"),
        (b"CC c@one", b"1"),
        (b"BCC b@", b"2"),
        (b"SUBJECT noon", b"1"),
        (b"HEADER X-Empty {0+}\r\n", b"3"),
        (b'HEADER subject ""', b"1 2 3"),
        (b"HEADER X-None x", b""),
        (b'TEXT ""', b"1 2 3"),
        ("SUBJECT {7+}\r\ngrüße".encode(), b"2"),
        (b"FROM one.test TEXT meeting", b"1"),
        (b"UNSEEN UID 3,1", b"3"),
        (b"BODY meeting", b"1"),
        (b"BODY noon", b""),
        (b"TEXT NOON", b"1"),
        (b'BODY ""', b"1 2 3"),
        ("CHARSET UTF-8 SUBJECT {7+}\r\ngrüße".encode(), b"2"),
        ("CHARSET UTF-8 BODY {7+}\r\nStraße".encode(), b"2"),
        (b"CHARSET utf-8 BODY strasse", b"2"),
        (b"CHARSET US-ASCII ALL", b"1 2 3"),
        (b"NOT SEEN", b"2 3"),
        (b"NOT NOT SEEN", b"1"),
        (b"OR SEEN DELETED", b"1 3"),
        (b"OR BODY meeting SUBJECT other", b"1 3"),
        (b"(UNSEEN UNDELETED)", b"2"),
        (b"UNSEEN NOT (DELETED LARGER 1000)", b"2"),
        (b"OR (SEEN FLAGGED) (NOT FROM jones DELETED)", b"1 3"),
    ],
)
def test_keys(peer: ImapPeer, program: bytes, found: bytes) -> None:
    assert peer.ok(b"SEARCH " + program) == [b"* SEARCH " + found if found else b"* SEARCH"]


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b"UNHEARD",
        b"NOT",
        b"OR SEEN",
        b"()",
        b"(SEEN",
        b"SEEN)",
        b"BEFORE 1994-02-01",
        b"LARGER x",
        b"SEEN  ALL",
        b"0",
        b"(" * 10_000,
        b"NOT " * 10_000 + b"ALL",
        b"OR ALL " * 5000 + b"ALL",
        b"RETURN (FOO) ALL",
        b"RETURN ALL",
        b"CHARSET UTF-8 SUBJECT {1+}\r\n\xff",
    ],
)
def test_garbled_programs(peer: ImapPeer, program: bytes) -> None:
    assert peer.word(b"SEARCH " + program) == b"BAD"
    assert peer.ok(b"NOOP") == []


def test_charsets(peer: ImapPeer) -> None:
    assert peer.ask(b"SEARCH CHARSET X-UNHEARD ALL")[-1].startswith(b"NO [BADCHARSET (US-ASCII UTF-8)]")


def test_uid_search(peer: ImapPeer) -> None:
    peer.ok(b"EXPUNGE")
    peer.append(FIRST)
    assert peer.ok(b"UID SEARCH FROM smith") == [b"* SEARCH 1 4"]
    assert peer.ok(b"SEARCH FROM smith") == [b"* SEARCH 1 3"]


def test_extended_results(peer: ImapPeer) -> None:
    assert peer.ok(b"SEARCH RETURN () ALL") == [b'* ESEARCH (TAG "a") ALL 1:3']
    assert peer.ok(b"UID SEARCH RETURN (MIN MAX COUNT) UNSEEN") == [
        b'* ESEARCH (TAG "a") UID MIN 2 MAX 3 COUNT 2'
    ]
    assert peer.ok(b"SEARCH RETURN (MIN ALL COUNT) KEYWORD nothing") == [b'* ESEARCH (TAG "a") COUNT 0']


def test_a_long_search_lets_others_have_a_turn(peer: ImapPeer) -> None:
    peer.ok(b"APPEND INBOX" + b" {%d+}\r\n%s" % (len(THIRD), THIRD) * 150)
    before = len(peer.effects)
    assert len(peer.ok(b"SEARCH BODY xxx")[0].split()) == 2 + 151
    assert len(peer.effects) > before + 3
