"""The loop of an SMTP conversation: greet, read a command, carry it out, until QUIT or the line is cut."""

from collections.abc import Mapping
from typing import ClassVar

from reference_server.codec.smtp.command import CharacterError, CommandError, parse_command
from reference_server.codec.smtp.limits import (
    AUTH_LINE_OCTETS,
    COMMAND_LINE_OCTETS,
    MAIL_LINE_OCTETS,
    RCPT_LINE_OCTETS,
)
from reference_server.session.base import Arrival, Flush
from reference_server.session.smtp import (
    authentication,
    chunks,
    hello,
    information,
    transaction,
    verification,
)
from reference_server.session.smtp.conversation import (
    Command,
    Conversation,
    HungUp,
    LineTooLong,
    TooManyErrors,
)

_COMMANDS_PER_TURN = 200
"""So many pipelined commands are answered before the other sessions have a turn."""
_LINE_LIMITS = {b"MAIL": MAIL_LINE_OCTETS, b"RCPT": RCPT_LINE_OCTETS, b"AUTH": AUTH_LINE_OCTETS}

SHARED_COMMANDS: Mapping[bytes, Command] = {
    b"MAIL": transaction.mail,
    b"RCPT": transaction.rcpt,
    b"DATA": transaction.data,
    b"BDAT": chunks.bdat,
    b"RSET": transaction.rset,
    b"NOOP": information.noop,
    b"VRFY": verification.vrfy,
    b"EXPN": verification.expn,
    b"HELP": information.help_,
    b"QUIT": information.quit_,
    b"STARTTLS": hello.starttls,
    b"AUTH": authentication.auth,
}

_OUT_OF_USE: Mapping[bytes, Command] = dict.fromkeys(
    (b"TURN", b"SEND", b"SOML", b"SAML"), information.not_implemented
)
"""Known, and neither offered nor listed by HELP."""


class SmtpSession(Conversation):
    """The MX and the submission role; the settings tell which."""

    commands: ClassVar[Mapping[bytes, Command]] = {
        b"EHLO": hello.ehlo,
        b"HELO": hello.helo,
        **SHARED_COMMANDS,
    }

    async def run(self) -> None:
        """Serve the client (RFC 5321 §3.1 to §3.8)."""
        hostname = self.settings.hostname
        self.say(220, "", f"{hostname} {self.greeting_word} mailproof")
        try:
            while not self.ended:
                await self._serve_one()
                self.since_turn += 1
                if self.since_turn > _COMMANDS_PER_TURN:
                    self.since_turn = 0
                    await Flush()
        except HungUp as over:
            if over.arrival is Arrival.TIMEOUT:
                self.say(421, "4.4.2", f"{hostname} waited too long, closing connection")
            elif over.arrival is Arrival.SHUTDOWN:
                self.say(421, "4.3.2", f"{hostname} is shutting down")
        except TooManyErrors:
            self.say(421, "4.7.0", f"{hostname} too many errors, closing connection")

    greeting_word: ClassVar[str] = "ESMTP"

    async def _serve_one(self) -> None:
        try:
            line = await self.read_line()
            verb, argument = parse_command(line)
        except LineTooLong:
            self.refuse(500, "5.5.2", "line too long")
            return
        except CharacterError as error:
            # RFC 5321 §4.1.2: 501 where nothing else is wrong.
            if error.verb in self.commands:
                self.refuse(501, "5.5.2", str(error))
            else:
                self.refuse(500, "5.5.1", "command not recognised")
            return
        except CommandError as error:
            self.refuse(500, "5.5.2", str(error))
            return
        if len(line) > COMMAND_LINE_OCTETS - 2 and (
            len(line) > _LINE_LIMITS.get(verb, COMMAND_LINE_OCTETS) - 2
            or (verb == b"RCPT" and "smtp-rcpt-line-512" in self.defects)
        ):
            self.refuse(500, "5.5.2", "line too long")
            return
        command = self.commands.get(verb) or _OUT_OF_USE.get(verb)
        if command is None or ("smtp-verb-case" in self.defects and line[:4].islower()):
            self.refuse(500, "5.5.1", "command not recognised")
            return
        pending = command(self, argument)
        if pending is not None:
            await pending
