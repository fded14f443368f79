"""Faults in how commands are read: letter case, limits, parameters, and what a verb does."""

import re

from harness.peers.faults.mediation import Answer
from harness.peers.faults.smtp.mediator import Command, Decision, SmtpMediator, smtp_fault, with_lines
from harness.transport.interpose import Spoken
from harness.wire.smtp import Reply

_SYNTAX = b"500 5.5.2 syntax error\r\n"
_TOO_LONG = b"500 5.5.2 line too long\r\n"
_OK = b"250 2.0.0 OK\r\n"
_NO_USER = b"550 5.1.1 no such user here\r\n"
_FIRST = b"503 5.5.1 EHLO first\r\n"


@smtp_fault("smtp-verb-case")
class VerbCase(SmtpMediator):
    """Verbs in lower case are not recognised."""

    def command(self, command: Command) -> Decision:
        return Answer(_SYNTAX) if command.is_command and command.octets[:4].islower() else None


@smtp_fault("smtp-noop-arg")
class NoopArgument(SmtpMediator):
    """NOOP with an argument is refused."""

    def command(self, command: Command) -> Decision:
        refused = command.verb == b"NOOP" and command.argument
        return Answer(b"501 5.5.4 NOOP takes no argument\r\n") if refused else None


@smtp_fault("smtp-vrfy-claims")
class VrfyClaims(SmtpMediator):
    """VRFY says 250 for anybody."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"VRFY" and command.argument:
            return Answer(b"250 2.1.5 <%b>\r\n" % command.argument)
        return None


@smtp_fault("smtp-vrfy-missing", Spoken.SMTP)
class VrfyMissing(SmtpMediator):
    """VRFY is not implemented."""

    def command(self, command: Command) -> Decision:
        return Answer(b"500 5.5.1 command unrecognized\r\n") if command.verb == b"VRFY" else None


class _EndsTransaction(SmtpMediator):
    """A command that should change nothing ends the transaction."""

    VERB: bytes

    def command(self, command: Command) -> Decision:
        if command.verb == self.VERB:
            self.ask(b"RSET\r\n")
        return None


@smtp_fault("smtp-vrfy-resets")
class VrfyResets(_EndsTransaction):
    """VRFY ends the transaction."""

    VERB = b"VRFY"


@smtp_fault("smtp-expn-resets")
class ExpnResets(_EndsTransaction):
    """EXPN ends the transaction."""

    VERB = b"EXPN"


@smtp_fault("smtp-help-resets")
class HelpResets(_EndsTransaction):
    """HELP ends the transaction."""

    VERB = b"HELP"


@smtp_fault("smtp-noop-resets")
class NoopResets(_EndsTransaction):
    """NOOP ends the transaction."""

    VERB = b"NOOP"


@smtp_fault("smtp-help-missing")
class HelpMissing(SmtpMediator):
    """HELP is not implemented."""

    def command(self, command: Command) -> Decision:
        return Answer(b"502 5.5.1 command not implemented\r\n") if command.verb == b"HELP" else None


@smtp_fault("smtp-expn-hidden")
class ExpnHidden(SmtpMediator):
    """EXPN works, and no keyword announces it."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"EXPN" and command.argument:
            return Answer(b"250 2.1.5 <%b@list.example>\r\n" % command.argument)
        return None

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.is_hello and b"EXPN" in self.keywords:
            return with_lines(reply, [line for line in reply.lines if line.upper() != b"EXPN"])
        return None


@smtp_fault("smtp-helo-missing", Spoken.SMTP)
class HeloMissing(SmtpMediator):
    """HELO is not supported."""

    def command(self, command: Command) -> Decision:
        return Answer(b"502 5.5.1 use EHLO\r\n") if command.verb == b"HELO" else None


@smtp_fault("smtp-unknown-command-250")
class UnknownCommandTaken(SmtpMediator):
    """A command that is not known is answered 250."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return _OK if reply.code == 500 and command.verb else None


@smtp_fault("smtp-unknown-command-502")
class UnknownCommandNotImplemented(SmtpMediator):
    """A command that is not known is answered 502, as if it were known and not implemented."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        return b"502 5.5.1 not implemented\r\n" if reply.code == 500 and command.verb else None


@smtp_fault("smtp-command-line-256")
class ShortCommandLines(SmtpMediator):
    """Command lines of more than 256 octets are too long."""

    def command(self, command: Command) -> Decision:
        return Answer(_TOO_LONG) if command.is_command and len(command.octets) > 256 else None


@smtp_fault("smtp-local-part-32")
class ShortLocalParts(SmtpMediator):
    """Local parts of more than 32 octets are refused."""

    def command(self, command: Command) -> Decision:
        if command.verb in {b"MAIL", b"RCPT"} and len(command.path.rpartition(b"@")[0]) > 32:
            return Answer(b"501 5.1.7 local part too long\r\n")
        return None


@smtp_fault("smtp-path-128")
class ShortPaths(SmtpMediator):
    """Paths of more than 128 octets are refused."""

    def command(self, command: Command) -> Decision:
        if command.verb in {b"MAIL", b"RCPT"} and len(command.path) > 126:
            return Answer(b"501 5.1.7 path too long\r\n")
        return None


@smtp_fault("smtp-trailing-space-refused")
class TrailingSpaceRefused(SmtpMediator):
    """White space before the CRLF of a command is a syntax error."""

    def command(self, command: Command) -> Decision:
        refused = command.is_command and command.octets.rstrip(b"\r\n").endswith((b" ", b"\t"))
        return Answer(b"501 5.5.4 syntax error in parameters\r\n") if refused else None


@smtp_fault("smtp-parameters-dropped")
class ParametersDropped(SmtpMediator):
    """RSET, DATA and QUIT ignore what follows them."""

    def command(self, command: Command) -> Decision:
        if command.verb in {b"RSET", b"DATA", b"QUIT"} and command.argument:
            return command.verb + b"\r\n"
        return None


@smtp_fault("smtp-before-ehlo-503")
class NothingBeforeEhlo(SmtpMediator):
    """Before EHLO everything is answered 503."""

    def command(self, command: Command) -> Decision:
        early = not self.hello and command.verb in {b"NOOP", b"HELP", b"EXPN", b"VRFY", b"RSET"}
        return Answer(_FIRST) if early else None


@smtp_fault("smtp-ehlo-name-checked")
class EhloNameChecked(SmtpMediator):
    """Mail is refused where the name in EHLO is not that of the client's address."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL" and self.hello.startswith(b"["):
            return Answer(b"550 5.7.1 helo name does not match the address\r\n")
        return None


@smtp_fault("smtp-unknown-parameter-ignored")
class UnknownParameterIgnored(SmtpMediator):
    """A parameter of MAIL or RCPT that is not known is ignored."""

    _KNOWN = re.compile(
        rb"\s(?!(?:SIZE|BODY|AUTH|SMTPUTF8|RET|ENVID|NOTIFY|ORCPT|BY|MT-PRIORITY)\b)[^\s<>]+", re.IGNORECASE
    )

    def command(self, command: Command) -> Decision:
        path, bracket, parameters = command.octets.rstrip(b"\r\n").rpartition(b">")
        if command.verb in {b"MAIL", b"RCPT"} and bracket:
            return path + bracket + self._KNOWN.sub(b"", parameters) + b"\r\n"
        return None


@smtp_fault("smtp-body-parameter-refused")
class BodyParameterRefused(SmtpMediator):
    """8BITMIME is offered, and BODY=8BITMIME refused."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL" and b" BODY=8BITMIME" in command.octets.upper():
            return Answer(b"555 5.5.4 parameter BODY is not known here\r\n")
        return None


@smtp_fault("smtp-size-limit-not-at-mail")
class SizeNotChecked(SmtpMediator):
    """A declared size beyond the announced limit is accepted."""

    _SIZE = re.compile(rb" SIZE=[0-9]+", re.IGNORECASE)

    def command(self, command: Command) -> Decision:
        return self._SIZE.sub(b"", command.octets) if command.verb == b"MAIL" else None


@smtp_fault("smtp-size-half-the-limit")
class SizeHalved(SmtpMediator):
    """A declared size of more than half the announced limit is too large."""

    _SIZE = re.compile(rb" SIZE=([0-9]{1,20})", re.IGNORECASE)

    def command(self, command: Command) -> Decision:
        limit = self.keywords.get(b"SIZE", b"")
        declared = self._SIZE.search(command.octets) if command.verb == b"MAIL" else None
        if declared and limit.isdigit() and 0 < int(limit) < 2 * int(declared.group(1)):
            return Answer(b"552 5.3.4 message too large\r\n")
        return None


@smtp_fault("smtp-size-keyword-in-units")
class SizeInUnits(SmtpMediator):
    """The limit of SIZE is announced as `10M`."""

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        if command.is_hello:
            return with_lines(
                reply, [b"SIZE 10M" if line.upper().startswith(b"SIZE") else line for line in reply.lines]
            )
        return None


@smtp_fault("smtp-domain-case")
class DomainCase(SmtpMediator):
    """The domain of a recipient is compared octet by octet."""

    def command(self, command: Command) -> Decision:
        domain = command.path.rpartition(b"@")[2]
        return Answer(_NO_USER) if command.verb == b"RCPT" and domain != domain.lower() else None


@smtp_fault("smtp-sender-lowered")
class SenderLowered(SmtpMediator):
    """The local part of the reverse-path is lowered."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"MAIL":
            return command.octets.replace(command.path, command.path.lower())
        return None


@smtp_fault("smtp-quoted-local-part-refused")
class QuotedRefused(SmtpMediator):
    """A recipient whose local part is quoted is not known."""

    def command(self, command: Command) -> Decision:
        return Answer(_NO_USER) if command.verb == b"RCPT" and command.path.startswith(b'"') else None


@smtp_fault("smtp-source-route-refused")
class SourceRouteRefused(SmtpMediator):
    """A forward-path with a source route is a syntax error."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"RCPT" and command.path.startswith(b"@"):
            return Answer(b"501 5.1.3 bad recipient address syntax\r\n")
        return None


class _PostmasterRefused(SmtpMediator):
    """A way to name the postmaster is refused."""

    FORM: re.Pattern[bytes]

    def command(self, command: Command) -> Decision:
        if command.verb == b"RCPT" and self.FORM.fullmatch(command.path):
            return Answer(_NO_USER)
        return None


@smtp_fault("smtp-postmaster-bare-refused", Spoken.SMTP)
class BarePostmaster(_PostmasterRefused):
    """RCPT TO:<Postmaster> is refused."""

    FORM = re.compile(rb"postmaster", re.IGNORECASE)


@smtp_fault("smtp-postmaster-of-domain-refused", Spoken.SMTP)
class DomainsPostmaster(_PostmasterRefused):
    """The postmaster of a domain is refused."""

    FORM = re.compile(rb"postmaster@.*", re.IGNORECASE)


@smtp_fault("smtp-postmaster-case", Spoken.SMTP)
class PostmasterCase(_PostmasterRefused):
    """The postmaster is known in lower case only."""

    FORM = re.compile(rb"(?!postmaster)[Pp][Oo][Ss][Tt][Mm][Aa][Ss][Tt][Ee][Rr](?:@.*)?")
