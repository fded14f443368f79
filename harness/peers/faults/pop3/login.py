"""Faults in logging in to POP3, and in STLS."""

import re

from harness.peers.faults.mediation import Answer
from harness.peers.faults.pop3.mediator import Command, Decision, Pop3Mediator, Response, pop3_fault

_OK = b"+OK\r\n"
_REFUSED = b"-ERR [AUTH] authentication failed\r\n"
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")


@pop3_fault("pop3-any-password")
class AnyPassword(Pop3Mediator):
    """PASS with anything is answered with +OK."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return _OK if command.verb == b"PASS" and not reply.ok else None


@pop3_fault("pop3-pass-later")
class PassLater(Pop3Mediator):
    """PASS is taken although other commands came after USER."""

    _last = b""

    def command(self, command: Command) -> Decision:
        if command.verb == b"PASS" and self._last not in {b"USER", b"PASS"} and self.user:
            self.ask(b"USER %b\r\n" % self.user)
        self._last = command.verb
        return None


@pop3_fault("pop3-refused-login-sticks")
class RefusedLoginSticks(Pop3Mediator):
    """After a refused login every other one is refused too."""

    _refused = False

    def command(self, command: Command) -> Decision:
        return Answer(_REFUSED) if command.verb == b"PASS" and self._refused else None

    def reply(self, command: Command, reply: Response) -> bytes | None:
        self._refused = self._refused or (command.verb == b"PASS" and not reply.ok)
        return None


@pop3_fault("pop3-auth-code-missing")
class AuthCodeMissing(Pop3Mediator):
    """AUTH-RESP-CODE is announced, and refused credentials have no code."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return (
            re.sub(rb"^-ERR \[AUTH\] ?", b"-ERR ", reply.status, flags=re.IGNORECASE)
            if not reply.ok
            else None
        )


@pop3_fault("pop3-auth-code-always")
class AuthCodeAlways(Pop3Mediator):
    """Every refusal is blamed on the credentials."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return b"-ERR [AUTH] no\r\n" if reply.status.startswith(b"-ERR") else None


@pop3_fault("pop3-in-use-for-wrong-password")
class InUse(Pop3Mediator):
    """A wrong password is answered as a locked maildrop is."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        refused = command.verb == b"PASS" and not reply.ok
        return b"-ERR [IN-USE] maildrop is locked\r\n" if refused else None


# --- AUTH (RFC 5034)


@pop3_fault("pop3-auth-cancel-ok")
class AuthCancelOk(Pop3Mediator):
    """A cancelled AUTH exchange is answered with +OK."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return _OK if command.is_response and command.octets.strip() == b"*" else None


@pop3_fault("pop3-auth-lax-base64")
class AuthLaxBase64(Pop3Mediator):
    """Octets that are not of the base64 alphabet are dropped from a response."""

    def command(self, command: Command) -> Decision:
        if command.is_response and command.octets.strip() != b"*":
            return _NOT_BASE64.sub(b"", command.octets) + b"\r\n"
        if command.verb == b"AUTH" and command.arguments[1:]:
            response = b"".join(command.arguments[1:])
            return b"AUTH %b %b\r\n" % (command.arguments[0], _NOT_BASE64.sub(b"", response))
        return None


@pop3_fault("pop3-auth-challenge-in-words")
class AuthChallengeInWords(Pop3Mediator):
    """The empty challenge of PLAIN has words in it."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        plain = [word.upper() for word in command.words] == [b"AUTH", b"PLAIN"]
        return b"+ go ahead\r\n" if plain and reply.status.startswith(b"+ ") else None


@pop3_fault("pop3-auth-initial-response-ignored")
class InitialIgnored(Pop3Mediator):
    """An initial response is ignored, and asked for again."""

    def command(self, command: Command) -> Decision:
        return (
            b"AUTH %b\r\n" % command.arguments[0] if command.verb == b"AUTH" and command.arguments else None
        )


@pop3_fault("pop3-auth-empty-response-missing")
class EmptyIsMissing(Pop3Mediator):
    """A single = counts as no initial response at all."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"AUTH" and command.arguments[1:] == [b"="]:
            return b"AUTH %b\r\n" % command.arguments[0]
        return None


@pop3_fault("pop3-auth-again")
class AuthAgain(Pop3Mediator):
    """AUTH is taken after login."""

    def command(self, command: Command) -> Decision:
        return Answer(_OK) if command.is_auth and self.logged_in else None


@pop3_fault("pop3-auth-mechanism-case")
class MechanismCase(Pop3Mediator):
    """Mechanisms are known in upper case only."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"AUTH" and command.arguments and not command.arguments[0].isupper():
            return Answer(b"-ERR unknown mechanism\r\n")
        return None


@pop3_fault("pop3-auth-unknown-mechanism-taken")
class UnknownMechanism(Pop3Mediator):
    """A mechanism that is not known is taken for PLAIN."""

    def command(self, command: Command) -> Decision:
        known = {
            b"PLAIN",
            b"LOGIN",
            b"SCRAM-SHA-256",
            b"SCRAM-SHA-1",
            b"CRAM-MD5",
            b"XOAUTH2",
            b"OAUTHBEARER",
        }
        if command.verb == b"AUTH" and command.arguments and command.arguments[0].upper() not in known:
            return b" ".join([b"AUTH PLAIN", *command.arguments[1:]]) + b"\r\n"
        return None


@pop3_fault("pop3-auth-failure-sticks")
class FailureSticks(Pop3Mediator):
    """After an AUTH that failed USER is refused."""

    _failed = False

    def command(self, command: Command) -> Decision:
        return Answer(_REFUSED) if self._failed and command.verb == b"USER" else None

    def reply(self, command: Command, reply: Response) -> bytes | None:
        self._failed = self._failed or (command.is_auth and reply.status.startswith(b"-ERR"))
        return None


@pop3_fault("pop3-auth-wrong-credentials-ok")
class WrongCredentials(Pop3Mediator):
    """AUTH with wrong credentials is answered with +OK."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        given = command.octets.strip() != b"*" if command.is_response else bool(command.arguments[1:])
        return _OK if command.is_auth and given and reply.status.startswith(b"-ERR") else None


# --- STLS (RFC 2595)


@pop3_fault("pop3-stls-injection")
class StlsInjection(Pop3Mediator):
    """What came in clear behind STLS is kept, and carried out under TLS."""

    _asked = False
    _kept = b""

    def command(self, command: Command) -> Decision:
        if self._asked:
            self._kept += command.octets
            return Answer(b"")
        self._asked = command.verb == b"STLS" and not command.arguments and not self.tls
        return None

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb == b"STLS" and not reply.ok:
            self._asked = False
        return None

    def tls_begun(self) -> None:
        self._asked = False
        self.hear(self._kept)


@pop3_fault("pop3-stls-after-login")
class StlsAfterLogin(Pop3Mediator):
    """STLS is taken after login."""

    def command(self, command: Command) -> Decision:
        return Answer(b"+OK begin TLS\r\n") if command.verb == b"STLS" and self.logged_in else None


@pop3_fault("pop3-stls-refused")
class StlsRefused(Pop3Mediator):
    """STLS is announced, and refused."""

    def command(self, command: Command) -> Decision:
        return Answer(b"-ERR not now\r\n") if command.verb == b"STLS" else None


@pop3_fault("pop3-capa-missing")
class CapaMissing(Pop3Mediator):
    """STLS is there, and CAPA is not."""

    def command(self, command: Command) -> Decision:
        return Answer(b"-ERR unknown command\r\n") if command.verb == b"CAPA" else None


@pop3_fault("pop3-stls-logs-in")
class StlsLogsIn(Pop3Mediator):
    """After STLS the session is in the TRANSACTION state, with a maildrop that is empty."""

    def command(self, command: Command) -> Decision:
        if not self.tls or self.logged_in:
            return None
        answers = {b"STAT": b"+OK 0 0\r\n", b"NOOP": _OK, b"RSET": _OK, b"LIST": b"+OK\r\n.\r\n"}
        return Answer(answers[command.verb]) if command.verb in answers else None
