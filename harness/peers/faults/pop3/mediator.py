"""Reads a POP3 connection as exchanges, so that a fault says only what it does differently.

A fault is a class of mediators with one or two hooks:

    @pop3_fault("pop3-top-one-more")
    class TopSendsOneMore(Pop3Mediator):
        '''TOP sends a line more than it was asked for.'''

        def command(self, command: Command) -> bytes | Answer | None:
            ...
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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

Decision: TypeAlias = bytes | Answer | None
"""Other octets for the server, an answer to the client alone, or everything as it is."""

_END = b".\r\n"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, or what else a response belongs to."""

    octets: bytes
    """As the client sent it, with its line end; `b""` for the greeting, and what a server says unasked."""
    is_response: bool = False
    """Whether it is a line of an AUTH exchange (RFC 5034 §4)."""

    @property
    def words(self) -> list[bytes]:
        """The keyword as it was sent, and the arguments."""
        return [] if self.is_response else self.octets.split()

    @property
    def verb(self) -> bytes:
        """The keyword in upper case; `b""` for what is no command."""
        words = self.words
        return words[0].upper() if words else b""

    @property
    def arguments(self) -> list[bytes]:
        """The arguments."""
        return self.words[1:]

    @property
    def number(self) -> int:
        """The message number that the command names; 0 if it names none."""
        arguments = self.arguments
        return int(arguments[0]) if arguments and arguments[0].isdigit() and len(arguments[0]) < 10 else 0

    @property
    def is_auth(self) -> bool:
        """Whether it belongs to an AUTH exchange."""
        return self.is_response or (self.verb == b"AUTH" and bool(self.arguments))

    @property
    def is_multi_line(self) -> bool:
        """Whether a positive response to it has a body (RFC 1939 §3)."""
        if self.verb in {b"LIST", b"UIDL", b"AUTH"}:
            return not self.arguments
        return self.verb in {b"RETR", b"TOP", b"CAPA"}


_GREETING = Command(b"")


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it is on the wire."""

    status: bytes
    """The first line, with its line end."""
    wire: bytes | None = None
    """The body with its doubled dots, up to the line of the last dot; None where there is none."""

    @property
    def ok(self) -> bool:
        """Whether it is positive."""
        return self.status.startswith(b"+OK")

    @property
    def octets(self) -> bytes:
        """The response as it came."""
        return self.status if self.wire is None else self.status + self.wire + _END

    @property
    def body(self) -> bytes:
        """The body, each line without its first dot if it begins with one."""
        return (b"\r\n" + (self.wire or b"")).replace(b"\r\n.", b"\r\n")[2:]

    @property
    def lines(self) -> list[bytes]:
        """The lines of the body, without their line ends."""
        return self.body.split(b"\r\n")[:-1]

    def with_body(self, body: bytes) -> bytes:
        """Return the octets of the response with another body."""
        return self.status + (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + _END

    def with_lines(self, lines: Iterable[bytes]) -> bytes:
        """Return the octets of the response with other lines in its body."""
        return self.with_body(b"".join(line + b"\r\n" for line in lines))


class Pop3Mediator(Mediator[Command, Response]):
    """Stands in a POP3 connection; does nothing by itself.

    What the session has come to is noted by what the server says, before any hook changes it. Where `reply`
    is overridden, bodies are held back until they are complete, but for very long ones.
    """

    def __init__(self, spoken: Spoken, shared: Shared | None = None) -> None:
        super().__init__(spoken, shared)
        self._holds_bodies = type(self).reply is not Pop3Mediator.reply
        self._begin()
        self._due.append(Exchange(_GREETING))

    def _begin(self) -> None:
        self._in_long_line = False
        self._awaits_line = False
        self._in_auth = False
        self._status = b""
        self._body: DottedText | None = None
        self._held_body = bytearray()
        self.user = b""
        """The mailbox that was named last."""
        self.logged_in = False
        """Whether the session is in the TRANSACTION state."""
        self.deleted: set[int] = set()
        """The numbers of the messages that are marked as deleted."""

    # -- the client's side

    def _read_client(self) -> bool:
        if self._holding is not None:
            return False
        line = self._inbox.take_line()
        if line is None:
            return False
        complete = line.endswith(b"\n")
        if self._in_long_line or not complete:
            self._send(line)
            self._in_long_line = not complete
            if complete:
                self._due.append(Exchange(_GREETING))
            return True
        command = Command(line, is_response=self._in_auth)
        self._in_auth = False
        holds_up = command.is_response or command.verb == b"AUTH"
        self._pass_command(command, line, holds_up=holds_up)
        return True

    # -- the server's side

    def _read_server(self) -> bool:
        if self._body is not None:
            return self._read_body(self._body)
        line = self._outbox.take_line()
        if line is None:
            return False
        exchange = self._due[0] if self._due else None
        if self._awaits_line or not line.endswith(b"\n"):
            self._pass_piece(line)
            self._awaits_line = not line.endswith(b"\n")
            if not self._awaits_line:
                self._drop_exchange()
            return True
        if exchange is not None and exchange.command.is_multi_line and line.startswith(b"+OK"):
            self._status = line
            self._body = DottedText()
            if not self._keeps(0):
                self._pass_piece(line)
            return True
        self._receive(Response(line))
        return True

    @property
    def _is_own(self) -> bool:
        return bool(self._due) and self._due[0].then is not None

    def _keeps(self, octets: int) -> bool:
        """Whether a body of so many octets is held back until it is complete."""
        return (self._holds_bodies or self._is_own) and octets <= MAX_HELD_OCTETS

    def _read_body(self, body: DottedText) -> bool:
        octets = body.take(self._outbox)
        kept = len(self._held_body)
        if not self._keeps(kept):
            self._pass_piece(octets)
        else:
            self._held_body += octets
            if not self._keeps(kept + len(octets)):
                self._pass_piece(self._status + bytes(self._held_body))
        if body.complete:
            self._body = None
            held, self._held_body = bytes(self._held_body), bytearray()
            if self._keeps(len(held)):
                self._receive(Response(self._status, held[: -body.end_octets]))
            else:
                self._drop_exchange()
        return body.complete

    def _pass_piece(self, octets: bytes) -> None:
        """Pass on what is not held back, unless it answers a command of our own."""
        if not self._is_own:
            self.say(octets)

    def _drop_exchange(self) -> None:
        """End the exchange of a response that has passed unread."""
        if self._due:
            exchange = self._due.popleft()
            response = Response(self._status)
            self._note(exchange.command, response)
            self._finish(exchange, response, self._status)
            self._release()

    def _receive(self, response: Response) -> None:
        exchange = self._due[0] if self._due else None
        command = exchange.command if exchange is not None else _GREETING
        self._note(command, response)
        self._take_reply(command, exchange, response, response.octets)

    def _note(self, command: Command, response: Response) -> None:
        """Follow the session by what the server says."""
        if not response.ok:
            return
        if command.verb == b"USER":
            self.user = command.octets.rstrip(b"\r\n").partition(b" ")[2]
        elif command.verb in {b"PASS", b"APOP"} or command.is_auth:
            self.logged_in = True
        elif command.verb == b"DELE":
            self.deleted.add(command.number)
        elif command.verb == b"RSET":
            self.deleted.clear()

    def _settle(self, command: Command, reply: Response | None, passing: bytes) -> None:
        self._in_auth = command.is_auth and passing.startswith((b"+ ", b"+\r"))

    def _take_held(self) -> bytes:
        held = b""
        if self._body is not None and self._keeps(len(self._held_body)):
            held = self._status + bytes(self._held_body)
            self._held_body.clear()
        return held

    def _own_exchange(self, command: bytes, then: Callable[[Response], None]) -> Exchange[Command, Response]:
        return Exchange(Command(command), then=then)


def pop3_fault(name: str) -> Callable[[M], M]:
    """Register a class of mediators as a fault of POP3."""
    return mediated_fault(name, Spoken.POP3)
