"""Steps that POP3 checks take before and after the one that they judge."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.clients.pop3 import Pop3Client
from harness.conformance import Finding, Need, unsupported, verify_ok
from harness.strategies import messages
from harness.targets import Account, Maildrop, Target
from harness.targets.connections import NotServed
from harness.targets.inbox import poll
from harness.vocabulary.services import Tls
from harness.wire.message import strip_trace
from harness.wire.pop3 import Response

_LISTING = frozenset({b"STAT", b"LIST", b"UIDL"})


def authorizing(target: Target, account: Account | None = None) -> Pop3Client:
    """A connection in the AUTHORIZATION state, under TLS where the service has STLS: a password may go."""
    endpoint = target.file.endpoint(target.player(Need.POP3))
    return target.pop3(account, login=False, tls=endpoint is not None and endpoint.tls is Tls.STARTTLS)


def need_user(peer: Pop3Client) -> None:
    """End the check where USER and PASS, which no server must have, are not offered."""
    if peer.capa().ok and "USER" not in peer.capabilities:
        unsupported("the server offers no USER and PASS")


def need_failures(target: Target, count: int = 1) -> None:
    """End the check where the target file allows no more failed logins."""
    if not all(target.may_fail_login() for _ in range(count)):
        unsupported("the target file allows no more failed logins (limits.failed_logins)")


def need_retention(peer: Pop3Client) -> None:
    """End the check where what was retrieved is removed at QUIT, which may be (RFC 2449 §6.7)."""
    if peer.capa().ok and peer.capabilities.get("EXPIRE", "").split(" ")[0] == "0":
        unsupported("the server removes what has been retrieved (EXPIRE 0)")


@contextmanager
def filled(target: Target, stored: Sequence[bytes]) -> Iterator[tuple[Maildrop, Pop3Client]]:
    """A maildrop with these messages, and a session that sees them."""
    with target.maildrop() as maildrop:
        maildrop.put(stored)
        with maildrop.open() as session:
            yield maildrop, session


def reopen(maildrop: Maildrop, wait_s: float) -> Pop3Client:
    """Open another session; the lock of one that has just been lost may hold for a while."""
    session: Pop3Client | None = None

    def opened() -> bool:
        nonlocal session
        try:
            session = maildrop.open()
        except NotServed:
            return False
        return True

    if not poll(opened, wait_s) or session is None:
        raise Finding("a new session of the maildrop", f"no login within {wait_s:g} s")
    return session


def contents(peer: Pop3Client) -> list[bytes]:
    """Retrieve every message, and return them below their trace fields, in the order of their numbers."""
    retrieved = [peer.retr(number) for number in peer.list()]
    for response in retrieved:
        verify_ok(response, "LIST names this message")
    return [strip_trace(response.body) for response in retrieved]


def notes(count: int) -> list[bytes]:
    """Compose that many messages, no two alike."""
    return [messages.compose(b"This is number %d.\r\n" % number) for number in range(1, count + 1)]


def answer(line: bytes | str, response: Response) -> tuple[bool, Sequence[bytes]]:
    """Return what counts of the response to a command line: its status, its lines, or the listing in it.

    The text after the status means something to STAT, LIST and UIDL alone (RFC 1939 §9).
    """
    verb = (line.encode() if isinstance(line, str) else line)[:4].upper()
    if response.lines is not None:
        return response.ok, response.lines
    return response.ok, response.text.split(b" ")[:2] if response.ok and verb in _LISTING else []
