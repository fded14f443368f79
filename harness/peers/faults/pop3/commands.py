"""Faults in how POP3 commands are read, in which state they are taken, and in the form of responses."""

from harness.peers.faults.mediation import Answer
from harness.peers.faults.pop3.mediator import Command, Decision, Pop3Mediator, Response, pop3_fault

_OK = b"+OK\r\n"
_ERR = b"-ERR\r\n"
_LOGIN = {b"USER", b"PASS", b"APOP", b"AUTH", b"STLS"}
_TRANSACTION = {b"STAT", b"LIST", b"RETR", b"DELE", b"NOOP", b"RSET", b"TOP", b"UIDL"}
_KNOWN = _LOGIN | _TRANSACTION | {b"QUIT", b"CAPA", b"UTF8", b"LANG", b"LAST", b"XCLIENT", b"ID"}
_WITHOUT_ARGUMENTS = {b"STAT", b"NOOP", b"RSET", b"QUIT", b"CAPA"}


@pop3_fault("pop3-verb-case")
class VerbCase(Pop3Mediator):
    """Keywords in lower case are rejected."""

    def command(self, command: Command) -> Decision:
        words = command.words
        return Answer(b"-ERR unknown command\r\n") if words and words[0].islower() else None


@pop3_fault("pop3-unknown-command-ok")
class UnknownCommandOk(Pop3Mediator):
    """After login a command that is not known is answered with +OK."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        unknown = self.logged_in and command.verb and command.verb not in _KNOWN
        return _OK if unknown and not reply.ok else None


@pop3_fault("pop3-unknown-command-closes")
class UnknownCommandCloses(Pop3Mediator):
    """Before login, the connection is closed without a word after a command that is not known."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if self.logged_in or not command.verb or command.verb in _KNOWN:
            return None
        self.end()
        return b""


@pop3_fault("pop3-surplus-arguments-ignored")
class SurplusIgnored(Pop3Mediator):
    """Arguments that a command does not have are ignored."""

    def command(self, command: Command) -> Decision:
        most = {b"DELE": 1, b"RETR": 1, b"LIST": 1, b"UIDL": 1, b"TOP": 2}
        most |= dict.fromkeys(_WITHOUT_ARGUMENTS, 0)
        count = most.get(command.verb, len(command.arguments))
        if len(command.arguments) > count:
            return b" ".join(command.words[: count + 1]) + b"\r\n"
        return None


@pop3_fault("pop3-bad-number-is-one")
class BadNumberIsOne(Pop3Mediator):
    """A message number that is missing or malformed is taken for 1."""

    def command(self, command: Command) -> Decision:
        if command.verb in {b"RETR", b"DELE", b"TOP"} and command.number == 0:
            return b" ".join([command.verb, b"1", *command.arguments[1:]]) + b"\r\n"
        return None


@pop3_fault("pop3-stat-before-login")
class StatBeforeLogin(Pop3Mediator):
    """Before login the maildrop counts as an empty one, instead of being out of reach."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if self.logged_in or reply.ok:
            return None
        return {b"STAT": b"+OK 0 0\r\n", b"NOOP": _OK, b"RSET": _OK}.get(command.verb)


@pop3_fault("pop3-user-after-login")
class UserAfterLogin(Pop3Mediator):
    """USER and PASS are answered with +OK after login as well."""

    def command(self, command: Command) -> Decision:
        return Answer(_OK) if self.logged_in and command.verb in {b"USER", b"PASS"} else None


@pop3_fault("pop3-status-in-lower-case")
class StatusInLowerCase(Pop3Mediator):
    """The status indicator of a refusal is in lower case."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return b"-err" + reply.status[4:] if reply.status.startswith(b"-ERR") else None


@pop3_fault("pop3-err-without-crlf")
class ErrWithoutCrlf(Pop3Mediator):
    """A refusal ends with LF alone."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return reply.status.replace(b"\r\n", b"\n") if reply.status.startswith(b"-ERR") else None


@pop3_fault("pop3-empty-list-ends-twice")
class EmptyListEndsTwice(Pop3Mediator):
    """A multi-line response without lines has its end twice."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return reply.octets + b".\r\n" if reply.wire == b"" else None


@pop3_fault("pop3-greeting-of-two-lines")
class GreetingOfTwoLines(Pop3Mediator):
    """The greeting has a second line."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return None if command.octets else reply.octets + b"+OK have a nice day\r\n"


@pop3_fault("pop3-quit-before-login-silent")
class QuitBeforeLogin(Pop3Mediator):
    """QUIT before login closes the connection without a response."""

    def command(self, command: Command) -> Decision:
        if command.verb != b"QUIT" or self.logged_in:
            return None
        self.end()
        return Answer(b"")


@pop3_fault("pop3-quit-stays-open")
class QuitStaysOpen(Pop3Mediator):
    """After QUIT the connection stays open."""

    def command(self, command: Command) -> Decision:
        if command.verb != b"QUIT" or not self.logged_in:
            return None
        for number in sorted(self.deleted):
            self.ask(b"DELE %d\r\n" % number)
        return Answer(_OK)


@pop3_fault("pop3-noop-refused")
class NoopRefused(Pop3Mediator):
    """NOOP is not implemented."""

    def command(self, command: Command) -> Decision:
        return Answer(b"-ERR not implemented\r\n") if command.verb == b"NOOP" else None


@pop3_fault("pop3-one-command-per-packet")
class OneCommandPerPacket(Pop3Mediator):
    """A command that comes before the last one was answered is refused."""

    def command(self, command: Command) -> Decision:
        return Answer(b"-ERR one at a time\r\n") if self.replies_due and command.verb else None


@pop3_fault("pop3-commands-of-80-octets")
class ShortCommands(Pop3Mediator):
    """What a command has beyond 80 octets is taken for another command."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        is_cut = len(command.octets) > 80 and command.verb not in {b"", b"AUTH"}
        return reply.octets + b"-ERR unknown command\r\n" if is_cut else None


# --- capabilities (RFC 2449)


class _Unavailable(Pop3Mediator):
    """A command that is announced is not available."""

    VERB: bytes

    def command(self, command: Command) -> Decision:
        return Answer(b"-ERR not implemented\r\n") if command.verb == self.VERB else None


@pop3_fault("pop3-top-unavailable")
class TopUnavailable(_Unavailable):
    """TOP is announced and not available."""

    VERB = b"TOP"


@pop3_fault("pop3-uidl-unavailable")
class UidlUnavailable(_Unavailable):
    """UIDL is announced and not available."""

    VERB = b"UIDL"


@pop3_fault("pop3-user-unavailable")
class UserUnavailable(_Unavailable):
    """USER is announced and not available."""

    VERB = b"USER"


class _Capabilities(Pop3Mediator):
    """Announces other capabilities than there are."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != b"CAPA" or reply.wire is None:
            return None
        return reply.with_lines(self.announced(reply.lines))

    def announced(self, lines: list[bytes]) -> list[bytes]:
        """The lines that the client gets for `lines`."""
        raise NotImplementedError


@pop3_fault("pop3-top-hidden")
class TopHidden(_Capabilities):
    """TOP is available and not announced."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        return [line for line in lines if line.upper() != b"TOP"]


@pop3_fault("pop3-capa-tabs")
class CapaTabs(_Capabilities):
    """The parameters of capabilities follow a tab."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        return [line.replace(b" ", b"\t") for line in lines]


@pop3_fault("pop3-capa-less-before-login")
class CapaLessBeforeLogin(_Capabilities):
    """What is available before login is announced after login only."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        return lines if self.logged_in else [line for line in lines if line.upper() != b"PIPELINING"]


@pop3_fault("pop3-capa-less-after-login")
class CapaLessAfterLogin(_Capabilities):
    """USER and RESP-CODES are not announced after login."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        gone = {b"USER", b"RESP-CODES", b"AUTH-RESP-CODE"} if self.logged_in else set()
        return [line for line in lines if line.upper() not in gone]


@pop3_fault("pop3-sasl-gone-after-login")
class SaslGoneAfterLogin(_Capabilities):
    """SASL is not announced after login."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        return [line for line in lines if not (self.logged_in and line.upper().startswith(b"SASL"))]


@pop3_fault("pop3-expire-in-words")
class ExpireInWords(_Capabilities):
    """EXPIRE is announced with a word that it does not have."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        return [*(line for line in lines if not line.upper().startswith(b"EXPIRE")), b"EXPIRE SOMETIME"]


@pop3_fault("pop3-stls-announced-after-login")
class StlsAnnounced(_Capabilities):
    """STLS is announced after login."""

    def announced(self, lines: list[bytes]) -> list[bytes]:
        return [*lines, b"STLS"] if self.logged_in and b"STLS" not in lines else lines


@pop3_fault("pop3-capa-after-login-refused")
class CapaAfterLoginRefused(Pop3Mediator):
    """CAPA is available before login only."""

    def command(self, command: Command) -> Decision:
        return Answer(_ERR) if command.verb == b"CAPA" and self.logged_in else None


@pop3_fault("pop3-capa-unmarks")
class CapaUnmarks(Pop3Mediator):
    """CAPA unmarks the messages that are marked as deleted."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"CAPA" and self.logged_in:
            self.ask(b"RSET\r\n")
        return None


@pop3_fault("pop3-response-code-open")
class ResponseCodeOpen(Pop3Mediator):
    """RESP-CODES is announced, and text begins with a bracket that is no response code's."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return b"-ERR [" + reply.status[5:] if reply.status.startswith(b"-ERR ") else None
