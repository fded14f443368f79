"""What goes to a hop, and what cannot: DSN, 8BITMIME, BINARYMIME, SMTPUTF8, SIZE, LIMITS."""

import pytest
from driver import Driver

from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.relay.capability import (
    mail_command,
    number_limit,
    rcpt_command,
    requirements,
    too_large,
)
from reference_server.relay.dialogue import OutgoingSession, OutgoingSettings
from reference_server.relay.mail import Addressee, OutgoingMail, Terms
from reference_server.session.base import Peer

BOB = Addressee(Mailbox("bob", "two.test"), frozenset({"SUCCESS", "DELAY"}), "rfc822;Bob+x@one.test")
JOSE = Addressee(Mailbox("jos\xe9", "two.test"), None, "utf-8;jos\xe9 x@one.test")
ALICE = Mailbox("alice", "one.test")
ASCII, EIGHT, HEADER = (
    b"Subject: x\r\n\r\nx\r\n",
    b"Subject: x\r\n\r\n\xff\r\n",
    "Subject: é\r\n\r\n".encode(),
)
PART = b'Subject: x\r\n\r\n--b\r\nContent-Disposition: attachment; filename="\xc3\xa9"\r\n\r\nx\r\n--b--\r\n'
ASKED = Terms(ret="HDRS", envid="a+b")
UTF8 = Terms("8BITMIME", smtputf8=True)
BINARY = Terms("BINARYMIME")
Codes = dict[int, tuple[int, str]]


def said(
    *recipients: Addressee,
    keywords: str = "",
    octets: bytes = ASCII,
    terms: Terms | None = None,
    sender: Mailbox | None = ALICE,
    faults: tuple[str, ...] = (),
) -> tuple[list[bytes], Codes]:
    """Return the commands to a hop with these keywords, and whom it cannot have."""
    offers = dict.fromkeys(keywords.split(), "")
    mail = OutgoingMail(sender, recipients or (BOB,), octets, terms or Terms())
    needs = requirements(mail, offers, Defects(faults))
    commands = [mail_command(mail, offers, needs, Defects(faults))]
    commands += [
        rcpt_command(one, offers, needs, Defects(faults))
        for number, one in enumerate(mail.recipients)
        if number not in needs.impossible
    ]
    return commands, {number: (one.code, one.enhanced) for number, one in needs.impossible.items()}


def test_what_the_sender_wants_to_hear_is_passed_on() -> None:
    mail, rcpt = said(terms=ASKED, keywords="DSN")[0]
    assert mail == b"MAIL FROM:<alice@one.test> RET=HDRS ENVID=a+2Bb"
    assert rcpt == b"RCPT TO:<bob@two.test> NOTIFY=DELAY,SUCCESS ORCPT=rfc822;Bob+2Bx@one.test"


@pytest.mark.parametrize("keywords", ["", "DSN"])
def test_nothing_is_passed_on_that_was_not_asked_or_is_not_known(keywords: str) -> None:
    plain = Addressee(BOB.mailbox)
    one, terms = (plain, None) if keywords else (BOB, ASKED)
    assert said(one, terms=terms, keywords=keywords)[0] == [
        b"MAIL FROM:<alice@one.test>",
        b"RCPT TO:<bob@two.test>",
    ]


def test_defects_of_passing_on() -> None:
    plain = said(Addressee(BOB.mailbox))[0]
    assert said(terms=ASKED, keywords="DSN", faults=("relay-dsn-not-passed-on",))[0] == plain
    assert b" NOTIFY=" in said(terms=ASKED, faults=("relay-dsn-to-any-hop",))[0][1]


@pytest.mark.parametrize(
    ("octets", "terms", "keywords", "body"),
    [
        (ASCII, None, "8BITMIME", b""),
        (EIGHT, None, "8BITMIME", b" BODY=8BITMIME"),
        (ASCII, BINARY, "BINARYMIME CHUNKING 8BITMIME", b" BODY=BINARYMIME"),
    ],
)
def test_the_body(octets: bytes, terms: Terms | None, keywords: str, body: bytes) -> None:
    (mail, _), impossible = said(octets=octets, terms=terms, keywords=keywords)
    assert mail == b"MAIL FROM:<alice@one.test>" + body
    assert impossible == {}


@pytest.mark.parametrize(
    ("octets", "terms", "keywords"),
    [(EIGHT, None, ""), (ASCII, BINARY, "8BITMIME CHUNKING"), (ASCII, BINARY, "BINARYMIME")],
)
def test_a_body_that_a_hop_cannot_take(octets: bytes, terms: Terms | None, keywords: str) -> None:
    assert said(octets=octets, terms=terms, keywords=keywords)[1] == {0: (554, "5.6.3")}


def test_internationalised_mail() -> None:
    mail, rcpt = said(JOSE, octets=HEADER, terms=UTF8, keywords="SMTPUTF8 8BITMIME DSN")[0]
    assert mail == b"MAIL FROM:<alice@one.test> BODY=8BITMIME SMTPUTF8"
    assert rcpt == "RCPT TO:<josé@two.test> ORCPT=utf-8;josé\\x{20}x@one.test".encode()


def test_mail_that_is_ascii_throughout_asks_for_nothing() -> None:
    (mail, rcpt), impossible = said(Addressee(BOB.mailbox), terms=UTF8, keywords="SMTPUTF8")
    assert (mail, rcpt) == (b"MAIL FROM:<alice@one.test>", b"RCPT TO:<bob@two.test>")
    assert impossible == {}
    assert said(terms=UTF8)[1] == {}


@pytest.mark.parametrize("octets", [HEADER, PART])
def test_a_header_outside_ascii_needs_smtputf8(octets: bytes) -> None:
    assert said(octets=octets, terms=UTF8, keywords="8BITMIME")[1] == {0: (550, "5.6.9")}


def test_only_those_whose_address_needs_it_come_back() -> None:
    (_, rcpt), impossible = said(BOB, JOSE, terms=UTF8, keywords="8BITMIME")
    assert rcpt.startswith(b"RCPT TO:<bob@two.test>")
    assert impossible == {1: (553, "5.6.7")}
    everybody = said(BOB, JOSE, terms=UTF8, sender=JOSE.mailbox, keywords="8BITMIME")[1]
    assert everybody.keys() == {0, 1}


def test_defects_of_taking_anything_anywhere() -> None:
    assert said(octets=EIGHT, faults=("relay-8bit-to-any-hop",))[1] == {}
    assert said(terms=BINARY, faults=("relay-binary-to-any-hop",))[1] == {}
    assert said(JOSE, terms=UTF8, faults=("relay-utf8-to-any-hop",))[1] == {}


@pytest.mark.parametrize(
    ("limits", "number"),
    [("RCPTMAX=7", 7), ("MAILMAX=3 rcptmax=9", 9), ("RCPTMAX=0", None), ("RCPTMAX", None), ("", None)],
)
def test_limits(limits: str, number: int | None) -> None:
    assert number_limit({"LIMITS": limits}, "RCPTMAX") == number


@pytest.mark.parametrize(("size", "is_refused"), [("16", True), ("17", False), ("0", False), ("", False)])
def test_size(size: str, is_refused: bool) -> None:
    mail = OutgoingMail(None, (BOB,), ASCII)
    assert len(ASCII) == 17
    assert (too_large(mail, {"SIZE": size}) is not None) == is_refused


def test_binary_text_goes_in_a_chunk_as_it_is() -> None:
    text = b"Subject: x\r\n\r\n\0\r.\n."
    session = OutgoingSession(
        Peer("192.0.2.1", 25, secure=False),
        mail=OutgoingMail(None, (Addressee(BOB.mailbox),), text, BINARY),
        settings=OutgoingSettings("mail.one.test"),
        defects=Defects(),
    )
    hop = Driver(session, None)  # type: ignore[arg-type]
    hop.send(b"220 mx\r\n")
    assert hop.send(b"250-mx\r\n250-CHUNKING\r\n250 BINARYMIME\r\n") == b"MAIL FROM:<> BODY=BINARYMIME\r\n"
    hop.send(b"250 ok\r\n")
    assert hop.send(b"250 ok\r\n") == b"BDAT %d LAST\r\n" % len(text) + text
    assert hop.send(b"250 taken\r\n") == b"QUIT\r\n"
    assert session.outcome.replies[0].code == 250
