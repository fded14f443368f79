"""Reads an IMAP connection as commands and responses, so that a fault says only what it does differently.

A fault is a class of mediators with one or two hooks:

    @imap_fault("imap-logout-no-bye")
    class LogoutSaysNoBye(ImapMediator):
        '''LOGOUT sends no untagged BYE.'''

        def response(self, command: Command | None, response: Response) -> ResponseDecision:
            return b"" if response.word == b"BYE" and command and command.verb == b"LOGOUT" else None

A hook that has to ask the server something is a generator: it yields commands without a tag, gets an `Asked`
for each, and returns its decision; the dialogue stands still meanwhile:

        def command(self, command: Command) -> CommandDecision:
            seen = yield b"SEARCH SEEN"
            return None if seen.numbers else Answer(command.answer(b"NO"))

After an OK to COMPRESS (RFC 4978) everything passes unread.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import ClassVar, TypeAlias, TypeVar

from harness.peers.faults.imap.dialogue import Asked, Command, Response, during
from harness.peers.faults.imap.frames import ResponseFrames, announced_by_client, cut_at_literals
from harness.peers.faults.imap.state import SessionNotes
from harness.peers.faults.mediation import (
    MAX_HELD_OCTETS,
    Answer,
    Inbox,
    M,
    Shared,
    mediated_fault,
)
from harness.peers.faults.outlet import Outlet
from harness.transport.interpose import Action, Spoken

__all__ = [
    "Answer",
    "Asked",
    "Command",
    "CommandDecision",
    "ImapMediator",
    "OnTheSide",
    "Response",
    "ResponseDecision",
    "during",
    "imap_fault",
]


@dataclass(frozen=True, slots=True)
class OnTheSide:
    """A command of our own of whose news the client is not to hear: it selects another mailbox, say."""

    octets: bytes


D = TypeVar("D")
Script: TypeAlias = Generator[bytes | OnTheSide, Asked, D]
"""Asks, by commands without a tag, and returns what was asked for."""

CommandDecision: TypeAlias = bytes | Answer | Script[bytes | Answer | None] | None
"""Other octets for the server, an answer to the client alone, or everything as it is; or how to find out."""
ResponseDecision: TypeAlias = bytes | Script[bytes | None] | None
"""Other octets for the client (none to swallow it), or everything as it is; or how to find out."""

MAX_KEPT_OCTETS = 1 << 27
"""So much may be said while a script asks; then everything passes."""
MAX_COMMAND_OCTETS = 1 << 20
"""A literal that makes a command longer passes as it comes, unless the fault wants it whole."""

_TAG = b"zZproxy%d"
_NEWS = frozenset({b"EXISTS", b"RECENT", b"EXPUNGE", b"VANISHED"})
_CONVERSING = frozenset({b"IDLE", b"AUTHENTICATE", b"STARTTLS", b"LOGOUT", b"COMPRESS"})


class _Stage(Enum):
    """What the client's next octets are."""

    COMMAND = auto()
    """A line of a command."""
    LITERAL = auto()
    WAITING = auto()
    """Not known yet: the server has to say `+` first, or to complete the command."""
    RESPONSE = auto()
    """A line of an AUTHENTICATE exchange."""
    IDLING = auto()
    """The line that ends IDLE."""


@dataclass(slots=True, eq=False)
class _Due:
    """A command whose completion is due."""

    command: Command
    answer: bytes | None = None
    """What the client gets in place of a completion; the server does not know of the command."""
    then: Callable[[Asked], None] | None = None
    """Who gets the responses to a command of our own."""
    heard: list[Response] = field(default_factory=list)
    quiet: bool = False

    def is_completed_by(self, response: Response) -> bool:
        """Whether the response has the command's tag."""
        return self.answer is None and self.command.tag == response.tag


class ImapMediator(Outlet, SessionNotes):
    """Stands in an IMAP connection; does nothing by itself.

    What the session has come to is noted by what the server says, before any hook changes it.
    """

    whole: ClassVar[frozenset[bytes]] = frozenset()
    """The verbs whose commands the hook sees only when all literals are there, which are then asked for here.

    Of other commands that announce a literal for which the server has to ask, or a large one, it sees what
    goes before: `command.octets` ends with the announcement, and the rest passes as it comes.
    """

    def __init__(self, spoken: Spoken = Spoken.IMAP, shared: Shared | None = None) -> None:
        Outlet.__init__(self)
        SessionNotes.__init__(self)
        self.spoken = spoken
        self.shared = shared if shared is not None else Shared()
        self.number = self.shared.sessions
        """Which of the connections through this fault this is, from 0."""
        self.shared.sessions += 1
        self.tls = False
        """Whether TLS was started on the way."""
        self._inbox = Inbox()
        self._asked = 0
        self._begin()

    def _begin(self) -> None:
        """Forget all state of the session."""
        self._forget()
        self._opaque = False
        self._stage = _Stage.COMMAND
        self._after = _Stage.COMMAND
        """What follows WAITING."""
        self._waiting: Command | None = None
        self._left = 0
        """Octets of the client's literal that are still to come."""
        self._text = bytearray()
        """What there is of a command that no hook has seen."""
        self._open: Command | None = None
        """The command whose rest passes as it comes."""
        self._due: deque[_Due] = deque()
        self._pieces: deque[bytes] = deque()
        """What is left of a command that we send by its literals, as the server asks for them."""
        self._in_pieces: Command | None = None
        """The last command that was sent so."""
        self._scripts = 0
        self._kept = 0
        """Octets that are kept for scripts."""
        self._undecided = False
        """Whether a script decides about a command, of which nothing is sent yet."""
        self._held: Response | None = None
        """The response that a script decides about."""
        self._later: deque[tuple[Command | None, Response]] = deque()
        self._frames = ResponseFrames()

    # -- hooks

    def command(self, command: Command) -> CommandDecision:
        """Say what the server gets for a command."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        """Say what the client gets for a response to `command`, or during it."""

    def continued(self, command: Command, line: bytes) -> bytes | None:
        """Say what the server gets for a line that goes on with AUTHENTICATE or ends IDLE."""

    def tls_begun(self) -> None:
        """Take note that the session begins anew under TLS."""

    # -- what hooks may do

    @property
    def in_literal(self) -> bool:
        """Whether the client's next octets belong to a literal."""
        return self._stage is _Stage.LITERAL

    # -- the interposer

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """Read what the client has sent; cut anywhere, `b""` is its end."""
        if self._opaque:
            self._send(octets)
        elif octets:
            self._inbox.add(octets)
            self._read()
        else:
            self._send(self._take_unsent())
        return self._take_actions()

    def from_server(self, octets: bytes) -> Iterable[Action]:
        """Read what the server has sent; cut anywhere, `b""` is its end."""
        if self._opaque:
            self.say(octets)
        elif octets:
            self._frames.add(octets)
            self._read()
        else:
            self._pass_rest()
        return self._take_actions()

    def tls_started(self) -> None:
        """Begin anew under TLS; what was not read is lost."""
        self.tls = True
        self._inbox.take()
        self._begin()
        self.tls_begun()

    def _read(self) -> None:
        while self._read_server() or self._read_client():
            pass
        if len(self._inbox) > MAX_HELD_OCTETS:
            self._give_up()

    def _give_up(self) -> None:
        """Let everything pass from now on: nobody who speaks IMAP does what this client does."""
        self._pass_rest()
        self._send(self._take_unsent())
        self._opaque = True

    def _take_unsent(self) -> bytes:
        unsent = b"".join(self._pieces) + self._text + self._inbox.take()
        self._pieces.clear()
        self._text.clear()
        return unsent

    def _pass_rest(self) -> None:
        """Let pass what was held of the server's."""
        ours = self._first_asked()
        if self._held is not None:
            self.say(self._held.octets)
            self._held = None
        for _, response in self._later:
            self.say(response.octets)
        self._later.clear()
        rest = self._frames.take_rest()
        if ours is None or ours.then is None:
            self.say(rest)

    # -- the client's side

    @property
    def _client_waits(self) -> bool:
        """Whether the client's octets mean nothing yet, or have to wait for something of ours."""
        return bool(self._scripts or self._pieces) or self._stage is _Stage.WAITING or self._opaque

    def _read_client(self) -> bool:
        """Take one thing off what the client has sent; whether there was one."""
        if not len(self._inbox) or self._client_waits:
            return False
        if self._stage is _Stage.LITERAL:
            octets = self._inbox.take(self._left)
            self._left -= len(octets)
            if not self._left:
                self._stage = _Stage.COMMAND
            self._add(octets)
            return True
        line = self._inbox.take_line()
        if line is None:
            return False
        match self._stage:
            case _Stage.RESPONSE | _Stage.IDLING:
                self._continue(line)
            case _:
                self._take_line(line)
        return True

    def _continue(self, line: bytes) -> None:
        """Pass a line of an AUTHENTICATE exchange, or what ends IDLE."""
        command = self._waiting
        assert command is not None
        decision = self.continued(command, line)
        passing = line if decision is None else decision
        self._send(passing)
        if self._stage is _Stage.RESPONSE and passing:
            self._wait_for(command, _Stage.RESPONSE)
        elif self._stage is _Stage.IDLING and passing:
            self._stage = _Stage.COMMAND

    def _take_line(self, line: bytes) -> None:
        announced = announced_by_client(line)
        self._add(line)
        if announced is None:
            if line[-1:] == b"\n":
                self._complete()
            return
        size, waits = announced
        if self._open is None:
            command = Command(bytes(self._text))
            if command.verb in self.whole:
                passes = len(self._text) + size > MAX_HELD_OCTETS
            else:
                passes = waits or len(self._text) + size > MAX_COMMAND_OCTETS
            if not passes:
                if waits:
                    self.say(b"+ go on\r\n")
                self._expect_literal(size)
                return
            self._open = command
            self._text.clear()
            self._expect(command, size, waits=waits)
            self._decide(command)
        else:
            self._expect(self._open, size, waits=waits)

    def _expect(self, command: Command, size: int, *, waits: bool) -> None:
        """Set the stage for a literal that passes as it comes."""
        if waits and not command.dropped:
            self._left = size
            self._wait_for(command, _Stage.LITERAL if size else _Stage.COMMAND)
        elif waits:
            self._open = None
        else:
            self._expect_literal(size)

    def _expect_literal(self, size: int) -> None:
        self._left = size
        self._stage = _Stage.LITERAL if size else _Stage.COMMAND

    def _wait_for(self, command: Command, after: _Stage) -> None:
        self._stage, self._after, self._waiting = _Stage.WAITING, after, command

    def _add(self, octets: bytes) -> None:
        """Add octets to the command that is being read, or pass them if its beginning has passed."""
        if self._open is None:
            self._text += octets
            if len(self._text) > MAX_HELD_OCTETS + MAX_COMMAND_OCTETS:
                self._give_up()
        elif not self._open.dropped:
            self._send(octets)
            if len(self._open.octets) < MAX_COMMAND_OCTETS:
                self._open.octets += octets

    def _complete(self) -> None:
        """Take note that the command that is being read is complete."""
        if self._open is not None:
            self._open = None
            return
        command = Command(bytes(self._text))
        self._text.clear()
        self._decide(command)

    def _decide(self, command: Command) -> None:
        """Ask the hook about a command."""
        decision = self.command(command)
        if isinstance(decision, Generator):
            self._undecided = True
            self._run(decision, lambda found: self._pass_command(command, found))
        else:
            self._pass_command(command, decision)

    def _pass_command(self, command: Command, decision: bytes | Answer | None) -> None:
        self._undecided = False
        if isinstance(decision, Answer):
            command.dropped = True
            if self._stage is _Stage.WAITING and self._waiting is command:
                self._stage, self._open = _Stage.COMMAND, None
            self._due.append(_Due(command, answer=decision.octets))
            self._release()
            return
        self._due.append(_Due(command))
        octets = command.octets if decision is None else decision
        if self._open is command:
            self._send(octets)
            return
        self._send_by_literals(command, octets)
        if command.verb == b"AUTHENTICATE":
            self._wait_for(command, _Stage.RESPONSE)
        elif command.verb == b"IDLE":
            self._wait_for(command, _Stage.IDLING)

    def _send_by_literals(self, command: Command, octets: bytes) -> None:
        """Send a whole command, each literal when the server has asked for it."""
        self._in_pieces = command
        self._pieces.extend(cut_at_literals(octets))
        self._send(self._pieces.popleft())

    # -- the server's side

    def _read_server(self) -> bool:
        """Take one thing off what the server has sent; whether there was one."""
        found = None if self._opaque else self._frames.take()
        match found:
            case None:
                return False
            case Response():
                self._take_response(found)
            case _:
                ours = self._first_asked()
                if ours is None or ours.then is None:
                    self.say(found)
        return True

    def _first_asked(self) -> _Due | None:
        """The oldest command that the server has to complete: what comes untagged comes during it."""
        return next((due for due in self._due if due.answer is None), None)

    def _take_response(self, response: Response) -> None:
        due = self._first_asked()
        if response.is_tagged:
            due = next((each for each in self._due if each.is_completed_by(response)), None)
            if due is not None:
                self._due.remove(due)
            if due is not None and due.command is self._in_pieces:
                self._pieces.clear()
        elif response.is_continuation and self._pieces:
            self._send(self._pieces.popleft())
            return
        if due is not None and due.then is not None:
            self._hear(due, due.then, response)
        elif self._held is not None:
            self._later.append((due.command if due is not None else None, response))
            self._keep(response)
        else:
            self._judge(due.command if due is not None else None, response)

    def _hear(self, due: _Due, then: Callable[[Asked], None], response: Response) -> None:
        """Take what is said to a command of our own."""
        if response.is_tagged:
            then(Asked(tuple(due.heard), response))
        elif response.word == b"BYE" or (response.word in _NEWS and not due.quiet):
            self._note(None, response)
            self.say(response.octets)
        else:
            due.heard.append(response)
            self._keep(response)

    def _keep(self, response: Response) -> None:
        """Count what is kept for a script; one that never gets to its end must not fill our memory."""
        self._kept += len(response.octets)
        if self._kept > MAX_KEPT_OCTETS:
            self._give_up()

    def _judge(self, command: Command | None, response: Response) -> None:
        """Ask the hook about a response."""
        self._note(command, response)
        decision = self.response(command, response)
        if isinstance(decision, Generator):
            self._held = response
            self._run(decision, lambda found: self._judged(response, found))
        else:
            self._pass_response(response, decision)

    def _judged(self, response: Response, decision: bytes | None) -> None:
        """Pass what a script decided about, and what has come since."""
        self._held = None
        self._pass_response(response, decision)
        while self._later and self._held is None:
            self._judge(*self._later.popleft())

    def _pass_response(self, response: Response, decision: bytes | None) -> None:
        self.say(response.octets if decision is None else decision)
        self._release()
        if self._opaque:
            self._pass_rest()
            self._send(self._take_unsent())

    def _release(self) -> None:
        """Give the answers whose turn has come."""
        while self._due and self._due[0].answer is not None and self._held is None:
            self.say(self._due.popleft().answer or b"")

    def _note(self, command: Command | None, response: Response) -> None:
        """Take note of what the session has come to."""
        self._note_response(command, response)
        self._leave_stage(command, response)
        self._opaque = self._opaque or (response.ok and during(command, b"COMPRESS"))

    def _leave_stage(self, command: Command | None, response: Response) -> None:
        """See whether the server has said what the client's next octets are."""
        concerns = self._waiting is command
        match self._stage:
            case _Stage.WAITING if concerns and response.is_continuation:
                self._stage = self._after
            case _Stage.WAITING if (concerns and response.is_tagged) or response.word in {b"BAD", b"BYE"}:
                self._stage, self._open = _Stage.COMMAND, None
            case _Stage.RESPONSE | _Stage.IDLING if concerns and response.is_tagged:
                self._stage = _Stage.COMMAND

    # -- commands of our own

    @property
    def _may_ask(self) -> bool:
        """Whether the server would take a command now."""
        if self._pieces or any(due.command.verb in _CONVERSING for due in self._due if due.answer is None):
            return False
        return self._undecided or (self._stage is _Stage.COMMAND and self._open is None)

    def _run(self, script: Script[D], done: Callable[[D], None]) -> None:
        """Run a script up to its end; until then the client's octets wait."""
        self._scripts += 1
        self._kept = 0
        self._go_on(script, None, done)

    def _go_on(self, script: Script[D], answer: Asked | None, done: Callable[[D], None]) -> None:
        try:
            wanted = next(script) if answer is None else script.send(answer)
            while not self._may_ask:
                wanted = script.send(Asked())
        except StopIteration as end:
            self._scripts -= 1
            done(end.value)
            return
        self._ask(wanted, lambda heard: self._go_on(script, heard, done))

    def _ask(self, wanted: bytes | OnTheSide, then: Callable[[Asked], None]) -> None:
        octets = wanted.octets if isinstance(wanted, OnTheSide) else wanted
        self._asked += 1
        command = Command(_TAG % self._asked + b" " + octets + b"\r\n")
        self._due.append(_Due(command, then=then, quiet=isinstance(wanted, OnTheSide)))
        self._send_by_literals(command, command.octets)


def imap_fault(name: str) -> Callable[[M], M]:
    """Register a class of mediators as the fault of this name."""
    return mediated_fault(name, Spoken.IMAP)
