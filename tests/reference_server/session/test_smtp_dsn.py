"""The parameters of RFC 3461 in a session: taken, kept for the envelope, refused with 501."""

import pytest
from smtp_bench import Bench, bench, greeted

from reference_server.session.smtp.desk import Envelope, Role


def envelope_of(peer: Bench) -> Envelope:
    assert peer.codes(b"DATA") == [354]
    peer.send(b"text", b".")
    return peer.taken[-1].envelope


@pytest.mark.parametrize("role", [Role.MX, Role.LMTP])
def test_everything_is_kept(role: Role) -> None:
    peer = greeted(role)
    assert (
        peer.codes(
            b"MAIL FROM:<bob@remote.test> RET=hdrs ENVID=QQ+2B1 SIZE=10 BODY=8bitmime",
            b"RCPT TO:<alice@example.test> NOTIFY=success,Failure ORCPT=rfc822;Al+2BIce@Example.test",
            b"RCPT TO:<bob@example.test> NOTIFY=NEVER",
            b"RCPT TO:<postmaster>",
        )
        == [250] * 4
    )
    envelope = envelope_of(peer)
    assert (envelope.ret, envelope.envid, envelope.body) == ("HDRS", "QQ+1", "8BITMIME")
    assert [(one.notify, one.orcpt) for one in envelope.recipients] == [
        ({"SUCCESS", "FAILURE"}, "rfc822;Al+Ice@Example.test"),
        ({"NEVER"}, None),
        (None, None),
    ]


def test_nothing_asked_for_is_nothing_kept() -> None:
    peer = greeted()
    peer.send(b"MAIL FROM:<>", b"RCPT TO:<bob@example.test>")
    envelope = envelope_of(peer)
    assert (envelope.ret, envelope.envid, envelope.smtputf8) == (None, None, False)


@pytest.mark.parametrize(
    "parameter",
    [b"RET", b"RET=ALL", b"RET=FULL RET=FULL", b"ENVID", b"ENVID=a=b", b"ENVID=+0A", b"ENVID=a ENVID=a"],
)
def test_what_mail_refuses(parameter: bytes) -> None:
    peer = greeted()
    assert peer.codes(b"MAIL FROM:<> " + parameter, b"RCPT TO:<bob@example.test>") == [501, 503]


@pytest.mark.parametrize(
    "parameter",
    [
        b"NOTIFY",
        b"NOTIFY=NEVER,DELAY",
        b"NOTIFY=DELAY NOTIFY=DELAY",
        b"ORCPT=bob",
        b"ORCPT=rfc822;a ORCPT=rfc822;a",
        b"ORCPT=rfc822;\xc3\xa9",
    ],
)
def test_what_rcpt_refuses(parameter: bytes) -> None:
    peer = greeted()
    assert peer.codes(b"MAIL FROM:<>", b"RCPT TO:<bob@example.test> " + parameter, b"DATA") == [250, 501, 554]


def test_orcpt_may_hold_utf_8_without_smtputf8() -> None:
    """RFC 6533 §3: wherever both extensions are offered, whether MAIL had SMTPUTF8 or not."""
    peer = greeted()
    rcpt = "RCPT TO:<bob@example.test> ORCPT=utf-8;\u00e9@example.test".encode()
    assert peer.codes(b"MAIL FROM:<>", rcpt) == [250, 250]
    assert envelope_of(peer).recipients[0].orcpt == "utf-8;\u00e9@example.test"


def test_the_answer_depends_on_the_address_alone() -> None:
    """RFC 3461 §5.1 (b)."""
    peer = greeted()
    rcpt = b"RCPT TO:<nobody@example.test>"
    plain = peer.send(b"MAIL FROM:<>", rcpt)
    peer.send(b"RSET")
    assert peer.send(b"MAIL FROM:<>", rcpt + b" NOTIFY=SUCCESS ORCPT=rfc822;x") == plain


def test_without_ehlo_there_are_no_parameters() -> None:
    peer = bench()
    assert peer.codes(b"HELO client.test", b"MAIL FROM:<> RET=FULL", b"MAIL FROM:<>") == [250, 555, 250]
    assert peer.codes(b"RCPT TO:<bob@example.test> NOTIFY=NEVER") == [555]


def test_the_longest_lines() -> None:
    peer = greeted()
    assert peer.codes(
        b"MAIL FROM:<" + b"a" * 64 + b"@" + b"b" * 63 + b".test> RET=FULL ENVID=" + b"+20" * 33 + b"a",
        b"RCPT TO:<bob@example.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + b"x" * 487,
        b"RCPT TO:<bob@example.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + b"x" * 488,
        b"RCPT TO:<bob@example.test> " + b"x" * 1020,
    ) == [250, 250, 501, 500]
