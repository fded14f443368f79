"""Faults in the state of a session and its transaction."""

from harness.peers.faults.mediation import Answer
from harness.peers.faults.smtp.mediator import Command, Decision, MailText, SmtpMediator, smtp_fault
from harness.wire.smtp import Reply

_OK = b"250 2.0.0 OK\r\n"
_SENDER_OK = b"250 2.1.0 sender OK\r\n"
_RECIPIENT_OK = b"250 2.1.5 recipient OK\r\n"
_TAKEN = b"250 2.6.0 message taken\r\n"


@smtp_fault("smtp-rset-ignored")
class RsetIgnored(SmtpMediator):
    """RSET says 250 and keeps the transaction."""

    def command(self, command: Command) -> Decision:
        return Answer(_OK) if command.verb == b"RSET" and not command.argument else None


@smtp_fault("smtp-rset-forgets-hello")
class RsetForgetsHello(SmtpMediator):
    """After RSET a new EHLO is demanded."""

    _forgotten = False

    def command(self, command: Command) -> Decision:
        if command.verb == b"RSET":
            self._forgotten = True
        elif command.is_hello or command.verb == b"HELO":
            self._forgotten = False
        refused = self._forgotten and command.verb == b"MAIL"
        return Answer(b"503 5.5.1 EHLO first\r\n") if refused else None


@smtp_fault("smtp-rset-before-mail-503")
class RsetOutOfPlace(SmtpMediator):
    """RSET without a transaction is out of sequence."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"RSET" and self.sender is None and not self.replies_due:
            return Answer(b"503 5.5.1 nothing to reset\r\n")
        return None


@smtp_fault("smtp-null-sender-rejected")
class NullSenderRejected(SmtpMediator):
    """MAIL FROM:<> is refused."""

    def command(self, command: Command) -> Decision:
        is_null = command.verb == b"MAIL" and b"<>" in command.argument
        return Answer(b"550 5.1.8 null sender refused\r\n") if is_null else None


@smtp_fault("smtp-rcpt-limit-50")
class FiftyRecipients(SmtpMediator):
    """The 51st recipient is refused."""

    _named = 0

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL":
            self._named = 0
        elif command.verb == b"RCPT":
            if self._named >= 50:
                return Answer(b"452 4.5.3 too many recipients\r\n")
            self._named += 1
        return None

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"RCPT" and not reply.is_positive:
            self._named -= 1
        return None


@smtp_fault("smtp-first-recipient-only")
class FirstRecipientOnly(SmtpMediator):
    """Every recipient is accepted, and the first one alone gets the message."""

    _named = False

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL":
            self._named = False
        if command.verb != b"RCPT":
            return None
        if self._named and b"@" in command.path:
            return Answer(_RECIPIENT_OK)
        self._named = True
        return None

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"RCPT" and not reply.is_positive:
            self._named = False
        return None


@smtp_fault("smtp-data-no-rcpt")
class DataWithoutRecipient(SmtpMediator):
    """DATA without a recipient ends in 250."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"DATA" and reply.code >= 500 and self.sender is not None and not self.recipients:
            self.ask(b"RSET\r\n")
            return b"354 go ahead\r\n"
        return None


@smtp_fault("smtp-rcpt-without-mail")
class RcptWithoutMail(SmtpMediator):
    """RCPT without MAIL before it is accepted."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return _RECIPIENT_OK if command.verb == b"RCPT" and reply.code == 503 else None


@smtp_fault("smtp-unknown-recipient-accepted")
class UnknownRecipientAccepted(SmtpMediator):
    """A recipient that does not exist is accepted, and the message for it vanishes."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return _RECIPIENT_OK if command.verb == b"RCPT" and reply.code == 550 else None


@smtp_fault("smtp-refused-mail-opens")
class RefusedMailOpens(SmtpMediator):
    """A MAIL that is refused opens a transaction nevertheless."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"MAIL" and reply.code >= 500 and self.sender is None and self.hello:
            self.ask(b"MAIL FROM:<>\r\n")
        return None


@smtp_fault("smtp-mail-keeps-recipients")
class MailKeepsRecipients(SmtpMediator):
    """MAIL within a transaction is accepted, and the recipients before it stay."""

    def command(self, command: Command) -> Decision:
        return Answer(_SENDER_OK) if command.verb == b"MAIL" and self.sender is not None else None


@smtp_fault("smtp-recipients-leak")
class RecipientsLeak(SmtpMediator):
    """The recipients of a transaction that is complete are those of the next one too."""

    _before: tuple[bytes, ...] = ()

    def command(self, command: Command) -> Decision:
        if command.verb == b"DATA":
            for recipient in self._before:
                self.ask(b"RCPT TO:<%b>\r\n" % recipient)
            self._before = tuple(self.recipients)
        return None


@smtp_fault("smtp-ehlo-keeps-transaction")
class EhloKeepsTransaction(SmtpMediator):
    """EHLO or HELO within a transaction is answered 250 and aborts nothing."""

    def command(self, command: Command) -> Decision:
        hello = command.is_hello or command.verb == b"HELO"
        return Answer(b"250 hello again\r\n") if hello and self.sender is not None else None


@smtp_fault("smtp-refused-ehlo-resets")
class RefusedEhloResets(SmtpMediator):
    """EHLO that is refused aborts the transaction."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.is_hello and reply.code >= 500 and self.sender is not None:
            self.ask(b"RSET\r\n")
        return None


@smtp_fault("smtp-broken-off-delivered")
class BrokenOffDelivered(SmtpMediator):
    """A message whose connection breaks off before the final dot is delivered as far as it came."""

    def client_ended(self) -> None:
        if self.awaits_text:
            self.ask(b"\r\n.\r\n")


@smtp_fault("smtp-second-message-vanishes")
class SecondMessageVanishes(SmtpMediator):
    """The second message of a connection is answered 250, and lost."""

    REFUSES_TEXTS = True
    _texts = 0

    def text(self, text: MailText) -> Decision:
        self._texts += 1
        return Answer(_TAKEN) if self._texts == 2 else None


@smtp_fault("smtp-reverse-path-of-first")
class ReversePathOfFirst(SmtpMediator):
    """Every message of a connection gets the reverse-path of the first one."""

    _first: bytes | None = None

    def command(self, command: Command) -> Decision:
        if command.verb != b"MAIL":
            return None
        if self._first is None:
            self._first = command.path
        return command.octets.replace(b"<%b>" % command.path, b"<%b>" % self._first)
