"""What the mediators of SMTP and POP3 share: commands and replies joined into exchanges, in their order.

A mediator reads both sides and passes every octet on unless one of its hooks says otherwise. What it cannot
read (garbage, lines without an end) passes as it is; what it holds back is bounded.
"""

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.peers.faults.registry import fault
from harness.transport.interpose import Action, End, Ending, Interposer, Spoken, ToClient, ToServer, Wait

MAX_LINE_OCTETS = 1 << 16
"""A longer line passes as it comes, unread."""
MAX_HELD_OCTETS = 1 << 25
"""What is longer passes as it comes: a message, and what a client sends before it is its turn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The client gets these octets for its command; the server gets nothing."""

    octets: bytes


class Inbox:
    """Octets of one side that have come and were not read yet."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._scanned = 0

    def __len__(self) -> int:
        return len(self._octets)

    def add(self, octets: bytes) -> None:
        """Append what has come."""
        self._octets += octets

    def take(self, count: int | None = None) -> bytes:
        """Take up to `count` octets; all of them without it."""
        taken = bytes(self._octets[:count])
        del self._octets[:count]
        self._scanned = 0
        return taken

    def take_line(self) -> bytes | None:
        """Take a line with its LF, or what there is of one that is too long; None while neither is there."""
        end = self._octets.find(b"\n", self._scanned) + 1
        if end:
            return self.take(end)
        self._scanned = len(self._octets)
        return self.take() if len(self._octets) > MAX_LINE_OCTETS else None


class DottedText:
    """Looks for the end of what ends with a dot: mail text, or a multi-line response.

    `end` is matched against the octets with the CRLF of the line before them; it may look one octet ahead.
    """

    END = re.compile(rb"\r\n\.\r\n")
    _LOOK_BACK = 4

    def __init__(self, end: re.Pattern[bytes] = END) -> None:
        self._end = end
        self._tail = b"\r\n"
        self.complete = False
        self.end_octets = 0
        """How many of the last octets are the line of the dot."""

    def take(self, inbox: Inbox) -> bytes:
        """Take what belongs to the text off `inbox`."""
        fresh = inbox.take()
        window = self._tail + fresh
        if found := self._end.search(window):
            self.complete = True
            self.end_octets = len(found.group()) - found.group().index(b".")
            border = found.end() - len(self._tail)
            inbox.add(fresh[border:])
            return fresh[:border]
        self._tail = window[-self._LOOK_BACK :]
        return fresh


C = TypeVar("C")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class Exchange(Generic[C, R]):
    """A command whose reply is due."""

    command: C
    answer: bytes | None = None
    """What the client gets in place of the server's reply, which then is not awaited."""
    then: Callable[[R], None] | None = None
    """Who gets the reply to a command of our own; the client does not."""


@dataclass(slots=True)
class Shared:
    """What all connections through one fault have in common."""

    seed: int = 0
    sessions: int = 0
    """How many connections were opened."""
    notes: dict[bytes, bytes] = field(default_factory=dict)
    """For whatever a fault has to remember beyond a connection."""


class Mediator(ABC, Generic[C, R]):
    """Stands in one connection and reads it as exchanges."""

    def __init__(self, spoken: Spoken, shared: Shared | None = None) -> None:
        self.spoken = spoken
        self.shared = shared if shared is not None else Shared()
        self.number = self.shared.sessions
        """Which of the connections through this fault this is, from 0."""
        self.shared.sessions += 1
        self.tls = False
        """Whether TLS was started on the way."""
        self._inbox = Inbox()
        self._outbox = Inbox()
        self._due: deque[Exchange[C, R]] = deque()
        self._actions: list[Action] = []
        self._holding: Exchange[C, R] | None = None
        """The exchange without whose reply the client's further octets mean nothing."""
        self._given_up = False

    # -- hooks

    def command(self, command: C) -> bytes | Answer | None:
        """Say what the server gets for a command: other octets, nothing (`Answer`), or it as it is (None)."""

    def reply(self, command: C, reply: R) -> bytes | None:
        """Say what the client gets for the server's reply: other octets, or it as it is (None)."""

    def tls_begun(self) -> None:
        """Take note that the session begins anew under TLS."""

    def client_ended(self) -> None:
        """Take note that the client has ended its side."""

    # -- what hooks may do

    def ask(self, command: bytes, then: Callable[[R], None] | None = None, *, holds_up: bool = False) -> None:
        """Send a command of our own to the server; its reply goes to `then`, and not to the client.

        With `holds_up` nothing more of the client is read before that reply.
        """
        self._send(command)
        exchange = self._own_exchange(command, then if then is not None else _ignore)
        self._due.append(exchange)
        if holds_up:
            self._holding = exchange

    def wait(self, seconds: float) -> None:
        """Let time pass before what comes next."""
        self._actions.append(Wait(seconds))

    def end(self, ending: Ending = Ending.CLOSE) -> None:
        """End the connection after what was said so far."""
        self._actions.append(End(ending))

    def hear(self, octets: bytes) -> None:
        """Read octets as if the client had sent them, before those that it sends next."""
        self._inbox.add(octets)

    def say(self, octets: bytes) -> None:
        """Send something to the client at once, whatever it waits for."""
        if octets:
            self._actions.append(ToClient(octets))

    @property
    def replies_due(self) -> int:
        """How many commands wait for their reply; within `reply` the one that it belongs to counts."""
        return len(self._due)

    # -- the interposer

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """Read what the client has sent; cut anywhere, `b""` is its end."""
        if self._given_up:
            self._send(octets)
        elif octets:
            self._inbox.add(octets)
            self._read()
        else:
            self._send(self._take_unsent() + self._inbox.take())
            self.client_ended()
        return self._take_actions()

    def from_server(self, octets: bytes) -> Iterable[Action]:
        """Read what the server has sent; cut anywhere, `b""` is its end."""
        if self._given_up:
            self.say(octets)
        elif octets:
            self._outbox.add(octets)
            self._read()
        else:
            self._pass_rest()
        return self._take_actions()

    def tls_started(self) -> None:
        """Begin anew under TLS; what was not read is lost."""
        self.tls = True
        self._inbox.take()
        self._outbox.take()
        self._due.clear()
        self._holding = None
        self._begin()
        self.tls_begun()

    # -- what a protocol fills in

    @abstractmethod
    def _begin(self) -> None:
        """Forget all state of the session."""

    @abstractmethod
    def _read_client(self) -> bool:
        """Take one thing off `_inbox`; whether there was one."""

    @abstractmethod
    def _read_server(self) -> bool:
        """Take one thing off `_outbox`; whether there was one."""

    def _take_unsent(self) -> bytes:
        """Take what was read of the client's side and not passed."""
        return b""

    @abstractmethod
    def _take_held(self) -> bytes:
        """Take what was read of a reply and not passed."""

    @abstractmethod
    def _settle(self, command: C, reply: R | None, passing: bytes) -> None:
        """Take note that the reply, None where the server gave none, has reached the client as `passing`."""

    @abstractmethod
    def _own_exchange(self, command: bytes, then: Callable[[R], None]) -> Exchange[C, R]:
        """Return the exchange for a command of our own."""

    # -- the order of exchanges

    def _send(self, octets: bytes) -> None:
        if octets:
            self._actions.append(ToServer(octets))

    def _pass_command(self, command: C, octets: bytes, *, holds_up: bool = False) -> bool:
        """Let the hook decide about a command, and have its reply due; whether the server gets it."""
        decision = self.command(command)
        exchange: Exchange[C, R] = Exchange(command)
        self._due.append(exchange)
        if holds_up:
            self._holding = exchange
        if isinstance(decision, Answer):
            exchange.answer = decision.octets
            self._release()
            return False
        self._send(octets if decision is None else decision)
        return True

    def _take_reply(self, command: C, exchange: Exchange[C, R] | None, reply: R, octets: bytes) -> None:
        """Pass a complete reply on; `exchange` is None for one that nobody waits for, or that more follow."""
        if exchange is not None and exchange.then is not None:
            self._due.popleft()
            if self._holding is exchange:
                self._holding = None
            exchange.then(reply)
        else:
            decision = self.reply(command, reply)
            passing = octets if decision is None else decision
            self.say(passing)
            if exchange is not None:
                self._due.popleft()
                self._finish(exchange, reply, passing)
        self._release()

    def _release(self) -> None:
        """Give the answers whose turn has come."""
        while self._due and self._due[0].answer is not None:
            exchange = self._due.popleft()
            answer = exchange.answer or b""
            self.say(answer)
            self._finish(exchange, None, answer)

    def _finish(self, exchange: Exchange[C, R], reply: R | None, passing: bytes) -> None:
        if self._holding is exchange:
            self._holding = None
        self._settle(exchange.command, reply, passing)

    def _read(self) -> None:
        while self._read_server() or self._read_client():
            pass
        if len(self._inbox) > MAX_HELD_OCTETS:
            self._give_up()

    def _give_up(self) -> None:
        """Let everything pass from now on: nobody who speaks the protocol does what this client does."""
        self._given_up = True
        self._pass_rest()
        self._send(self._inbox.take())

    def _pass_rest(self) -> None:
        held = self._take_held() + self._outbox.take()
        if not (self._due and self._due[0].then is not None):
            self.say(held)

    def _take_actions(self) -> list[Action]:
        """Take the actions, with neighbours of one direction made one: what came together goes together."""
        actions: list[Action] = []
        for action in self._actions:
            last = actions[-1] if actions else None
            match last, action:
                case ToServer(before), ToServer(octets):
                    actions[-1] = ToServer(before + octets)
                case ToClient(before), ToClient(octets):
                    actions[-1] = ToClient(before + octets)
                case _:
                    actions.append(action)
        self._actions = []
        return actions


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class MediatorFactory:
    """Opens a mediator of one class in the connections whose protocol it reads."""

    mediator: Callable[[Spoken, Shared], Interposer]
    spoken: frozenset[Spoken]
    shared: Shared

    def open(self, spoken: Spoken) -> Interposer | None:
        """Return a mediator for a new connection, or None where another protocol is spoken."""
        return self.mediator(spoken, self.shared) if spoken in self.spoken else None


M = TypeVar("M", bound=Callable[[Spoken, Shared], Interposer])


def mediated_fault(name: str, *spoken: Spoken) -> Callable[[M], M]:
    """Register a class of mediators as the fault of this name, in the protocols that it is for."""

    def register(mediator: M) -> M:
        def factory(*, seed: int = 0) -> MediatorFactory:
            return MediatorFactory(mediator, frozenset(spoken), Shared(seed))

        fault(name)(factory)
        return mediator

    return register
