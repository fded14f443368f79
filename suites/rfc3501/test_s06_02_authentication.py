"""RFC 3501 §6.2, §7.2.1: STARTTLS, AUTHENTICATE and LOGIN."""

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.conformance import (
    MUST,
    PROSE,
    SHOULD,
    inconclusive,
    requirement,
    unsupported,
    verify,
    verify_ok,
    verify_refused,
)
from harness.targets import Target
from harness.targets.file import Account
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import Condition
from harness.vocabulary.judging import Offers
from harness.vocabulary.services import Service
from harness.wire.imap import Capability, Continuation, Literal
from harness.wire.imap import quoted as in_quotes
from harness.wire.sasl import encode_base64
from suites.imap.talk import IMAP, door
from suites.imap.tampering import answered

_STARTTLS = IMAP | {Offers(Service.IMAP, "STARTTLS")}
_WRONG = b"mailproof-not-this-one"


def _password(account: Account) -> bytes:
    if account.password is None:
        unsupported(f"{account.address} has no password")
    return account.password.encode("utf-8")


def _needs_plain(client: ImapClient) -> None:
    if not client.offers("AUTH=PLAIN"):
        unsupported("AUTH=PLAIN is not offered")


def _may_fail(target: Target) -> None:
    if not target.may_fail_login():
        inconclusive("limits.failed_logins allows no more wrong passwords")


@requirement(
    "rfc3501/6.2.1/not-authenticated-after-tls",
    level=PROSE,
    needs=_STARTTLS,
    refuted_by=answered(b"SELECT", b"OK", of=b"NO|BAD"),
    also=["rfc9051/6.2.1/not-authenticated-after-tls"],
)
def test_tls_authenticates_nobody(target: Target) -> None:
    """After STARTTLS the session is as it was before: it answers CAPABILITY, and demands authentication."""
    with target.imap(login=False, tls=True) as client:
        result = client.capability()
        verify_ok(result)
        verify(result.first(Capability) is not None, expected="capabilities under TLS", actual=result.octets)
        verify_refused(client.select("INBOX"), "SELECT before authentication")


@requirement(
    "rfc3501/7.2.1/logindisabled-login-no",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"CAPABILITY IMAP4rev1", b"CAPABILITY IMAP4rev1 LOGINDISABLED"),
    also=["rfc9051/7.2.2/logindisabled-login-no"],
)
def test_logindisabled_means_that_login_is_refused(target: Target) -> None:
    """Where LOGINDISABLED is announced, LOGIN is answered NO, though the password is right."""
    with target.account() as account, target.imap(login=False, tls=False) as client:
        disabled = client.offers("LOGINDISABLED")
        result = client.login(account.login, _password(account))
        if disabled:
            verify_refused(result, "LOGINDISABLED was announced", kinds={"NO"})
        elif not result.ok:
            unsupported("LOGIN in clear is refused without LOGINDISABLED, as a policy")


@requirement(
    "rfc3501/6.2.2/plain-authenticates",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"AUTHENTICATE", b"NO", of=b"OK"),
    also=[
        "rfc9051/6.2.2/plain-authenticates",
        "rfc9051/6.2.2/authenticate-implemented",
        "rfc9051/6.2.2/without-initial-response",
    ],
)
def test_plain_authenticates(target: Target) -> None:
    """AUTHENTICATE PLAIN with the right password ends in OK and the authenticated state."""
    with target.account() as account, door(target) as client:
        _needs_plain(client)
        secret = b"\0" + account.login.encode("utf-8") + b"\0" + _password(account)
        verify_ok(_exchange(client, secret))
        verify_ok(client.status("INBOX", b"MESSAGES"), "the session is authenticated")


def _exchange(client: ImapClient, secret: bytes) -> Result:
    tag = client.send_command(b"AUTHENTICATE PLAIN")
    answer = client.await_continuation(tag)
    verify(isinstance(answer, Continuation), expected='a continuation request, "+ "', actual=answer)
    client.send_raw(encode_base64(secret) + b"\r\n")
    return client.finish(tag)


@requirement(
    "rfc3501/6.2.2/wrong-credentials-no",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"AUTHENTICATE", b"BAD", of=b"NO"),
    also=["rfc9051/6.2.2/wrong-credentials-no"],
)
def test_authenticate_with_a_wrong_password_is_no(target: Target) -> None:
    """Credentials that are rejected are answered NO, and the session stays as it was."""
    with target.account() as account, door(target) as client:
        _needs_plain(client)
        _may_fail(target)
        secret = b"\0" + account.login.encode("utf-8") + b"\0" + _WRONG
        verify_refused(_exchange(client, secret), "a wrong password", kinds={"NO"})


@requirement(
    "rfc3501/6.2.2/cancel-bad",
    level=MUST,
    needs=IMAP,
    refuted_by=answered(b"AUTHENTICATE", b"NO", of=b"BAD"),
    also=["rfc9051/6.2.2/cancel-bad"],
)
def test_a_cancelled_exchange_is_bad(target: Target) -> None:
    """A line with a single asterisk cancels the exchange, which is answered BAD; another can follow."""
    with target.account() as account, door(target) as client:
        _needs_plain(client)
        tag = client.send_command(b"AUTHENTICATE PLAIN")
        answer = client.await_continuation(tag)
        verify(isinstance(answer, Continuation), expected='a continuation request, "+ "', actual=answer)
        client.send_raw(b"*\r\n")
        verify_refused(client.finish(tag), "the client cancelled", kinds={"BAD"})
        verify_ok(client.login(account.login, _password(account)), "the session can go on")


@requirement(
    "rfc3501/6.2.2/unknown-mechanism-no",
    level=SHOULD,
    needs=IMAP,
    refuted_by=answered(b"AUTHENTICATE", b"BAD", of=b"NO"),
    also=["rfc9051/6.2.2/unknown-mechanism-no"],
)
def test_an_unknown_mechanism_is_no(target: Target) -> None:
    """A mechanism that the server does not support is answered NO."""
    with door(target) as client:
        tag = client.send_command(b"AUTHENTICATE X-MAILPROOF-NONE")
        answer = client.await_continuation(tag)
        verify(isinstance(answer, Result) and answer.no, expected="a tagged NO", actual=answer)


@requirement(
    "rfc3501/6.2.3/wrong-password-no",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"LOGIN", b"BAD", of=b"NO"),
    also=["rfc9051/6.2.3/wrong-password-no"],
)
def test_login_with_a_wrong_password_is_no(target: Target) -> None:
    """A wrong password is answered NO, and leaves the session not authenticated."""
    with target.account() as account, door(target) as client:
        _may_fail(target)
        verify_refused(client.login(account.login, _WRONG), "a wrong password", kinds={"NO"})
        if client.state.value != "logout":
            verify_refused(client.status("INBOX", b"MESSAGES"), "nobody is authenticated")


@requirement(
    "rfc3501/6.2.3/login-string-forms",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"\A(?!A[0-9]{4} )[^\r ]", b"#"),
    also=["rfc9051/6.2.3/login-string-forms"],
)
def test_login_takes_every_form_of_string(target: Target) -> None:
    """User name and password mean the same as quoted strings, as literals, and mixed."""
    with target.account() as account:
        login, password = account.login.encode("utf-8"), _password(account)
        for first in (in_quotes(login), Literal(login, synchronizing=True)):
            for second in (in_quotes(password), Literal(password, synchronizing=True)):
                with door(target) as client:
                    result = client.command(b"LOGIN ", first, b" ", second)
                    verify(
                        result.kind is Condition.OK,
                        expected=f"OK for LOGIN with {_form(first)} and {_form(second)}",
                        actual=result.tagged.octets,
                    )


def _form(part: bytes | Literal) -> str:
    return "a literal" if isinstance(part, Literal) else "a quoted string"
