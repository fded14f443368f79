from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    PROSE,
    SHOULD,
    Need,
    given,
    requirement,
    verify_equal,
    verify_reply,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc4954.steps import AUTH, need_failures, need_plain, plain, submission
from suites.rfc5321.tampering import Forged

_OURS = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
_NO_BASE64 = ("=AAA", "AAA=BBB", "A", "A===", "====", "!!!!", "AHU\\AHA=", "AHUAcA==AHUAcA==", "AHU*cA==")


@requirement(
    "rfc4954/4/success",
    level=PROSE,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^235", b"250"),
)
@given(mechanism=st.sampled_from(_OURS))
def test_announced_mechanisms_let_users_in(target: Target, mechanism: str) -> None:
    """Each mechanism that is announced, and that we know, ends in 235 for the right password."""
    with target.account() as account, submission(target) as peer:
        if mechanism not in peer.keywords.get("AUTH", "").upper().split():
            return
        reply = peer.authenticate(account.login, account.password or "", mechanism)
        verify_reply(reply, code=235, why=f"{mechanism} is announced")


@requirement(
    "rfc4954/4/no-initial-response",
    level=MUST,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^334 \r\n", b"334\r\n"),
)
def test_plain_without_initial_response_is_asked_for(target: Target) -> None:
    """AUTH PLAIN alone is answered by an empty challenge, `334` and a space, and then goes on."""
    with target.account() as account, submission(target) as peer:
        need_plain(peer)
        verify_equal("the empty challenge", expected=b"334 \r\n", actual=peer.command("AUTH PLAIN").octets)
        verify_reply(peer.command(plain(account)), code=235)


@requirement(
    "rfc4954/4/cancelled",
    level=MUST,
    needs={AUTH},
    refuted_by=Forged(rb"\*\r\n", instead=b"*", reply=b"535 5.7.8 no\r\n"),
)
@given(mechanism=st.sampled_from(_OURS))
def test_an_exchange_can_be_cancelled(target: Target, mechanism: str) -> None:
    """A single `*` ends the exchange with 501, and the session goes on."""
    with submission(target) as peer:
        if mechanism not in peer.keywords.get("AUTH", "").upper().split():
            mechanism = "PLAIN"
            need_plain(peer)
        need_failures(target)
        verify_reply(peer.command(f"AUTH {mechanism}"), code=334)
        verify_reply(peer.command("*"), code=501, why="the client has cancelled")
        verify_reply(peer.noop(), code=250, why="the session goes on")


@requirement(
    "rfc4954/4/not-base64",
    level=MUST,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^501", b"535"),
)
@given(text=st.sampled_from(_NO_BASE64), initial=st.booleans())
def test_what_is_no_base64_is_refused(target: Target, text: str, initial: bool) -> None:
    """A response that is not base64, wherever it comes, is answered 501."""
    with submission(target) as peer:
        need_plain(peer)
        need_failures(target)
        if initial:
            reply = peer.command(f"AUTH PLAIN {text}")
        else:
            verify_reply(peer.command("AUTH PLAIN"), code=334)
            reply = peer.command(text)
        verify_reply(reply, code=501, why="the response cannot be decoded")


@requirement(
    "rfc4954/4/unknown-mechanism",
    level=PROSE,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^504", b"535"),
)
@given(mechanism=st.sampled_from(["XMAILPROOF", "KERBEROS_V4", "SKEY", "X-NONE-256"]))
def test_unknown_mechanisms_are_refused(target: Target, mechanism: str) -> None:
    """A mechanism that the server does not have is answered 504."""
    with submission(target) as peer:
        need_failures(target)
        verify_reply(peer.command(f"AUTH {mechanism}"), code=504)


@requirement(
    "rfc4954/4/once-only",
    level=MUST,
    needs={AUTH},
    refuted_by=Forged(rb"AUTH", skip=1, reply=b"235 2.7.0 OK\r\n"),
)
def test_authentication_is_done_once(target: Target) -> None:
    """After a successful AUTH another one is answered 503."""
    with target.account() as account, submission(target) as peer:
        need_plain(peer)
        verify_reply(peer.command(b"AUTH PLAIN " + plain(account)), code=235)
        verify_reply(peer.command(b"AUTH PLAIN " + plain(account)), code=503, why="authenticated already")


@requirement(
    "rfc4954/4/not-in-a-transaction",
    level=MUST,
    needs={AUTH, Need.RETRIEVE},
    refuted_by=Forged(rb"AUTH", skip=1, instead=b"RSET", reply=b"503 5.5.1 no\r\n"),
)
def test_auth_does_not_touch_a_transaction(target: Target) -> None:
    """AUTH within a transaction is answered 503, and the transaction goes on."""
    with target.fresh_mailbox() as mailbox, submission(target) as peer:
        need_plain(peer)
        account = mailbox.account
        verify_reply(peer.command(b"AUTH PLAIN " + plain(account)), code=235)
        verify_reply(peer.mail(account.address), code=250)
        verify_reply(peer.command("AUTH PLAIN"), code=503, why="a transaction is open")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why="AUTH was refused and changed nothing")


@requirement(
    "rfc4954/4/wrong-password",
    level=SHOULD,
    needs={AUTH},
    refuted_by=Rewrite.from_server(rb"^535", b"550"),
)
def test_a_wrong_password_is_answered_535(target: Target) -> None:
    """Credentials that are not good are answered 535, or by a more specific code of RFC 4954 §6."""
    with target.account() as account, submission(target) as peer:
        need_plain(peer)
        need_failures(target)
        reply = peer.command(b"AUTH PLAIN " + plain(account, "not the password"))
        verify_reply(reply, code={535, 432, 454, 534}, why="the password is wrong")
