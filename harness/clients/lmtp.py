"""The LMTP client: as SMTP, but with one reply for each accepted recipient after the text (RFC 2033)."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.clients.smtp import CLIENT_NAME, SmtpClient
from harness.vocabulary.errors import LocalProtocolError
from harness.vocabulary.smtp import Code, Verb
from harness.wire.smtp import Reply, dot_stuff


@dataclass(frozen=True, slots=True)
class LmtpResult:
    """The replies of one transaction, as far as it went."""

    mail_reply: Reply
    rcpt_replies: tuple[Reply, ...]
    """One for each recipient, in the order of RCPT; empty if MAIL was refused."""
    data_reply: Reply | None
    """None if DATA was not sent, as no recipient was accepted."""
    delivery_replies: tuple[Reply, ...]
    """One for each accepted recipient, in the order of RCPT; empty if DATA was not answered by 354."""

    @property
    def first_refusal(self) -> Reply | None:
        """The first reply that is no agreement."""
        replies = (
            self.mail_reply,
            *self.rcpt_replies,
            *filter(None, [self.data_reply]),
            *self.delivery_replies,
        )
        return next((reply for reply in replies if not reply.is_positive), None)


class LmtpClient(SmtpClient):
    """An LMTP session seen from the client's side."""

    def lhlo(self, name: str = CLIENT_NAME) -> Reply:
        """Say LHLO, LMTP's only greeting, and note the keywords (RFC 2033 §4.1)."""
        return self._hello(Verb.LHLO, name)

    def send_text_lmtp(self, message: bytes, accepted: int) -> list[Reply]:
        """Send the mail text and return one reply for each of the `accepted` recipients (RFC 2033 §4.2)."""
        self.stream.send(dot_stuff(message))
        return self.read_replies(accepted)

    def deliver(self, *, sender: str | bytes, to: str | Sequence[str], message: bytes) -> LmtpResult:
        """Hand `message` in for those of `to` that the server accepts.

        Without any, and where DATA is refused, the transaction is ended by RSET.
        """
        recipients = [to] if isinstance(to, str) else to
        mail = self.mail(sender)
        if not mail.is_positive:
            return LmtpResult(mail, (), None, ())
        rcpts = tuple(self.rcpt(recipient) for recipient in recipients)
        accepted = sum(reply.is_positive for reply in rcpts)
        if not accepted:
            self._abandon(rcpts[-1] if rcpts else mail)
            return LmtpResult(mail, rcpts, None, ())
        data = self.data()
        if data.code != Code.START_MAIL_INPUT:
            return LmtpResult(mail, rcpts, self._abandon(data), ())
        return LmtpResult(mail, rcpts, data, tuple(self.send_text_lmtp(message, accepted)))

    def submit(
        self,
        *,
        sender: str | bytes,
        to: str | Sequence[str],
        message: bytes,
        parameters: Sequence[str | bytes] = (),
        pipelined: bool = False,
    ) -> Reply:
        """Deliver, and return the first refusal or else the reply for the last recipient.

        Unlike SMTP's, the message reaches the accepted recipients although another one is refused.
        """
        if parameters or pipelined:
            raise LocalProtocolError("LMTP's submit is plain: use mail, rcpt, data and send_text_lmtp")
        result = self.deliver(sender=sender, to=to, message=message)
        return result.first_refusal or result.delivery_replies[-1]
