from hypothesis import example
from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import (
    MUST,
    PROSE,
    Need,
    given,
    requirement,
    unsupported,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import PeerClosed
from harness.wire.sasl import encode_base64
from suites.rfc1939.steps import authorizing, need_failures, need_user
from suites.rfc1939.tampering import PerSend, While, answered, taken_for
from suites.rfc5034.steps import OURS, need_mechanism, offered, plain

_NO_BASE64 = ("=AAA", "AAA=BBB", "A", "A===", "====", "!!!!", "AHU\\AHA=", "AHUAcA==AHUAcA==", "AHU*cA==")
_CHALLENGE = b"+ \r\n"


def ask(peer: Pop3Client, line: str) -> bytes:
    """Send a line whose answer may be a challenge, and return the first line of the answer."""
    peer.send_raw(line.encode() + b"\r\n")
    answer = b""
    while not answer.endswith(b"\r\n"):
        octets = peer.stream.receive(peer.reply_timeout_s)
        if not octets:
            raise PeerClosed(f"{peer.peer} ended the connection while an answer was due")
        answer += octets
    return answer


def begin_plain(peer: Pop3Client) -> None:
    """Begin an exchange of PLAIN whose one message is due."""
    verify_equal("the challenge", expected=_CHALLENGE, actual=ask(peer, "AUTH PLAIN"))


@requirement(
    "rfc5034/4/success",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"AUTH [A-Z0-9-]+ ", b"-ERR"),
)
@given(mechanism=st.sampled_from(OURS))
def test_announced_mechanisms_let_users_in(target: Target, mechanism: str) -> None:
    """Each mechanism that is announced, and that we know, ends in the TRANSACTION state."""
    with target.account() as account, authorizing(target, account) as peer:
        mechanisms = offered(peer)
        if not set(OURS) & set(mechanisms):
            unsupported(f"none of {', '.join(OURS)} is announced")
        if mechanism in mechanisms:
            verify_ok(
                peer.auth(account.login, account.password or "", mechanism), f"{mechanism} is announced"
            )
            peer.stat()


@requirement(
    "rfc5034/4/initial-response",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=taken_for(rb"(AUTH [A-Z]+) [A-Za-z0-9+/=]+", rb"\1"),
)
def test_an_initial_response_may_come_with_the_command(target: Target) -> None:
    """AUTH PLAIN with its one message is answered with +OK at once."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        verify_ok(peer.command(f"AUTH PLAIN {plain(account)}"), "these are the credentials")
        peer.stat()


@requirement(
    "rfc5034/4/no-initial-response",
    level=MUST,
    needs={Need.POP3},
    refuted_by=While(rb"AUTH PLAIN\r\n", Rewrite.from_server(rb"\A\+ \r\n", b"+\r\n")),
)
def test_plain_without_initial_response_is_asked_for(target: Target) -> None:
    """AUTH PLAIN alone is answered by an empty challenge, a plus and a space, and then goes on."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        begin_plain(peer)
        verify_ok(peer.command(plain(account)), "these are the credentials")
        peer.stat()


@requirement(
    "rfc5034/4/empty-initial-response",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=taken_for(rb"(AUTH [A-Z]+) =", rb"\1"),
)
def test_an_equals_sign_is_an_empty_response(target: Target) -> None:
    """AUTH PLAIN with = has given its message, which is none of PLAIN: it is refused, not asked for."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        need_failures(target)
        verify_refused(peer.command("AUTH PLAIN ="), "an empty message has no password")


@requirement(
    "rfc5034/4/cancelled",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"\*\r\n", b"+OK"),
)
@given(mechanism=st.sampled_from(OURS))
def test_an_exchange_can_be_cancelled(target: Target, mechanism: str) -> None:
    """A single `*` ends the exchange with -ERR, and nobody is logged in."""
    with target.account() as account, authorizing(target, account) as peer:
        if mechanism not in offered(peer):
            mechanism = "PLAIN"
            need_mechanism(peer, mechanism)
        need_failures(target)
        verify_equal(
            "the beginning of a challenge", expected=b"+ ", actual=ask(peer, f"AUTH {mechanism}")[:2]
        )
        verify_refused(peer.command("*"), "the client has cancelled")
        verify_refused(peer.command("STAT"), "nobody has logged in")


@requirement(
    "rfc5034/4/not-base64",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"=AAA|AAA=|AHU|AUTH PLAIN (?!=)", b"+OK"),
)
@given(text=st.sampled_from(_NO_BASE64), initial=st.booleans())
def test_what_is_no_base64_is_refused(target: Target, text: str, initial: bool) -> None:
    """A response that is not base64, wherever it comes, is answered with -ERR."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        need_failures(target)
        if initial:
            response = peer.command(f"AUTH PLAIN {text}")
        else:
            begin_plain(peer)
            response = peer.command(text)
        verify_refused(response, f"{text} is no base64")


def _without_rubbish(octets: bytes) -> bytes:
    return octets.replace(b"!", b"").replace(b"*", b"") if len(octets) > 3 else octets


@requirement(
    "rfc5034/4/base64-alphabet",
    level=MUST,
    needs={Need.POP3},
    refuted_by=PerSend(_without_rubbish),
)
@given(rubbish=st.sampled_from(["!", "*"]), place=st.integers(1, 7), initial=st.booleans())
def test_no_character_is_ignored(target: Target, rubbish: str, place: int, initial: bool) -> None:
    """Good credentials with one character in between that is not of the alphabet are refused."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        need_failures(target)
        message = plain(account)
        message = message[:place] + rubbish + message[place:]
        if initial:
            response = peer.command(f"AUTH PLAIN {message}")
        else:
            begin_plain(peer)
            response = peer.command(message)
        verify_refused(response, f"{rubbish} is not of the base64 alphabet")


@requirement(
    "rfc5034/4/wrong-credentials",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"AUTH PLAIN", b"+OK"),
)
@given(way=st.sampled_from(["password", "user", "other user"]))
def test_wrong_credentials_are_refused(target: Target, way: str) -> None:
    """A wrong password, an unknown user, or an identity that is not one's own is refused."""
    with target.account() as account, target.account() as other, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        need_failures(target)
        message = {
            "password": f"\0{account.login}\0not {account.password}",
            "user": f"\0nobody-{target.nonce}\0{account.password}",
            "other user": f"{other.login}\0{account.login}\0{account.password}",
        }[way]
        response = peer.command(f"AUTH PLAIN {encode_base64(message.encode()).decode()}")
        verify_refused(response, "these credentials let nobody in")


@requirement(
    "rfc5034/4/unknown-mechanism",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=answered(rb"AUTH Q", b"+OK"),
)
@given(name=commands.unknown_verbs())
def test_unknown_mechanisms_are_refused(target: Target, name: bytes) -> None:
    """AUTH with the name of no mechanism is answered with -ERR, not with a challenge."""
    with authorizing(target) as peer:
        verify_refused(peer.command(b"AUTH " + name), "there is no such mechanism")


@requirement(
    "rfc5034/4/failure-forgotten",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"PASS", b"-ERR [AUTH] you have failed before"),
)
@given(failure=st.sampled_from(["credentials", "cancelled", "mechanism"]))
def test_a_failed_exchange_is_forgotten(target: Target, failure: str) -> None:
    """After an AUTH that failed, another way of logging in works as ever; or the server has hung up."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        need_user(peer)
        need_failures(target)
        match failure:
            case "credentials":
                refused = peer.command(f"AUTH PLAIN {plain(account, 'not it')}")
            case "cancelled":
                begin_plain(peer)
                refused = peer.command("*")
            case _:
                refused = peer.command("AUTH QQQ")
        verify_refused(refused)
        try:
            response = peer.login(account.login, account.password or "")
        except PeerClosed:
            unsupported("the server hangs up after a refused login, which it may (RFC 1939 §4)")
        verify_ok(response, "the client may present other credentials")


@requirement(
    "rfc5034/4/not-after-login",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"AUTH [A-Z]+\r\n", b"+OK"),
)
@given(by_auth=st.booleans())
def test_auth_is_refused_after_login(target: Target, by_auth: bool) -> None:
    """AUTH is answered with -ERR in the TRANSACTION state, which goes on."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        if by_auth:
            verify_ok(peer.command(f"AUTH PLAIN {plain(account)}"))
        else:
            need_user(peer)
            verify_ok(peer.login(account.login, account.password or ""))
        verify_refused(peer.command("AUTH PLAIN"), "somebody has logged in")
        verify_ok(peer.noop())


@requirement(
    "rfc5034/5/mechanism-case",
    level=MUST,
    needs={Need.POP3},
    refuted_by=While(rb"(?-i:[A-Z ]*[a-z])", Rewrite.from_client(rb"\AA[A-Za-z]+ [A-Za-z]+", b"AUTH QQQ")),
)
@example(verb=b"auth", mechanism=b"plain")
@given(verb=commands.case_variants(b"AUTH"), mechanism=commands.case_variants(b"PLAIN"))
def test_mechanisms_have_no_case(target: Target, verb: bytes, mechanism: bytes) -> None:
    """AUTH and PLAIN are understood in upper, lower and mixed case; the base64 is not touched."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        verify_ok(peer.command(b"%b %b %b" % (verb, mechanism, plain(account).encode())))
