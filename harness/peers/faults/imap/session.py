"""Faults of greeting, capabilities, authentication, TLS and of what extensions add to a session."""

import re

from harness.peers.faults.imap.mediator import (
    Answer,
    Command,
    CommandDecision,
    ImapMediator,
    Response,
    ResponseDecision,
    during,
    imap_fault,
)

_BEFORE_LOGIN = frozenset({b"CAPABILITY", b"NOOP", b"LOGOUT", b"STARTTLS", b"AUTHENTICATE", b"LOGIN", b"ID"})
_ABOUT_MESSAGES = frozenset(
    {b"CHECK", b"CLOSE", b"EXPUNGE", b"SEARCH", b"FETCH", b"STORE", b"COPY", b"MOVE", b"UNSELECT"}
)
_TELLS_CAPABILITIES = re.compile(rb"((?:\A\* |\[)CAPABILITY)", re.IGNORECASE)


def _tells_capabilities(response: Response) -> bool:
    return response.word == b"CAPABILITY" or response.code[:1] == [b"CAPABILITY"]


@imap_fault("imap-greeting-no")
class GreetingNo(ImapMediator):
    """The greeting is an untagged NO, and the session goes on."""

    _greeted = False

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if self._greeted or command is not None:
            return None
        self._greeted = True
        return response.with_word(b"NO") if response.word == b"OK" else None


@imap_fault("imap-capability-no-imap4rev1")
class NoImap4rev1(ImapMediator):
    """CAPABILITY does not list IMAP4rev1."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return (
            re.sub(rb"(?i) IMAP4rev1(?=[ \]\r])", b"", response.octets)
            if _tells_capabilities(response)
            else None
        )


@imap_fault("imap-noop-refused-before-login")
class NoopRefused(ImapMediator):
    """NOOP before the login is answered BAD."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"NOOP" and not self.authenticated:
            return Answer(command.answer(b"BAD", b"log in first"))
        return None


@imap_fault("imap-allowed-before-login")
class AllowedBeforeLogin(ImapMediator):
    """A command about mailboxes is answered OK before the login, and nothing comes of it."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if command is None or self.authenticated or command.verb in _BEFORE_LOGIN or not command.verb:
            return None
        return response.with_word(b"OK") if response.refused else None


@imap_fault("imap-allowed-unselected")
class AllowedUnselected(ImapMediator):
    """A command about messages is answered OK without a selected mailbox, and nothing comes of it."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, *_ABOUT_MESSAGES) or self.selected is not None or not self.authenticated:
            return None
        return response.with_word(b"OK") if response.refused else None


@imap_fault("imap-login-twice")
class LoginTwice(ImapMediator):
    """LOGIN is answered OK in a session that is authenticated already."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"LOGIN" and self.authenticated:
            return Answer(command.answer(b"OK", b"welcome again"))
        return None


@imap_fault("imap-logindisabled-login-ok")
class LoginDisabledTaken(ImapMediator):
    """LOGINDISABLED is announced, and LOGIN accepted."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if self.authenticated or not _tells_capabilities(response) or b"LOGINDISABLED" in response.octets:
            return None
        return _TELLS_CAPABILITIES.sub(rb"\1 LOGINDISABLED", response.octets, count=1)


@imap_fault("imap-login-no-literals")
class LoginNoLiterals(ImapMediator):
    """LOGIN with a literal is answered BAD."""

    def command(self, command: Command) -> CommandDecision:
        return Answer(command.answer(b"BAD")) if command.verb == b"LOGIN" and b"{" in command.octets else None


@imap_fault("imap-login-failed-bad")
class LoginFailedBad(ImapMediator):
    """LOGIN with a wrong password is answered BAD."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return response.with_word(b"BAD") if during(command, b"LOGIN") and response.refused else None


class _Exchanging(ImapMediator):
    """Knows what has been said in an AUTHENTICATE exchange."""

    def _begin(self) -> None:
        super()._begin()
        self.lines: list[bytes] = []

    def continued(self, command: Command, line: bytes) -> bytes | None:
        if command.verb == b"AUTHENTICATE":
            self.lines.append(line.strip())
        return None

    def ended(self, command: Command, response: Response) -> bytes | None:
        """Say what completes an exchange that has failed."""
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, b"AUTHENTICATE") or not response.is_tagged:
            return None
        decision = self.ended(command, response) if response.refused else None
        self.lines.clear()
        return decision


@imap_fault("imap-auth-cancelled-no")
class CancelledNo(_Exchanging):
    """A cancelled AUTHENTICATE is answered NO."""

    def ended(self, command: Command, response: Response) -> bytes | None:
        return response.with_word(b"NO") if self.lines[-1:] == [b"*"] else None


@imap_fault("imap-auth-failed-bad")
class AuthFailedBad(_Exchanging):
    """AUTHENTICATE with wrong credentials is answered BAD."""

    def ended(self, command: Command, response: Response) -> bytes | None:
        if self.lines[-1:] == [b"*"] or not (self.lines or len(command.words) > 1):
            return None
        return response.with_word(b"BAD")


@imap_fault("imap-auth-unknown-bad")
class UnknownMechanismBad(_Exchanging):
    """A mechanism that the server does not know is answered BAD."""

    def ended(self, command: Command, response: Response) -> bytes | None:
        return None if self.lines or len(command.words) > 1 else response.with_word(b"BAD")


@imap_fault("imap-sasl-ir-ignored")
class InitialResponseIgnored(ImapMediator):
    """SASL-IR is offered, and the initial response asked for all the same."""

    def command(self, command: Command) -> CommandDecision:
        return command.with_words(command.words[:1]) if command.verb == b"AUTHENTICATE" else None


@imap_fault("imap-starttls-injection")
class Injection(ImapMediator):
    """What came in clear behind STARTTLS is carried out under TLS."""

    def __init__(self, *arguments: object) -> None:
        self._injected = b""
        self._starting = False
        super().__init__(*arguments)  # type: ignore[arg-type]

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"STARTTLS" and not self.tls:
            self._starting = True
        elif self._starting and not self.tls:
            self._injected += command.octets
            return Answer(b"")
        elif self.tls and self._injected:
            injected, self._injected = self._injected, b""
            return injected + command.octets
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if during(command, b"STARTTLS") and response.refused:
            self._starting = False
        return None


@imap_fault("imap-logout-no-bye")
class LogoutNoBye(ImapMediator):
    """LOGOUT sends no untagged BYE."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if during(command, b"LOGOUT") and response.word == b"BYE" else None


@imap_fault("imap-idle-silent")
class IdleSilent(ImapMediator):
    """IDLE tells new messages only when it is over."""

    _untold = b""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, b"IDLE"):
            return None
        if response.word in {b"EXISTS", b"RECENT"}:
            self._untold += response.octets
            return b""
        untold, self._untold = (self._untold, b"") if response.is_tagged else (b"", self._untold)
        return untold + response.octets


@imap_fault("imap-idle-news-lost")
class IdleNewsLost(ImapMediator):
    """What has come while IDLE was active is never told."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        lost = response.word in {b"EXISTS", b"RECENT", b"EXPUNGE"}
        return b"" if lost and during(command, b"IDLE") else None


@imap_fault("imap-idle-done-ignored")
class DoneIgnored(ImapMediator):
    """The first DONE does not end IDLE, a second one does."""

    _done = False

    def continued(self, command: Command, line: bytes) -> bytes | None:
        if command.verb != b"IDLE" or self._done:
            self._done = False
            return None
        self._done = True
        return b""


@imap_fault("imap-namespace-other-separator")
class OtherSeparator(ImapMediator):
    """NAMESPACE tells another hierarchy separator than LIST."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"NAMESPACE":
            return None
        return re.sub(
            rb'(?<= )"([./])"(?=\))', lambda f: b'"."' if f.group(1) == b"/" else b'"/"', response.octets
        )


@imap_fault("imap-id-silent")
class IdSilent(ImapMediator):
    """ID is answered OK without an ID response."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"ID" and response.is_untagged else None


@imap_fault("imap-id-value-too-long")
class IdTooLong(ImapMediator):
    """The server's ID has a value of more than 1024 octets."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"ID" or not response.is_untagged:
            return None
        return response.with_rest(b'("name" "' + b"x" * 1025 + b'")')


@imap_fault("imap-enable-echoes")
class EnableEchoes(ImapMediator):
    """ENABLED names whatever was asked for, known or not."""

    _told = False

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, b"ENABLE"):
            return None
        if response.word == b"ENABLED":
            self._told = True
            return response.with_rest(command.arguments)
        told, self._told = self._told, self._told and not response.is_tagged
        return (
            b"* ENABLED %b\r\n%b" % (command.arguments, response.octets) if response.ok and not told else None
        )


@imap_fault("imap-enable-silent")
class EnableSilent(ImapMediator):
    """ENABLE is answered OK without an ENABLED response."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"ENABLED" else None


@imap_fault("imap-enable-changes-capability")
class EnableChanges(ImapMediator):
    """After ENABLE another capability is listed."""

    _enabled = False

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        self._enabled = self._enabled or (response.ok and during(command, b"ENABLE"))
        if not self._enabled or not _tells_capabilities(response):
            return None
        return _TELLS_CAPABILITIES.sub(rb"\1 XENABLED", response.octets, count=1)
