r"""Reads an SMTP or LMTP connection as exchanges, so that a fault says only what it does differently.

A fault is a class of mediators with one or two hooks:

    @smtp_fault("smtp-noop-arg")
    class NoopTakesNoArgument(SmtpMediator):
        '''NOOP with an argument is refused.'''

        def command(self, command: Command) -> bytes | Answer | None:
            if command.verb == b"NOOP" and command.argument:
                return Answer(b"501 5.5.4 no argument\r\n")
            return None
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

from harness.peers.faults.mediation import (
    MAX_HELD_OCTETS,
    Answer,
    DottedText,
    Exchange,
    M,
    Mediator,
    Shared,
    mediated_fault,
)
from harness.transport.interpose import Spoken
from harness.wire.smtp import Reply, dot_stuff

_MAX_REPLY_OCTETS = 1 << 20
_PATH = re.compile(rb"<([^>]*)>?")
_FOLLOWED = re.compile(rb"[0-9]{3}-")
_GO_AHEAD = b"354 end with <CRLF>.<CRLF>\r\n"
_TAKEN = b"250 2.0.0 OK\r\n"

Decision: TypeAlias = bytes | Answer | None
"""Other octets for the server, an answer to the client alone, or everything as it is."""


class Kind(Enum):
    """What the client has sent."""

    COMMAND = auto()
    RESPONSE = auto()
    """A line of an AUTH exchange (RFC 4954 §4)."""
    TEXT = auto()
    """The end of the mail text, or the last chunk: what the reply to it belongs to."""
    NOTHING = auto()
    """For the greeting, and whatever else a server says unasked."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, or what else a reply belongs to."""

    octets: bytes
    """As the client sent it, with its line end."""
    kind: Kind = Kind.COMMAND
    recipient: bytes = b""
    """The forward-path whose reply after the text this is, in LMTP."""
    left: int = 0
    """How many replies to the text follow."""

    @property
    def verb(self) -> bytes:
        """The verb in upper case; `b""` for what is no command."""
        return self.octets.split(None, 1)[0].upper() if self.is_command and self.octets.strip() else b""

    @property
    def argument(self) -> bytes:
        """What follows the verb, without the line end."""
        _, _, argument = self.octets.rstrip(b"\r\n").lstrip().partition(b" ")
        return argument.strip()

    @property
    def path(self) -> bytes:
        """The path of MAIL or RCPT, without its angle brackets."""
        found = _PATH.search(self.argument)
        return found.group(1) if found else self.argument.partition(b":")[2].strip()

    @property
    def is_command(self) -> bool:
        """Whether it is a command line."""
        return self.kind is Kind.COMMAND

    @property
    def is_text(self) -> bool:
        """Whether it is the end of the mail text."""
        return self.kind is Kind.TEXT

    @property
    def is_hello(self) -> bool:
        """Whether it is EHLO or LHLO."""
        return self.verb in {b"EHLO", b"LHLO"}


_GREETING = Command(b"", Kind.NOTHING)


@dataclass(frozen=True, slots=True)
class MailText:
    """A mail text as it is on the wire."""

    wire: bytes
    """With its doubled dots, up to the line of the final dot."""
    end: bytes = b".\r\n"
    """The line of the final dot."""

    @property
    def message(self) -> bytes:
        """The message that it carries: each line without its first dot."""
        return (b"\r\n" + self.wire).replace(b"\r\n.", b"\r\n")[2:]


def reply_of(octets: bytes) -> Reply:
    """Read octets as a reply; what is none has the code 0."""
    lines = [line.rstrip(b"\r\n") for line in octets.splitlines(keepends=True)]
    code = lines[0][:3] if lines else b""
    return Reply(int(code) if code.isdigit() else 0, tuple(line[4:] for line in lines), octets)


def with_lines(reply: Reply, lines: list[bytes] | tuple[bytes, ...]) -> bytes:
    """Return the octets of `reply` with other lines of text."""
    last = len(lines) - 1
    return b"".join(
        b"%d%b%b\r\n" % (reply.code, b" " if number == last else b"-", line)
        for number, line in enumerate(lines)
    )


class _Mode(Enum):
    LINES = auto()
    LONG_LINE = auto()
    RESPONSE = auto()
    TEXT = auto()
    CHUNK = auto()


class SmtpMediator(Mediator[Command, Reply]):
    """Stands in an SMTP or LMTP connection; does nothing by itself.

    What the session has come to is noted by what the server says, before any hook changes it.
    """

    TEXT_END = DottedText.END
    """What ends the mail text, matched from the CRLF before the dot on."""
    REFUSES_TEXTS = False
    """Whether `text` may answer: then the server is asked for DATA only when the text is there and good."""

    def __init__(self, spoken: Spoken, shared: Shared | None = None) -> None:
        super().__init__(spoken, shared)
        self._holds_texts = type(self).text is not SmtpMediator.text
        self._begin()
        self._due.append(Exchange(_GREETING))

    def _begin(self) -> None:
        self._mode = _Mode.LINES
        self._text = DottedText(self.TEXT_END)
        self._held_text = bytearray()
        self._server_awaits_text = False
        self._postponed: Command | None = None
        """DATA, until the replies before it and the text after it are there."""
        self._chunk_left = 0
        self._chunk_wanted = True
        self._chunk_is_last = False
        self._reply = bytearray()
        self._line_follows = False
        """Whether the line that is being read has more of the reply after it."""
        self._in_long_reply = False
        self._in_long_line = False
        self._text_replies: list[Command] | None = None
        self.hello = b""
        """What the client has called itself."""
        self.keywords: dict[bytes, bytes] = {}
        """The keywords of EHLO or LHLO in upper case, with their parameters."""
        self.authenticated = False
        self.sender: bytes | None = None
        """The reverse-path of the open transaction."""
        self.recipients: list[bytes] = []
        """The forward-paths that the server has accepted in it."""

    # -- hooks

    def text(self, text: MailText) -> Decision:
        """Say what message (dots not doubled) the server gets for a text, or answer for it.

        Where it is overridden, texts are held back until they are complete, but for very long ones. Where it
        answers, `REFUSES_TEXTS` is set. In LMTP the answer is given for each recipient.
        """

    @property
    def awaits_text(self) -> bool:
        """Whether the server waits for the rest of a mail text."""
        return self._mode is _Mode.TEXT and self._server_awaits_text

    # -- the client's side

    def _read_client(self) -> bool:
        if self._holding is not None:
            return False
        if self._postponed is not None and self._mode is _Mode.LINES:
            return self._invite(self._postponed)
        if not len(self._inbox):
            return False
        match self._mode:
            case _Mode.TEXT:
                self._read_text()
            case _Mode.CHUNK:
                self._read_chunk()
            case _:
                return self._read_line()
        return True

    def _read_line(self) -> bool:
        line = self._inbox.take_line()
        if line is None:
            return False
        complete = line.endswith(b"\n")
        if self._mode is _Mode.LONG_LINE or not complete:
            self._send(line)
            self._mode = _Mode.LINES if complete else _Mode.LONG_LINE
            if complete:
                self._due.append(Exchange(_GREETING))
            return True
        kind = Kind.RESPONSE if self._mode is _Mode.RESPONSE else Kind.COMMAND
        self._mode = _Mode.LINES
        command = Command(line, kind)
        if command.verb == b"BDAT":
            self._begin_chunk(command)
            return True
        if self.REFUSES_TEXTS and command.verb == b"DATA":
            self._postponed = command
            return True
        holds_up = kind is Kind.RESPONSE or command.verb in {b"DATA", b"AUTH"}
        self._pass_command(command, line, holds_up=holds_up)
        return True

    def _invite(self, data: Command) -> bool:
        """Ask for the text in the server's place, if the replies so far let expect that it would."""
        if self._due:
            return False
        if self.recipients and not data.argument:
            self.say(_GO_AHEAD)
            self._begin_text(server_awaits=False)
        else:
            self._postponed = None
            self._pass_command(data, data.octets, holds_up=True)
        return True

    def _begin_text(self, *, server_awaits: bool) -> None:
        self._mode = _Mode.TEXT
        self._text = DottedText(self.TEXT_END)
        self._held_text = bytearray()
        self._server_awaits_text = server_awaits

    def _begin_chunk(self, command: Command) -> None:
        size, _, last = command.argument.partition(b" ")
        if size.isdigit() and len(size) <= 20:
            self._mode = _Mode.CHUNK
            self._chunk_left = int(size)
            self._chunk_is_last = last.strip().upper() == b"LAST"
        if self._chunk_is_last and self._mode is _Mode.CHUNK:
            command = replace(command, kind=Kind.TEXT)
        self._chunk_wanted = self._pass_command(command, command.octets)
        if self._chunk_left == 0:
            self._mode = _Mode.LINES

    def _read_chunk(self) -> None:
        octets = self._inbox.take(self._chunk_left)
        self._chunk_left -= len(octets)
        if self._chunk_wanted:
            self._send(octets)
        if not self._chunk_left:
            self._mode = _Mode.LINES

    def _read_text(self) -> None:
        octets = self._text.take(self._inbox)
        if self._holds_texts and len(self._held_text) <= MAX_HELD_OCTETS:
            self._held_text += octets
            if self._text.complete:
                self._end_text(bytes(self._held_text))
            elif len(self._held_text) > MAX_HELD_OCTETS and self._server_awaits_text:
                self._send(bytes(self._held_text))
            return
        if self._server_awaits_text:
            self._send(octets)
        if self._text.complete:
            self._end_text(None)

    def _end_text(self, held: bytes | None) -> None:
        """Let the hook decide about a text that is complete; None for one that has passed already."""
        self._mode = _Mode.LINES
        data, self._postponed = self._postponed, None
        decision: Decision = None
        if held is not None:
            border = len(held) - self._text.end_octets
            decision = self.text(MailText(held[:border], held[border:]))
        exchange: Exchange[Command, Reply] = Exchange(Command(b".\r\n", Kind.TEXT))
        if isinstance(decision, Answer):
            copies = len(self.recipients) if self.spoken is Spoken.LMTP else 1
            exchange.answer = decision.octets * max(1, copies)
            if data is not None:
                self.ask(b"RSET\r\n")
        elif held is not None and (self._server_awaits_text or data is not None):
            octets = held if decision is None else dot_stuff(decision)
            if data is None:
                self._send(octets)
            else:
                self._send_with_data(data, octets, exchange)
        elif not self._server_awaits_text:
            exchange.answer = _TAKEN
        self._due.append(exchange)
        self._release()

    def _send_with_data(self, data: Command, octets: bytes, exchange: Exchange[Command, Reply]) -> None:
        """Ask the server for DATA, and send the text when it says 354; anything else answers the text."""

        def go_on(reply: Reply) -> None:
            if reply.code == 354:
                self._send(octets)
            else:
                exchange.answer = reply.octets

        self.ask(data.octets, go_on, holds_up=True)

    # -- the server's side

    def _read_server(self) -> bool:
        line = self._outbox.take_line()
        if line is None:
            return False
        if not self._in_long_line:
            self._line_follows = _FOLLOWED.match(line) is not None
        complete = line.endswith(b"\n")
        self._reply += line
        self._in_long_line = not complete
        if not complete or len(self._reply) > _MAX_REPLY_OCTETS:
            self._in_long_reply = True
        if self._in_long_reply:
            if not (self._due and self._due[0].then is not None):
                self.say(bytes(self._reply))
            if complete and not self._line_follows:
                self._in_long_reply = False
                self._drop_long_reply(reply_of(bytes(line)))
            self._reply.clear()
        elif not self._line_follows:
            octets = bytes(self._reply)
            self._reply.clear()
            self._receive(reply_of(octets))
        return True

    def _drop_long_reply(self, reply: Reply) -> None:
        """End the exchange of a reply that has passed unread."""
        if self._due:
            exchange = self._due.popleft()
            self._finish(exchange, reply, reply.octets)
            self._release()

    def _receive(self, reply: Reply) -> None:
        """Take a complete reply."""
        exchange = self._due[0] if self._due else None
        command = exchange.command if exchange is not None else _GREETING
        if command.is_text:
            if self._text_replies is None:
                self._text_replies = self._awaited_for(command)
            command = self._text_replies.pop(0)
            if command.left:
                exchange = None
            else:
                self._text_replies = None
        self._note(command, reply)
        self._take_reply(command, exchange, reply, reply.octets)

    def _awaited_for(self, command: Command) -> list[Command]:
        """Return what the replies to a text belong to: in LMTP one for each recipient (RFC 2033 §4.2)."""
        if self.spoken is not Spoken.LMTP or not self.recipients:
            return [command]
        last = len(self.recipients) - 1
        return [
            replace(command, recipient=recipient, left=last - number)
            for number, recipient in enumerate(self.recipients)
        ]

    def _note(self, command: Command, reply: Reply) -> None:
        """Follow the session by what the server says."""
        good = 200 <= reply.code < 300
        verb = command.verb
        if command.is_text:
            if not command.left:
                self._end_transaction()
        elif not good:
            return
        elif command.kind is Kind.RESPONSE or verb == b"AUTH":
            self.authenticated = True
        elif verb in {b"EHLO", b"LHLO", b"HELO"}:
            self.hello = command.argument
            words = [line.upper().partition(b" ") for line in reply.lines[1:]]
            self.keywords = {keyword: parameters for keyword, _, parameters in words}
            self._end_transaction()
        elif verb == b"MAIL":
            self._end_transaction()
            self.sender = command.path
        elif verb == b"RCPT":
            self.recipients.append(command.path)
        elif verb == b"RSET":
            self._end_transaction()

    def _end_transaction(self) -> None:
        self.sender = None
        self.recipients = []

    def _settle(self, command: Command, reply: Reply | None, passing: bytes) -> None:
        told = reply_of(passing).code if passing else 0
        if command.verb == b"DATA" and told == 354:
            self._begin_text(server_awaits=reply is not None and reply.code == 354)
        elif told == 334 and (command.verb == b"AUTH" or command.kind is Kind.RESPONSE):
            self._mode = _Mode.RESPONSE

    def _take_unsent(self) -> bytes:
        held = bytes(self._held_text) if self.awaits_text else b""
        self._held_text.clear()
        return held if len(held) <= MAX_HELD_OCTETS else b""

    def _take_held(self) -> bytes:
        held = bytes(self._reply)
        self._reply.clear()
        return held

    def _own_exchange(self, command: bytes, then: Callable[[Reply], None]) -> Exchange[Command, Reply]:
        return Exchange(Command(command), then=then)


def smtp_fault(name: str, *spoken: Spoken) -> Callable[[M], M]:
    """Register a class of mediators as a fault; of SMTP and LMTP alike unless told otherwise."""
    return mediated_fault(name, *(spoken or (Spoken.SMTP, Spoken.LMTP)))
