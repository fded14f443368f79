"""Greeting, login, TLS, limits and the end of sessions."""

import hmac
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac, sha256

import pytest
from imap_desk import MESSAGE, ImapPeer, log_in, select

from reference_server.session.base import StartTls, VerifyPassword
from reference_server.session.imap.settings import ImapSettings
from reference_server.store import Account, Store

pytestmark = pytest.mark.usefixtures("alice")


def test_greeting_and_capabilities(store: Store) -> None:
    peer = ImapPeer(store)
    assert peer.greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
    (line,) = peer.ok(b"CAPABILITY")
    words = line.split()
    assert words[:3] == [b"*", b"CAPABILITY", b"IMAP4rev1"]
    assert b"AUTH=PLAIN" in words
    assert b"STARTTLS" not in words
    assert b"LOGINDISABLED" not in words
    (line,) = ImapPeer(store, secure=False).ok(b"capability")
    words = line.split()
    assert b"LOGINDISABLED" in words
    assert b"STARTTLS" in words
    assert not any(word.startswith(b"AUTH=") for word in words)
    (line,) = log_in(store).ok(b"CAPABILITY")
    assert {b"UIDPLUS", b"MOVE", b"IDLE"} <= set(line.split())


def test_passwords_need_tls(store: Store) -> None:
    peer = ImapPeer(store, secure=False)
    assert peer.word(b'LOGIN alice "correct horse"') == b"NO [PRIVACYREQUIRED]"
    assert peer.word(b"AUTHENTICATE PLAIN AGFsaWNlAHg=") == b"NO [PRIVACYREQUIRED]"
    allowed = ImapPeer(store, ImapSettings(clear_logins=True), secure=False)
    allowed.ok(b'LOGIN alice@one.test "correct horse"')


def test_login(store: Store) -> None:
    peer = ImapPeer(store)
    assert peer.word(b"LOGIN alice wrong") == b"NO [AUTHENTICATIONFAILED]"
    assert peer.word(b"LOGIN nobody wrong") == b"NO [AUTHENTICATIONFAILED]"
    assert peer.word(b"LOGIN {1+}\r\n\xff x") == b"NO [AUTHENTICATIONFAILED]"
    assert peer.send(b"b LOGIN {5}\r\n") == b"+ Ready for literal data\r\n"
    assert peer.send(b"alice {13}\r\n") == b"+ Ready for literal data\r\n"
    assert peer.send(b"correct horse\r\n").startswith(b"b OK [CAPABILITY ")
    assert peer.word(b"LOGIN alice x") == b"BAD"


def test_failed_logins_end_the_session(store: Store) -> None:
    peer = ImapPeer(store, ImapSettings(max_failed_logins=2))
    peer.ask(b"LOGIN alice wrong")
    lines = peer.ask(b"LOGIN alice wrong")
    assert lines[0].startswith(b"* BYE")
    assert peer.ended


def test_authenticate_plain(store: Store) -> None:
    peer = ImapPeer(store)
    right = b64encode(b"\0alice\0correct horse")
    assert peer.send(b"a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert peer.send(b"*\r\n").startswith(b"a BAD")
    assert peer.send(b"a AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
    assert peer.send(b"not base64\r\n").startswith(b"a BAD")
    assert peer.word(b"AUTHENTICATE PLAIN " + b64encode(b"\0alice\0wrong")) == b"NO [AUTHENTICATIONFAILED]"
    assert peer.word(b"AUTHENTICATE PLAIN =") == b"BAD"
    assert peer.word(b"AUTHENTICATE UNHEARD-OF") == b"NO"
    assert peer.word(b"AUTHENTICATE PLAIN " + right) == b"OK [CAPABILITY"


def test_authenticate_login(store: Store) -> None:
    peer = ImapPeer(store)
    assert peer.send(b"a AUTHENTICATE LOGIN\r\n") == b"+ " + b64encode(b"Username:") + b"\r\n"
    assert peer.send(b64encode(b"alice") + b"\r\n") == b"+ " + b64encode(b"Password:") + b"\r\n"
    assert peer.send(b64encode(b"correct horse") + b"\r\n").startswith(b"a OK [CAPABILITY")


@pytest.mark.parametrize("password", [b"correct horse", b"wrong"])
def test_authenticate_scram(store: Store, password: bytes) -> None:
    peer = ImapPeer(store)
    bare = b"n=alice,r=abc"
    said = peer.send(b"a AUTHENTICATE SCRAM-SHA-256 " + b64encode(b"n,," + bare) + b"\r\n")
    server_first = b64decode(said.removeprefix(b"+ "))
    nonce, salt, count = (word[2:] for word in server_first.split(b","))
    salted = pbkdf2_hmac("sha256", password, b64decode(salt), int(count))
    key = hmac.digest(salted, b"Client Key", "sha256")
    unproven = b"c=biws,r=" + nonce
    signed = hmac.digest(sha256(key).digest(), b",".join((bare, server_first, unproven)), "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signed, strict=True))
    said = peer.send(b64encode(unproven + b",p=" + b64encode(proof)) + b"\r\n")
    if password == b"wrong":
        assert said.startswith(b"a NO [AUTHENTICATIONFAILED]")
    else:
        assert b64decode(said.removeprefix(b"+ ")).startswith(b"v=")
        assert peer.send(b"\r\n").startswith(b"a OK [CAPABILITY")


def test_starttls_forgets_what_came_in_clear(store: Store) -> None:
    peer = ImapPeer(store, secure=False)
    said = peer.send(b'a STARTTLS\r\nb LOGIN alice "correct horse"\r\n')
    assert said.startswith(b"a OK")
    assert said.count(b"\r\n") == 1
    assert any(isinstance(effect, StartTls) for effect in peer.effects)
    assert peer.word(b"STARTTLS") == b"BAD"
    peer.ok(b'LOGIN alice "correct horse"')


def test_a_failed_handshake_ends_the_session(store: Store) -> None:
    peer = ImapPeer(store, secure=False)
    peer.tls_succeeds = False
    peer.send(b"a STARTTLS\r\n")
    assert peer.ended


def test_logout_says_bye(store: Store) -> None:
    peer = log_in(store)
    assert peer.send(b"xYz LOGOUT\r\nb NOOP\r\n") == b"* BYE Logging out\r\nxYz OK LOGOUT completed\r\n"
    assert peer.ended


@pytest.mark.parametrize(
    "command",
    [
        b"SELECT INBOX",
        b"FETCH 1 FLAGS",
        b"NAMESPACE",
        b"IDLE",
        b"UNHEARD",
        b"UID",
        b"UID NOOP",
        b"NOOP x",
        b"",
    ],
)
def test_what_is_not_legal_before_login(store: Store, command: bytes) -> None:
    assert ImapPeer(store).word(command) == b"BAD"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"\r\n", b"* BAD"),
        (b" NOOP\r\n", b"* BAD"),
        (b"a+b NOOP\r\n", b"* BAD"),
        (b"a\r\n", b"a BAD"),
        (b"a  NOOP\r\n", b"a BAD"),
        (b"a NOOP \r\n", b"a BAD"),
        (b"a NOOP\n", b"a BAD"),
        (b"\x16\x03\x01\x02\n", b"* BAD"),
        (b"a LOGIN {-1}\r\n", b"a BAD"),
        (b"a LOGIN {99999999999999999999}\r\n", b"a BAD [TOOBIG]"),
        (b"a LOGIN {4294967295}\r\n", b"a NO [TOOBIG]"),
        (b"a NOOP " + b"(" * 4000 + b"\r\n", b"a BAD"),
        (b"a NOOP " + b"x" * 9000 + b"\r\n", b"a BAD [TOOBIG]"),
    ],
)
def test_garbled_commands_are_bad_and_the_session_goes_on(store: Store, line: bytes, answer: bytes) -> None:
    peer = ImapPeer(store)
    assert peer.send(line).startswith(answer + b" ")
    assert peer.ok(b"NOOP") == []


def test_too_many_bad_commands_end_the_session(store: Store) -> None:
    peer = ImapPeer(store, ImapSettings(max_bad_commands=3))
    peer.send(b"x\r\nx\r\na NOOP\r\nx\r\nx\r\n")
    assert not peer.ended
    assert b"* BYE" in peer.send(b"x\r\n")
    assert peer.ended


def test_lines_after_login_may_be_longer(store: Store) -> None:
    peer = select(store, messages=1)
    assert peer.ok(b"FETCH 1" + b",1" * 20_000 + b" UID") == [b"* 1 FETCH (UID 1)"]
    assert peer.word(b"FETCH 1" + b",1" * 40_000 + b" UID") == b"BAD [TOOBIG]"


def test_time_outs_and_shutdown(store: Store) -> None:
    peer = ImapPeer(store)
    assert peer.waiting is not None
    assert peer.waiting.timeout_s >= 60
    assert peer.time_out().startswith(b"* BYE")
    peer = log_in(store)
    assert peer.waiting is not None
    assert peer.waiting.timeout_s >= 1800
    assert peer.shut_down().startswith(b"* BYE")
    peer = select(store)
    assert peer.end() == b""
    assert peer.ended


def test_a_session_that_is_cut_leaves_its_mailbox(store: Store, alice: Account) -> None:
    peer = select(store)
    mailbox = store.mailbox(alice.account_id, "INBOX")
    assert mailbox is not None
    assert len(mailbox.views) == 1
    peer.cut()
    assert not mailbox.views


def test_a_store_that_fails_is_a_no(store: Store) -> None:
    peer = select(store, messages=1)
    peer.commit_fails = True
    assert peer.append(MESSAGE).startswith(b"NO [UNAVAILABLE]")
    assert peer.word(b"STORE 1 +FLAGS (\\Seen)") == b"NO [UNAVAILABLE]"
    peer.commit_fails = False
    assert peer.ok(b"FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS (\\Recent))"]


def test_many_pipelined_commands_let_others_have_a_turn(store: Store) -> None:
    peer = log_in(store)
    before = len(peer.effects)
    said = peer.send(b"a NOOP\r\n" * 1000)
    assert said.count(b"a OK") == 1000
    assert len(peer.effects) > before + 4


def test_id_enable_namespace(store: Store) -> None:
    peer = log_in(store)
    assert peer.ok(b'ID ("name" "x" "version" NIL)')[0].startswith(b"* ID (")
    assert peer.ok(b"ID NIL")[0].startswith(b"* ID (")
    for wrong in (
        b"ID",
        b"ID x",
        b'ID ("a")',
        b'ID ("a" "b"',
        b'ID ("a" "b"  "c" "d")',
        b"ID (" + b'"a" "b" ' * 40,
    ):
        assert peer.word(wrong) == b"BAD"
    assert peer.ok(b"ENABLE X-UNHEARD X-OTHER") == [b"* ENABLED"]
    assert peer.ok(b"NAMESPACE") == [b'* NAMESPACE (("" "/")) NIL NIL']
    peer.ok(b"SELECT INBOX")
    assert peer.word(b"ENABLE X") == b"BAD"


@pytest.mark.parametrize("login", [b"bob", b"nobody"])
def test_a_login_that_is_denied_at_once_takes_no_less_time(store: Store, bob: Account, login: bytes) -> None:
    """Whose name is known must not show in how soon the refusal comes."""
    peer = ImapPeer(store)
    response = b64encode(b"alice\0" + login + b"\0wrong")
    assert peer.word(b"AUTHENTICATE PLAIN " + response) == b"NO [AUTHENTICATIONFAILED]"
    assert any(isinstance(effect, VerifyPassword) for effect in peer.effects)
