"""Faults in the form, the number and the order of replies."""

import re

from harness.peers.faults.mediation import Answer
from harness.peers.faults.smtp.mediator import Command, Decision, SmtpMediator, smtp_fault, with_lines
from harness.transport.interpose import Spoken
from harness.wire.smtp import Reply

_ENHANCED = re.compile(rb"([245])(?=\.\d{1,3}\.\d{1,3}(?:\s|$))")


@smtp_fault("smtp-multiline-codes")
class MultilineCodes(SmtpMediator):
    """The lines of an EHLO reply differ in code."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if not command.is_hello or reply.code != 250:
            return None
        last = len(reply.lines) - 1
        return b"".join(
            b"%d%b%b\r\n" % (250 + number % 2, b" " if number == last else b"-", line)
            for number, line in enumerate(reply.lines)
        )


@smtp_fault("smtp-enhanced-class")
class EnhancedClass(SmtpMediator):
    """The class of a status code is not the first digit of the reply code."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if reply.enhanced is None:
            return None
        other = b"4" if reply.code >= 500 else b"5"
        return with_lines(reply, [_ENHANCED.sub(other, line, count=1) for line in reply.lines])


@smtp_fault("smtp-enhanced-first-line-only")
class EnhancedFirstLine(SmtpMediator):
    """Of a reply of several lines only the first one has the status code."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if reply.enhanced is None or len(reply.lines) == 1:
            return None
        bare = [re.sub(rb"^\d\.\d+\.\d+ ?", b"", line) for line in reply.lines[1:]]
        return with_lines(reply, [reply.lines[0], *bare])


@smtp_fault("smtp-enhanced-missing-in-refusals")
class EnhancedMissing(SmtpMediator):
    """ENHANCEDSTATUSCODES is offered, and refusals have no status code."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if reply.enhanced is None or reply.code < 400:
            return None
        return with_lines(reply, [re.sub(rb"^\d\.\d+\.\d+ ?", b"", line) for line in reply.lines])


@smtp_fault("smtp-ehlo-without-domain")
class EhloWithoutDomain(SmtpMediator):
    """The reply to EHLO begins with a keyword."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.is_hello and reply.code == 250 and len(reply.lines) > 1:
            return with_lines(reply, reply.lines[1:])
        return None


@smtp_fault("smtp-ehlo-keyword-form")
class EhloKeywordForm(SmtpMediator):
    """AUTH is announced the way of old clients, as `AUTH=`, and SIZE as `SIZE=`."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.is_hello and reply.code == 250:
            return with_lines(reply, [re.sub(rb"^(AUTH|SIZE) ", rb"\1=", line) for line in reply.lines])
        return None


@smtp_fault("smtp-greeting-without-domain")
class GreetingWithoutDomain(SmtpMediator):
    """The greeting names nobody."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return b"220 \r\n" if reply.code == 220 and not command.octets else None


@smtp_fault("smtp-reply-bare-lf")
class ReplyBareLf(SmtpMediator):
    """Replies end with LF alone."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return reply.octets.replace(b"\r\n", b"\n") if command.verb == b"NOOP" else None


@smtp_fault("smtp-two-replies")
class TwoReplies(SmtpMediator):
    """RSET has two replies: one for the transaction that it ends, one for itself."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return reply.octets + b"250 2.0.0 OK\r\n" if command.verb == b"RSET" else None


@smtp_fault("smtp-early-250")
class EarlyOk(SmtpMediator):
    """250 for the text comes right behind 354, before there is a text."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if reply.code == 354 and self.recipients:
            return reply.octets + b"250 2.6.0 message taken\r\n" * self._texts
        return b"" if command.is_text else None

    @property
    def _texts(self) -> int:
        return len(self.recipients) if self.spoken is Spoken.LMTP else 1


@smtp_fault("smtp-replies-out-of-order")
class OutOfOrder(SmtpMediator):
    """Of two replies to a group of commands the second one comes first."""

    _kept = b""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb in {b"MAIL", b"RCPT"} and not self._kept and self.replies_due > 1:
            self._kept = reply.octets
            return b""
        kept, self._kept = self._kept, b""
        return reply.octets + kept


@smtp_fault("smtp-pipeline-flushed")
class PipelineFlushed(SmtpMediator):
    """What came in one packet with a command that is refused is thrown away."""

    _lost = 0

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if self._lost:
            self._lost -= 1
            return b""
        if reply.code >= 500 and command.verb:
            self._lost = self.replies_due - 1
        return None


@smtp_fault("smtp-quit-silent")
class QuitSilent(SmtpMediator):
    """QUIT closes the connection without a reply."""

    def command(self, command: Command) -> Decision:
        if command.verb != b"QUIT":
            return None
        self.end()
        return Answer(b"")


@smtp_fault("lmtp-quit-stays-open", Spoken.LMTP)
class QuitStaysOpen(SmtpMediator):
    """QUIT is answered 221, and the connection stays open."""

    def command(self, command: Command) -> Decision:
        return Answer(b"221 2.0.0 bye\r\n") if command.verb == b"QUIT" else None


@smtp_fault("smtp-closes-after-error")
class ClosesAfterError(SmtpMediator):
    """The connection is closed after a command that is not known."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.verb and reply.code == 500:
            self.say(reply.octets)
            self.end()
            return b""
        return None
