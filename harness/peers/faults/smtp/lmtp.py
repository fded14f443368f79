"""Faults of LMTP alone: its greeting and its replies after the text."""

from harness.peers.faults.mediation import Answer
from harness.peers.faults.smtp.mediator import Command, Decision, SmtpMediator, smtp_fault, with_lines
from harness.transport.interpose import Spoken
from harness.wire.smtp import Reply


@smtp_fault("lmtp-single-reply", Spoken.LMTP)
class SingleReply(SmtpMediator):
    """One reply to the final dot for all recipients."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return b"" if command.is_text and command.left else None


@smtp_fault("lmtp-replies-in-other-order", Spoken.LMTP)
class OtherOrder(SmtpMediator):
    """The replies after the text come in the reverse order of the recipients, those who failed first."""

    _kept = b""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if not command.is_text:
            return None
        self._kept = reply.octets + self._kept
        if command.left:
            return b""
        kept, self._kept = self._kept, b""
        return kept


@smtp_fault("lmtp-reply-for-refused", Spoken.LMTP)
class ReplyForRefused(SmtpMediator):
    """A recipient that was refused has a reply after the text as well."""

    _refused = 0

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL":
            self._refused = 0
        return None

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"RCPT" and not reply.is_positive:
            self._refused += 1
        if command.is_text and not command.left:
            return reply.octets + b"550 5.1.1 no such user here\r\n" * self._refused
        return None


@smtp_fault("lmtp-same-path-one-reply", Spoken.LMTP)
class SamePathOneReply(SmtpMediator):
    """Recipients that were named twice have one reply."""

    _answered: frozenset[bytes] = frozenset()

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb == b"DATA":
            self._answered = frozenset()
        if not command.is_text:
            return None
        before, self._answered = self._answered, self._answered | {command.recipient}
        return b"" if command.recipient in before else None


@smtp_fault("lmtp-data-no-rcpt-354", Spoken.LMTP)
class DataWithoutRecipient(SmtpMediator):
    """DATA without a recipient is answered 354, and the text once, by a refusal."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"DATA" and not self.recipients and not self.replies_due:
            return Answer(b"354 go ahead\r\n")
        return None


@smtp_fault("lmtp-ehlo-accepted", Spoken.LMTP)
class EhloAccepted(SmtpMediator):
    """HELO and EHLO mean what LHLO means."""

    def command(self, command: Command) -> Decision:
        return b"LHLO " + command.argument + b"\r\n" if command.verb in {b"EHLO", b"HELO"} else None


class _Unannounced(SmtpMediator):
    """An extension that every LMTP server has is not announced."""

    KEYWORD: bytes

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if not command.is_hello:
            return None
        return with_lines(reply, [line for line in reply.lines if line.upper() != self.KEYWORD])


@smtp_fault("lmtp-pipelining-missing", Spoken.LMTP)
class NoPipelining(_Unannounced):
    """PIPELINING is not announced."""

    KEYWORD = b"PIPELINING"


@smtp_fault("lmtp-enhanced-missing", Spoken.LMTP)
class NoEnhancedCodes(_Unannounced):
    """ENHANCEDSTATUSCODES is not announced."""

    KEYWORD = b"ENHANCEDSTATUSCODES"


@smtp_fault("lmtp-8bitmime-missing", Spoken.LMTP)
class NoEightBit(_Unannounced):
    """8BITMIME is not announced."""

    KEYWORD = b"8BITMIME"
