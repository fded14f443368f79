"""Faults in the mail text: where it ends, what comes through, and what is refused for its content."""

import re

from harness.peers.faults.mediation import Answer
from harness.peers.faults.smtp.mediator import Command, Decision, MailText, SmtpMediator, smtp_fault
from harness.transport.interpose import Spoken
from harness.wire.smtp import Reply

_SEVEN_BITS = bytes(octet & 0x7F for octet in range(256))
_SIZE = re.compile(rb" SIZE=([0-9]{1,20})", re.IGNORECASE)


def _parts(message: bytes) -> tuple[bytes, bytes]:
    """The header with the empty line after it, and the body."""
    header, line, body = message.partition(b"\r\n\r\n")
    return header + line, body


@smtp_fault("smtp-dot-kept")
class DotKept(SmtpMediator):
    """The dot that transparency added is kept."""

    def text(self, text: MailText) -> Decision:
        return text.wire


@smtp_fault("smtp-8bit-stripped")
class EightBitStripped(SmtpMediator):
    """8BITMIME is offered and the eighth bit cleared."""

    def text(self, text: MailText) -> Decision:
        return text.message.translate(_SEVEN_BITS)


@smtp_fault("smtp-lf-dot-lf")
class LfDotLf(SmtpMediator):
    """A dot between bare LFs ends the data, and a bare LF ends a line."""

    TEXT_END = re.compile(rb"\n\.\r?\n")

    def text(self, text: MailText) -> Decision:
        return MailText(re.sub(rb"\r?\n", b"\r\n", text.wire)).message


@smtp_fault("smtp-cr-dot-cr")
class CrDotCr(SmtpMediator):
    """A dot between line ends of which one is a CR alone ends the data."""

    TEXT_END = re.compile(rb"\r\n?\.(?:\r\n|\r(?=[^\n]))")

    def text(self, text: MailText) -> Decision:
        return MailText(re.sub(rb"\r(?!\n)", b"\r\n", text.wire)).message


@smtp_fault("smtp-nul-dropped")
class NulDropped(SmtpMediator):
    """NULs are dropped before the end of the text is looked for."""

    TEXT_END = re.compile(rb"\r\n\0?\.\0?\r\n")

    def text(self, text: MailText) -> Decision:
        return MailText(text.wire.replace(b"\0", b"")).message


@smtp_fault("smtp-bare-lf-mended")
class BareLfMended(SmtpMediator):
    """A bare LF in the text is taken for the end of a line, and CR for nothing."""

    def text(self, text: MailText) -> Decision:
        return re.sub(rb"\r+\n|\r(?!\n)|(?<!\r)\n", b"\r\n", text.message)


@smtp_fault("smtp-line-990-wrapped")
class LineWrapped(SmtpMediator):
    """Lines of more than 990 octets are broken with an exclamation mark."""

    def text(self, text: MailText) -> Decision:
        return re.sub(rb"([^\r\n]{990})(?=[^\r\n])", rb"\1!\r\n ", text.message)


@smtp_fault("smtp-trailing-space-stripped")
class TrailingSpaceStripped(SmtpMediator):
    """Spaces and tabs at the end of a line are lost."""

    def text(self, text: MailText) -> Decision:
        header, body = _parts(text.message)
        return header + re.sub(rb"[ \t]+(?=\r\n)", b"", body)


@smtp_fault("smtp-last-line-added")
class LastLineAdded(SmtpMediator):
    """The CRLF before the final dot is taken for an empty line of the text."""

    def text(self, text: MailText) -> Decision:
        return text.message + b"\r\n"


@smtp_fault("smtp-empty-lines-merged")
class EmptyLinesMerged(SmtpMediator):
    """Of several empty lines in the body one is left."""

    def text(self, text: MailText) -> Decision:
        header, body = _parts(text.message)
        return header + re.sub(rb"(?:(?<=\n)|\A)[ \t]*\r\n(?:[ \t]*\r\n)+", b"\r\n", body)


@smtp_fault("smtp-header-unfolded")
class HeaderUnfolded(SmtpMediator):
    """Header fields of several lines become one line."""

    def text(self, text: MailText) -> Decision:
        header, body = _parts(text.message)
        return re.sub(rb"\r\n[ \t]+(?=\S)", b" ", header) + body


@smtp_fault("smtp-part-encoding-lost")
class PartEncodingLost(SmtpMediator):
    """Within a multipart body the parts lose their Content-Transfer-Encoding."""

    def text(self, text: MailText) -> Decision:
        header, body = _parts(text.message)
        return header + re.sub(rb"(?im)^Content-Transfer-Encoding:[^\n]*\n", b"", body)


@smtp_fault("smtp-received-dropped")
class ReceivedDropped(SmtpMediator):
    """Received fields that came with a message are removed."""

    def text(self, text: MailText) -> Decision:
        header, body = _parts(text.message)
        return re.sub(rb"(?im)^Received:[^\n]*\n(?:[ \t][^\n]*\n)*", b"", header) + body


@smtp_fault("smtp-size-ends-text")
class SizeEndsText(SmtpMediator):
    """The text is cut at the size that MAIL has declared."""

    _size = -1

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL":
            declared = _SIZE.search(command.octets)
            self._size = int(declared.group(1)) if declared else -1
        return None

    def text(self, text: MailText) -> Decision:
        return text.message[: self._size] if self._size >= 0 else None


@smtp_fault("smtp-large-text-cut")
class LargeTextCut(SmtpMediator):
    """Messages are cut after 100,000 octets."""

    def text(self, text: MailText) -> Decision:
        return text.message[:100_000]


class _Refuses(SmtpMediator):
    """Refuses some texts."""

    REFUSES_TEXTS = True
    REPLY = b"554 5.6.0 message refused\r\n"

    def text(self, text: MailText) -> Decision:
        return Answer(self.REPLY) if self.is_refused(*_parts(text.message)) else None

    def is_refused(self, header: bytes, body: bytes) -> bool:
        """Whether the message with these parts is refused."""
        raise NotImplementedError


@smtp_fault("smtp-message-32k")
class SmallMessages(_Refuses):
    """Messages of more than 32 KiB are too large."""

    REPLY = b"552 5.3.4 message too large\r\n"

    def is_refused(self, header: bytes, body: bytes) -> bool:
        return len(header) + len(body) > 1 << 15


@smtp_fault("smtp-loop-at-20")
class EarlyLoop(_Refuses):
    """A message with more than 20 Received fields is taken for one in a loop."""

    REPLY = b"554 5.4.6 too many hops\r\n"

    def is_refused(self, header: bytes, body: bytes) -> bool:
        return len(re.findall(rb"(?im)^Received:", header)) > 20


@smtp_fault("smtp-resent-refused")
class ResentRefused(_Refuses):
    """A message with Resent fields and no Resent-From or Resent-Date is refused."""

    def is_refused(self, header: bytes, body: bytes) -> bool:
        resent = {name.lower() for name in re.findall(rb"(?im)^(Resent-[a-z-]+):", header)}
        return bool(resent) and not resent >= {b"resent-from", b"resent-date"}


@smtp_fault("smtp-defects-refused")
class DefectsRefused(_Refuses):
    """A message without Date or From, or with bad MIME, is refused."""

    def is_refused(self, header: bytes, body: bytes) -> bool:
        names = [name.lower() for name in re.findall(rb"(?m)^([!-9;-~]+):", header)]
        boundary = re.search(rb'(?is)\nContent-Type:\s*multipart/.*?boundary="?([^"\r\n;]+)', b"\n" + header)
        closed = boundary is None or b"--" + boundary.group(1) + b"--" in body
        return not closed or names.count(b"from") != 1 or names.count(b"date") != 1


@smtp_fault("lmtp-one-refusal-for-all", Spoken.LMTP)
class RefusedForAll(SmtpMediator):
    """Where one recipient was refused, the text is refused for all the others."""

    REFUSES_TEXTS = True
    _refused = False

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL":
            self._refused = False
        return None

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        self._refused = self._refused or (command.verb == b"RCPT" and not reply.is_positive)
        return None

    def text(self, text: MailText) -> Decision:
        return Answer(b"550 5.1.1 a recipient is unknown\r\n") if self._refused else None
