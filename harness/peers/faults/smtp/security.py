"""Faults in STARTTLS and AUTH."""

import re

from harness.peers.faults.mediation import Answer
from harness.peers.faults.smtp.mediator import (
    Command,
    Decision,
    Kind,
    SmtpMediator,
    smtp_fault,
    with_lines,
)
from harness.transport.interpose import Spoken
from harness.wire.smtp import Reply

_AUTHENTICATED = b"235 2.7.0 authentication succeeded\r\n"
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")


@smtp_fault("smtp-starttls-injection", Spoken.SMTP)
class StarttlsInjection(SmtpMediator):
    """What came in clear behind STARTTLS is kept, and carried out under TLS."""

    _asked = False
    _kept = b""

    def command(self, command: Command) -> Decision:
        if self._asked:
            self._kept += command.octets
            return Answer(b"")
        self._asked = command.verb == b"STARTTLS" and not command.argument and not self.tls
        return None

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"STARTTLS" and reply.code != 220:
            self._asked = False
        return None

    def tls_begun(self) -> None:
        self._asked = False
        self.hear(self._kept)


@smtp_fault("smtp-starttls-state-kept", Spoken.SMTP)
class StarttlsStateKept(SmtpMediator):
    """What was said in clear holds under TLS."""

    _said: tuple[bytes, ...] = ()

    def command(self, command: Command) -> Decision:
        if command.verb == b"STARTTLS" and self.hello:
            transaction = () if self.sender is None else (b"MAIL FROM:<%b>" % self.sender,)
            recipients = (b"RCPT TO:<%b>" % recipient for recipient in self.recipients)
            self._said = (b"EHLO " + self.hello, *transaction, *recipients)
        return None

    def tls_begun(self) -> None:
        for line in self._said:
            self.ask(line + b"\r\n")


@smtp_fault("smtp-starttls-offered-again", Spoken.SMTP)
class StarttlsOfferedAgain(SmtpMediator):
    """STARTTLS is offered under TLS."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.is_hello and self.tls and reply.code == 250:
            return with_lines(reply, [*reply.lines, b"STARTTLS"])
        return None


@smtp_fault("smtp-starttls-twice", Spoken.SMTP)
class StarttlsTwice(SmtpMediator):
    """STARTTLS under TLS is answered 220."""

    def command(self, command: Command) -> Decision:
        again = self.tls and command.verb == b"STARTTLS"
        return Answer(b"220 2.0.0 ready to start TLS\r\n") if again else None


@smtp_fault("smtp-starttls-argument", Spoken.SMTP)
class StarttlsArgument(SmtpMediator):
    """STARTTLS with a parameter is carried out."""

    def command(self, command: Command) -> Decision:
        return b"STARTTLS\r\n" if command.verb == b"STARTTLS" else None


@smtp_fault("smtp-starttls-refused", Spoken.SMTP)
class StarttlsRefused(SmtpMediator):
    """STARTTLS is offered, and refused for good."""

    def command(self, command: Command) -> Decision:
        return Answer(b"502 5.5.1 not implemented\r\n") if command.verb == b"STARTTLS" else None


@smtp_fault("smtp-mail-needs-tls", Spoken.SMTP)
class MailNeedsTls(SmtpMediator):
    """A public server refuses mail for its own users without TLS."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL" and not self.tls and b"STARTTLS" in self.keywords:
            return Answer(b"530 5.7.0 Must issue a STARTTLS command first\r\n")
        return None


@smtp_fault("smtp-auth-cancel-taken", Spoken.SMTP)
class AuthCancelTaken(SmtpMediator):
    """`*` does not cancel an AUTH exchange: 235."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        cancelled = command.kind is Kind.RESPONSE and command.octets.strip() == b"*"
        return _AUTHENTICATED if cancelled else None


@smtp_fault("smtp-auth-twice", Spoken.SMTP)
class AuthTwice(SmtpMediator):
    """AUTH after a successful AUTH is carried out."""

    def command(self, command: Command) -> Decision:
        return Answer(_AUTHENTICATED) if command.verb == b"AUTH" and self.authenticated else None


@smtp_fault("smtp-auth-in-transaction", Spoken.SMTP)
class AuthInTransaction(SmtpMediator):
    """AUTH within a transaction is carried out."""

    def command(self, command: Command) -> Decision:
        return Answer(_AUTHENTICATED) if command.verb == b"AUTH" and self.sender is not None else None


@smtp_fault("smtp-auth-lax-base64", Spoken.SMTP)
class AuthLaxBase64(SmtpMediator):
    """Octets that are not of the base64 alphabet are dropped from a response."""

    def command(self, command: Command) -> Decision:
        if command.kind is Kind.RESPONSE and command.octets.strip() != b"*":
            return _NOT_BASE64.sub(b"", command.octets) + b"\r\n"
        if command.verb == b"AUTH" and (words := command.argument.split(None, 1))[1:]:
            return b"AUTH %b %b\r\n" % (words[0], _NOT_BASE64.sub(b"", words[1]))
        return None


@smtp_fault("smtp-auth-challenge-in-words", Spoken.SMTP)
class AuthChallengeInWords(SmtpMediator):
    """The empty challenge of PLAIN has words in it."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        plain = command.verb == b"AUTH" and command.argument.upper() == b"PLAIN"
        return b"334 go ahead\r\n" if plain and reply.code == 334 else None


@smtp_fault("smtp-auth-unknown-mechanism-535", Spoken.SMTP)
class UnknownMechanism(SmtpMediator):
    """A mechanism that is not supported is answered as a wrong password is."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return (
            b"535 5.7.8 authentication failed\r\n" if reply.code == 504 and command.verb == b"AUTH" else None
        )


@smtp_fault("smtp-auth-any-password", Spoken.SMTP)
class AnyPassword(SmtpMediator):
    """Any password is the right one."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return _AUTHENTICATED if reply.code == 535 else None


@smtp_fault("smtp-auth-success-250", Spoken.SMTP)
class AuthSuccess(SmtpMediator):
    """An exchange that succeeds is answered 250."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return b"250 2.7.0 authenticated\r\n" if reply.code == 235 else None


@smtp_fault("smtp-auth-mail-parameter-refused", Spoken.SMTP)
class AuthParameterRefused(SmtpMediator):
    """AUTH is offered, and the parameter AUTH= of MAIL is not known."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL" and b" AUTH=" in command.octets.upper():
            return Answer(b"555 5.5.4 parameter AUTH is not known here\r\n")
        return None


@smtp_fault("smtp-auth-not-demanded", Spoken.SMTP)
class AuthNotDemanded(SmtpMediator):
    """A submission service takes MAIL from anybody."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return b"250 2.1.0 sender OK\r\n" if command.verb == b"MAIL" and reply.code == 530 else None


@smtp_fault("smtp-auth-demanded-by-550", Spoken.SMTP)
class AuthDemandedOtherwise(SmtpMediator):
    """That authentication is needed is said by 550."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return b"550 5.7.1 authentication required\r\n" if reply.code == 530 else None
