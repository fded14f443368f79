"""What servers do to protect themselves is recognised, named once, and not tripped over."""

import re
import time

import pytest
from scripted_server import Talk, scripted

from harness.targets import defences as module
from harness.targets.defences import Defences, NotServed, TurnedAway, is_transient
from harness.targets.file import Limits
from harness.targets.gate import Gate, TooManyConnections
from harness.targets.greylisting import greylisting
from harness.targets.target import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import ConnectFailed
from harness.vocabulary.services import Service
from harness.wire.imap import parse_greeting, parse_response
from harness.wire.pop3 import Response
from harness.wire.smtp import ReplyReader


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(module, "_PAUSES_S", (0.01, 0.02))


def pop3(text: bytes) -> Response:
    return Response(ok=False, text=text, lines=None, octets=b"-ERR %s\r\n" % text)


def smtp(talk: Talk, *, limit: int = 99, greylists: bool = False, late_s: float = 0.0) -> None:
    """Serve SMTP: no more than so many connections, strangers later, everything late."""
    if talk.beside >= limit:
        talk.say("421 4.7.0 too many connections from you")
        return
    talk.say("220 here")
    for verb, *_ in talk.words():
        time.sleep(late_s)
        match verb:
            case "EHLO":
                talk.say("250 here")
            case "RCPT" if greylists:
                talk.say("450 4.7.1 Greylisted, see http://example.test")
            case "QUIT":
                talk.say("221 bye")
                return
            case _:
                talk.say("250 OK")


def imap(talk: Talk, state: dict) -> None:
    """Serve IMAP: after a wrong password nobody gets in, or only late."""
    talk.say("* OK [CAPABILITY IMAP4rev1] here")
    for tag, command, *words in talk.words():
        match command.upper():
            case "LOGIN" if words[1].strip('"') != "right":
                state["failed"] = True
                talk.say(f"{tag} NO [AUTHENTICATIONFAILED] no")
            case "LOGIN" if state.get("failed") and state.get("locks"):
                talk.say(f"{tag} NO [AUTHENTICATIONFAILED] no")
            case "LOGIN" if talk.beside >= state.get("limit", 99):
                talk.say(f"{tag} NO [LIMIT] too many connections of this user")
            case "LOGIN" if state.get("failed"):
                time.sleep(0.05)
                talk.say(f"{tag} OK in at last")
            case "LOGOUT":
                talk.say("* BYE")
                talk.say(f"{tag} OK bye")
                return
            case _:
                talk.say(f"{tag} OK done")


@pytest.mark.parametrize(
    ("answer", "transient"),
    [
        (ReplyReader().receive(b"421 4.7.0 too many\r\n")[0], True),
        (ReplyReader().receive(b"454 4.7.0 later\r\n")[0], True),
        (ReplyReader().receive(b"554 5.7.1 never\r\n")[0], False),
        (parse_greeting(b"* BYE too many connections\r\n"), True),
        (parse_response(b"a1 NO [LIMIT] too many\r\n"), True),
        (parse_response(b"a1 NO [UNAVAILABLE] later\r\n"), True),
        (parse_response(b"a1 NO [AUTHENTICATIONFAILED] wrong\r\n"), False),
        (parse_response(b"a1 NO no\r\n"), False),
        (pop3(b"[LOGIN-DELAY] later"), True),
        (pop3(b"[SYS/TEMP] later"), True),
        (pop3(b"[AUTH] wrong"), False),
        (pop3(b"[IN-USE] locked"), False),
    ],
)
def test_refusals_of_the_moment_are_told_from_others(answer, transient):
    assert is_transient(answer) is transient


def test_idle_connections_are_closed_where_a_limit_is_met_and_it_is_kept_from_then_on():
    gate = Gate(Limits())
    idle = ["a", "b"]
    refusals = iter([TurnedAway("421 too many"), TurnedAway("421 too many")])

    def release() -> bool:
        if idle:
            idle.pop()
            gate.leave()
            return True
        return False

    def connect() -> str:
        for refusal in refusals:
            raise refusal
        return "in"

    for _ in range(4):
        gate.enter(release)
    defences = Defences(gate, release)
    assert defences.admitted(Service.SMTP, connect) == "in"
    (remark,) = defences.remarks()
    assert remark.startswith("smtp takes no more than 4 connections at once: 421 too many")
    assert "limits.max_connections = 4" in remark
    assert defences.remarks() == ()
    gate.enter(release)
    gate.enter(release)
    with pytest.raises(TooManyConnections, match=r"more than 4 connections .* seen to take no more"):
        gate.enter(release)


def test_a_limit_that_stays_is_named_with_its_mend():
    with scripted(Service.SMTP, lambda talk: smtp(talk, limit=1)) as file, Target(file) as target:
        with target.smtp():
            named = re.escape("while 1 of our connections were open; limits.max_connections = 1 ")
            with pytest.raises(TurnedAway, match=rf"421 4\.7\.0 too many.*{named}"):
                target.smtp()
        with target.smtp() as client:
            assert client.noop().code == 250


def test_a_connection_that_is_turned_away_for_a_moment_is_tried_again():
    with (
        scripted(Service.SMTP, lambda talk: smtp(talk, limit=0 if talk.number == 1 else 99)) as file,
        Target(file) as target,
    ):
        with target.smtp() as client:
            assert client.noop().code == 250
        (remark,) = target.remarks()
        assert remark.startswith("smtp turned us away for a moment: ")


def test_a_refusal_that_a_refutation_makes_is_not_asked_again():
    accepted = []

    def talk(talk: Talk) -> None:
        accepted.append(talk.number)
        smtp(talk)

    with (
        scripted(Service.SMTP, talk) as file,
        Target(file) as target,
        target.with_refutation(Rewrite.from_server(rb"^220 ", b"421 ")),
        pytest.raises(TurnedAway),
    ):
        target.smtp()
    assert accepted == [1]


def test_a_limit_of_sessions_of_a_user_is_met_at_login():
    state = {"limit": 1}
    with scripted(Service.IMAP, lambda talk: imap(talk, state)) as file, Target(file) as target:
        account = target.accounts[0]
        with target.imap(account), pytest.raises(TurnedAway, match=r"NO \[LIMIT\].*max_connections = 1"):
            target.imap(account)


def test_an_account_that_is_locked_after_wrong_passwords_is_not_called_misconfigured():
    state = {"locks": True}
    with scripted(Service.IMAP, lambda talk: imap(talk, state)) as file, Target(file) as target:
        account = target.accounts[0]
        with target.imap(account):
            pass
        assert target.may_fail_login()
        with target.imap() as client:
            assert not client.login(account.login, "wrong").ok
        with pytest.raises(NotServed, match="accepted before 1 wrong password were tried") as refusal:
            target.imap(account)
        assert "limits.failed_logins = 0" in str(refusal.value)
        (remark,) = target.remarks()
        assert "the server locks out who tries them" in remark
        assert not target.may_fail_login(), "it would do more harm"
        with pytest.raises(NotServed, match="is the password in the target file's"):
            target.imap(target.accounts[1])


def test_logins_that_are_delayed_after_wrong_passwords_are_waited_for_and_named(monkeypatch):
    monkeypatch.setattr(module, "_SLOW_LOGIN_S", 0.04)
    state: dict = {}
    with (
        scripted(Service.IMAP, lambda talk: imap(talk, state), reply_timeout_s=0.03) as file,
        Target(file) as target,
    ):
        account = target.accounts[0]
        assert target.may_fail_login()
        with target.imap() as client:
            assert not client.login(account.login, "wrong").ok
        with target.imap(account):
            pass
        (remark,) = target.remarks()
        assert re.match(r"a login took 0\.\d s after 1 wrong password: the server slows logins down", remark)


def test_a_server_that_bans_addresses_after_wrong_passwords_is_explained():
    with scripted(Service.SMTP, smtp) as file, Target(file) as target:
        assert target.may_fail_login()
    with pytest.raises(ConnectFailed, match="1 wrong password had been tried: where the server bans"):
        target.smtp()


def test_greylisting_is_told_by_an_ordinary_recipient():
    with scripted(Service.SMTP, lambda talk: smtp(talk, greylists=True)) as file, Target(file) as target:
        words = greylisting(target)
        assert words is not None
        assert words.startswith("greylisting: '450 4.7.1 Greylisted, see http://example.test' for u1@example")
        assert "whitelisted" in words
    with scripted(Service.SMTP, smtp) as file, Target(file) as target:
        assert greylisting(target) is None
    with scripted(Service.LMTP, smtp) as file, Target(file) as target:
        assert greylisting(target) is None
