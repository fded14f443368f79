"""What a server does to protect itself, recognised and named: limits of connections, delayed logins.

A check is not about these, and must not trip over them: who is turned away tries again for a moment, with
fewer connections open; what was met is named once, with the line of the target file that keeps clear of it.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from harness.targets.gate import Gate
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.imap import Condition
from harness.vocabulary.services import Service
from harness.wire.imap import Status
from harness.wire.pop3 import Response
from harness.wire.smtp import Reply

T = TypeVar("T")

_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.5)
"""How long who was turned away waits before the next try."""
_SLOW_LOGIN_S = 1.5
_TRANSIENT = frozenset({b"LIMIT", b"UNAVAILABLE", b"INUSE", "SYS/TEMP", "LOGIN-DELAY"})
"""Response codes of IMAP (RFC 5530 §3) and POP3 (RFC 2449 §8.1.1, RFC 3206 §4) that mean: not just now."""

Answer = Reply | Response | Status


class NotServed(MailproofError):
    """A service answers, but refuses what every client has to do first: to greet, say hello, log in."""


class TurnedAway(NotServed):
    """The refusal is of the moment: the server has too many clients, or too much to do."""


def is_transient(answer: Answer) -> bool:
    """Say whether a refusal is of the moment: SMTP's 4yz, IMAP's BYE, or a response code that says so."""
    match answer:
        case Reply(code=code):
            return code // 100 == 4
        case Status(kind=kind, code=code):
            return kind is Condition.BYE or (code is not None and code.name in _TRANSIENT)
        case Response(code=name):
            return name in _TRANSIENT


class Defences:
    """What one server has done against this worker so far."""

    def __init__(self, gate: Gate, release: Callable[[], bool]) -> None:
        self._gate = gate
        self._release = release
        self._known: set[str] = set()
        self._remarks: list[str] = []
        self._let_in: set[str] = set()
        """Who has logged in before."""

    def remarks(self) -> tuple[str, ...]:
        """Return what was met since the last time, a line each; what is met again is not named again."""
        remarks, self._remarks = tuple(self._remarks), []
        return remarks

    def remark(self, what: str, text: str) -> None:
        """Name something once."""
        if what not in self._known:
            self._known.add(what)
            self._remarks.append(text)

    def admitted(self, service: Service, connect: Callable[[], T]) -> T:
        """Return what `connect` gives; while the server turns us away try again, for a moment.

        Connections that are only kept open are closed first, since a limit may have been reached.
        """
        pauses = iter(_PAUSES_S)
        turned_away: TurnedAway | None = None
        beside = 0
        released = False
        while True:
            try:
                client = connect()
            except TurnedAway as error:
                if turned_away is None:
                    turned_away, beside = error, self._gate.open
                if beside and self._release():
                    released = True
                    continue
                pause_s = next(pauses, None)
                if pause_s is None:
                    raise type(error)(f"{error}{_while_open(beside)}") from error
                time.sleep(pause_s)
            else:
                if turned_away is not None:
                    self._name_limit(service, turned_away, beside, released=released)
                return client

    def _name_limit(self, service: Service, error: TurnedAway, beside: int, *, released: bool) -> None:
        if released:
            self._gate.lower(beside)
            self.remark(
                f"limit of {service}",
                f"{service} takes no more than {beside} connections at once: {error}; no more are opened "
                f"from now on; limits.max_connections = {beside} in the target file says so at once",
            )
        else:
            self.remark(f"limit of {service}", f"{service} turned us away for a moment: {error}")

    def logged_in(self, login: str, took_s: float) -> None:
        """Note that a password was accepted, and how long that took."""
        self._let_in.add(login)
        tried = self._gate.failed_logins
        if tried and took_s >= _SLOW_LOGIN_S:
            self.remark(
                "slow logins",
                f"a login took {took_s:.1f} s after {_wrong_passwords(tried)}: the server slows logins down; "
                "limits.failed_logins in the target file says how many may be tried",
            )

    def why_refused(self, login: str) -> str:
        """Return what may have led to the refusal of a right password, with the mend."""
        tried = self._gate.failed_logins
        if login not in self._let_in or not tried:
            return "is the password in the target file's [accounts] right?"
        self._gate.stop_failing_logins()
        lesson = "limits.failed_logins = 0 in the target file leaves wrong passwords out"
        self.remark(
            "lock-out",
            f"the login of {login} was refused, which had worked before, after {_wrong_passwords(tried)}: "
            f"the server locks out who tries them; no more are tried in this run; {lesson}",
        )
        return f"it was accepted before {_wrong_passwords(tried)} were tried; {lesson}"

    def why_unreachable(self) -> str:
        """Return what may have led to a refused connection; empty if nothing is known."""
        tried = self._gate.failed_logins
        if not tried:
            return ""
        return (
            f"; {_wrong_passwords(tried)} had been tried: where the server bans addresses for that, "
            "limits.failed_logins = 0 in the target file leaves them out"
        )


def _while_open(beside: int) -> str:
    if not beside:
        return "; it stayed so when asked again"
    return (
        f"; it stayed so when asked again, while {beside} of our connections were open; "
        f"limits.max_connections = {beside} in the target file keeps below its limit"
    )


def _wrong_passwords(count: int) -> str:
    return f"{count} wrong password{'' if count == 1 else 's'}"
