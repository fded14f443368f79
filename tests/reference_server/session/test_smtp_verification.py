"""VRFY, EXPN and HELP: what is told, and to whom (RFC 5321 §3.5, §4.1.1.8, §7.3)."""

import base64

import pytest
from smtp_bench import Bench, greeted

from reference_server.codec.smtp.path import Mailbox
from reference_server.session.smtp.desk import Role


def telling(role: Role = Role.MX) -> Bench:
    peer = greeted(role, tells_strangers=True)
    peer.desk.lists = {
        "team": (Mailbox("alice", "example.test"), Mailbox("x", "elsewhere.test")),
        "intl": (Mailbox("jos\u00e9", "example.test"),),
    }
    return peer


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"VRFY alice", b"250 2.1.5 <alice@example.test>\r\n"),
        (b"VRFY Alice@Example.Test", b"250 2.1.5 <Alice@Example.Test>\r\n"),
        (b"vrfy <alice@example.test>", b"250 2.1.5 <alice@example.test>\r\n"),
        (b'VRFY "alice"@example.test', b"250 2.1.5 <alice@example.test>\r\n"),
        (b'VRFY "alice"', b"250 2.1.5 <alice@example.test>\r\n"),
        (b"VRFY alice SMTPUTF8", b"250 2.1.5 <alice@example.test>\r\n"),
        (b"VRFY postmaster", b"250 2.1.5 <postmaster@example.test>\r\n"),
        (b"VRFY PostMaster", b"250 2.1.5 <PostMaster@example.test>\r\n"),
    ],
)
def test_vrfy_gives_the_mailbox(line: bytes, said: bytes) -> None:
    assert telling().send(line) == said


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"VRFY nobody", 550),
        (b"VRFY nobody@example.test", 550),
        (b"VRFY x@elsewhere.test", 550),
        (b"VRFY a@@b", 550),
        (b"VRFY", 501),
        (b"VRFY <>", 501),
        (b"VRFY alice SMTPUTF8=yes", 501),
        (b"EXPN team SMTPUTF8=", 501),
        (b"VRFY \xff", 501),
        ("VRFY alice+\u00e9@example.test".encode(), 252),
        (b"EXPN", 501),
        (b"EXPN nobody", 550),
        (b"EXPN intl", 550),
        (b"HELP nonsense", 504),
        (b"HELP LHLO", 504),
        (b"TURN", 502),
        (b"SEND FROM:<a@b.test>", 502),
        (b"SOML FROM:<a@b.test>", 502),
        (b"SAML FROM:<a@b.test>", 502),
    ],
)
def test_what_is_not_told(line: bytes, code: int) -> None:
    assert telling().codes(line) == [code]


def test_utf_8_is_shown_to_who_asked_for_it() -> None:
    """RFC 6531 §3.7.4.2."""
    peer = telling()
    line = "VRFY alice+\u00e9@example.test".encode()
    assert peer.send(line).startswith(b"252 2.6.8 ")
    assert peer.send(line + b" SMTPUTF8") == "250 2.1.5 <alice+\u00e9@example.test>\r\n".encode()
    assert peer.send(b"EXPN intl").startswith(b"550 5.6.8 ")
    assert peer.send(b"EXPN intl smtputf8") == "250 2.1.5 <jos\u00e9@example.test>\r\n".encode()


def test_an_ambiguous_name() -> None:
    """RFC 5321 §3.5.1: 553, with the alternatives."""
    assert telling().send(b"VRFY bob") == (
        b"553-5.1.4 User ambiguous; possibilities are\r\n"
        b"553-5.1.4 <bob@example.test>\r\n"
        b"553 5.1.4 <bob@other.test>\r\n"
    )


def test_expn_gives_one_mailbox_on_each_line() -> None:
    said = b"250-2.1.5 <alice@example.test>\r\n250 2.1.5 <x@elsewhere.test>\r\n"
    assert telling().send(b"EXPN team") == said
    assert telling(Role.LMTP).send(b"EXPN <team@example.test>") == said
    assert b"EXPN" in telling().send(b"EHLO client.test")


@pytest.mark.parametrize("role", [Role.MX, Role.SUBMISSION])
def test_strangers_learn_nothing(role: Role) -> None:
    peer = greeted(role, secure=True)
    answers = {peer.send(b"VRFY " + name) for name in (b"alice", b"nobody", b"bob", b"a@@b", b"x@else.test")}
    assert len(answers) == 1
    assert answers.pop().startswith(b"252 ")
    assert peer.codes(b"EXPN team", b"EXPN nobody") == [550, 550]
    assert b"EXPN" not in peer.send(b"EHLO client.test")


def test_users_and_lmtp_clients_are_no_strangers() -> None:
    peer = greeted(Role.SUBMISSION, secure=True)
    plain = base64.b64encode(b"\0alice\0secret")
    assert peer.codes(b"AUTH PLAIN " + plain, b"VRFY nobody", b"VRFY alice", b"VRFY x@elsewhere.test") == [
        235,
        550,
        250,
        252,
    ]
    assert greeted(Role.LMTP).codes(b"VRFY alice", b"VRFY nobody") == [250, 550]


def test_help_knows_every_command() -> None:
    for role in (Role.MX, Role.LMTP):
        peer = greeted(role)
        verbs = peer.send(b"HELP").splitlines()[-1].split()[2:]
        assert {b"BDAT", b"VRFY", b"STARTTLS"} <= set(verbs)
        for verb in verbs:
            assert peer.send(b"HELP " + verb.lower()).startswith(b"214 2.0.0 " + verb)


def test_asking_changes_nothing() -> None:
    peer = telling()
    assert (
        peer.codes(b"MAIL FROM:<>", b"RCPT TO:<bob@example.test>", b"VRFY alice", b"EXPN team") == [250] * 4
    )
    assert peer.codes(b"HELP DATA", b"TURN", b"DATA") == [214, 502, 354]
