"""AUTH on the submission ports, and what a login changes."""

import base64

import pytest
from scram_client import proof
from smtp_bench import SALT, Bench, codes, greeted

from reference_server.session.base import VerifyPassword
from reference_server.session.smtp.desk import Role

PLAIN = base64.b64encode(b"\0alice\0secret")


def submission(**options: object) -> Bench:
    return greeted(Role.SUBMISSION, **{"secure": True, **options})


def logged_in() -> Bench:
    peer = submission()
    assert peer.codes(b"AUTH PLAIN " + PLAIN) == [235]
    return peer


def test_auth_is_offered_where_it_is_safe() -> None:
    assert b"250-AUTH PLAIN LOGIN SCRAM-SHA-256\r\n" in submission().send(b"EHLO a.test")
    assert b"AUTH" not in submission(secure=False).send(b"EHLO a.test")
    assert b"AUTH" in submission(secure=False, clear_logins=True).send(b"EHLO a.test")
    assert b"AUTH" not in logged_in().send(b"EHLO a.test")


def test_in_clear_there_is_no_login() -> None:
    peer = submission(secure=False)
    assert peer.codes(b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<>") == [538, 530]
    assert peer.codes(b"STARTTLS") == [220]
    assert peer.codes(b"EHLO a.test", b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<>") == [250, 235, 250]


def test_421_within_an_exchange() -> None:
    peer = submission()
    peer.send(b"AUTH LOGIN")
    assert peer.driver.shut_down().startswith(b"421 4.3.2 ")


def test_plain_in_two_steps() -> None:
    peer = submission()
    assert peer.send(b"AUTH plain") == b"334 \r\n"
    assert peer.send(PLAIN) == b"235 2.7.0 authentication succeeded\r\n"


def test_login() -> None:
    peer = submission()
    assert peer.send(b"AUTH LOGIN") == b"334 " + base64.b64encode(b"Username:") + b"\r\n"
    assert peer.send(base64.b64encode(b"alice@example.test")) == b"334 UGFzc3dvcmQ6\r\n"
    assert peer.codes(base64.b64encode(b"secret")) == [235]


def test_login_with_the_name_in_the_command() -> None:
    peer = submission()
    assert peer.send(b"AUTH LOGIN " + base64.b64encode(b"alice")) == b"334 UGFzc3dvcmQ6\r\n"
    assert peer.codes(base64.b64encode(b"secret")) == [235]


def scram(peer: Bench, password: str) -> bytes:
    bare = b"n=alice,r=abc"
    first = peer.send(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,," + bare))
    assert first.startswith(b"334 ")
    server_first = base64.b64decode(first[4:])
    nonce = server_first.partition(b",")[0]
    unproven = b"c=biws," + nonce
    proven = proof(password, SALT, 4096, first_bare=bare, server_first=server_first, unproven=unproven)
    return peer.send(base64.b64encode(unproven + b",p=" + proven))


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        ([b"AUTH"], [501]),
        ([b"AUTH CRAM-MD5"], [504]),
        ([b"AUTH PLAIN", b"*"], [334, 501]),
        ([b"AUTH LOGIN", b"*"], [334, 501]),
        ([b"AUTH PLAIN", b"not base64"], [334, 501]),
        ([b"AUTH PLAIN !!!"], [501]),
        ([b"AUTH PLAIN ="], [501]),
        ([b"AUTH PLAIN", b"x" * 13_000], [334, 500]),
        ([b"AUTH PLAIN", b"!" * (12_288 - 2)], [334, 501]),
        ([b"AUTH PLAIN", b"!" * (12_288 - 1)], [334, 500]),
        ([b"AUTH PLAIN " + b"!" * (12_288 - 13)], [501]),
        ([b"AUTH PLAIN " + b"!" * (12_288 - 12)], [500]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<>", b"AUTH PLAIN " + PLAIN, b"RSET"], [235, 250, 503, 250]),
        ([b"AUTH PLAIN " + base64.b64encode(b"\0alice\0wrong")], [535]),
        ([b"AUTH PLAIN " + base64.b64encode(b"\0nobody\0secret")], [535]),
        ([b"AUTH PLAIN " + base64.b64encode(b"bob\0alice\0secret")], [535]),
        ([b"AUTH PLAIN " + base64.b64encode(b"alice\0alice\0secret")], [235]),
        ([b"AUTH PLAIN " + base64.b64encode(b"alice secret")], [501]),
        ([b"MAIL FROM:<>"], [530]),
        ([b"AUTH PLAIN " + PLAIN, b"AUTH PLAIN " + PLAIN], [235, 503]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<>", b"RSET", b"MAIL FROM:<>"], [235, 250, 250, 250]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<bob@example.test>"], [235, 550]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<alice@example.test> AUTH=<>"], [235, 250]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<> AUTH=e+3Dmc2@example.com"], [235, 250]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<> AUTH=a+b"], [235, 501]),
        ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<>", b"RCPT TO:<x@elsewhere.test>"], [235, 250, 250]),
        ([b"HELO a.test", b"AUTH PLAIN " + PLAIN], [250, 503]),
    ],
)
def test_exchanges(lines: list[bytes], answers: list[int]) -> None:
    assert submission().codes(*lines) == answers


def test_scram() -> None:
    peer = submission()
    answer = scram(peer, "secret")
    assert answer.startswith(b"334 ")
    assert base64.b64decode(answer[4:]).startswith(b"v=")
    assert peer.codes(b"") == [235]
    assert codes(scram(submission(), "wrong")) == [535]


def test_the_protocol_says_who_came_how() -> None:
    peer = logged_in()
    peer.send(b"MAIL FROM:<alice@example.test>", b"RCPT TO:<bob@example.test>", b"DATA", b".")
    assert peer.taken[0].envelope.protocol == "ESMTPSA"
    assert peer.taken[0].envelope.account == "alice"


def test_a_guesser_is_cut_off() -> None:
    peer = submission(max_failed_logins=3)
    wrong = b"AUTH PLAIN " + base64.b64encode(b"\0alice\0wrong")
    assert peer.codes(wrong, wrong) == [535, 535]
    assert peer.codes(wrong) == [535, 421]
    assert peer.driver.ended


def test_a_store_that_fails_is_no_wrong_password() -> None:
    peer = submission()
    peer.driver.verify_fails = True
    assert peer.codes(b"AUTH PLAIN " + PLAIN) == [454]
    peer.driver.verify_fails = False
    assert peer.codes(b"AUTH PLAIN " + PLAIN) == [235]


@pytest.mark.parametrize("login", [b"bob", b"nobody"])
def test_a_login_that_is_denied_at_once_takes_no_less_time(login: bytes) -> None:
    """Whose name is known must not show in how soon the refusal comes."""
    peer = submission()
    response = base64.b64encode(b"alice\0" + login + b"\0wrong")
    assert peer.codes(b"AUTH PLAIN " + response) == [535]
    assert any(isinstance(effect, VerifyPassword) for effect in peer.driver.effects)
