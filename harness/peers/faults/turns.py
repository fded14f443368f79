"""The base of faults that strike at some commands, or at the replies to them, in any protocol."""

import itertools
import math
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields

from harness.peers.faults.conversation import Answered, Command, Said, open_conversation
from harness.transport.interpose import Action, Spoken, ToClient, ToServer
from harness.vocabulary.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """A factory with a seed and parameters, none of them below zero.

    Each connection draws by lot in its own way, and the same way again for the same seed.
    """

    seed: int = 0
    _opened: Iterator[int] = field(default_factory=itertools.count, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for parameter in fields(self):
            value = getattr(self, parameter.name)
            if parameter.init and isinstance(value, (int, float)) and not 0 <= value < math.inf:
                raise UsageError(f"{parameter.name} must not be below 0, nor without end: {value}")

    def lot(self) -> random.Random:
        """Return what the next connection draws from."""
        return random.Random(f"{self.seed}/{next(self._opened)}")


@dataclass(frozen=True, kw_only=True)
class AtCommands(Seeded):
    """A fault that strikes at certain commands of every connection."""

    command: int = 1
    """It strikes at this one of the commands that match, counted from 1 in each connection."""
    times: int = 1
    """And at so many from there on; 0 means all."""
    match: str = ""
    """A regular expression, looked for in the command without its tag, in either case; all match by default.
    The end of a message's text is the command `.`."""
    chance: float = 1.0
    """How probably it strikes at each of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            re.compile(self.match.encode())
        except re.error as error:
            raise UsageError(f"match={self.match} is no regular expression: {error}") from None

    def trigger(self) -> "Trigger":
        """Return what decides in the next connection."""
        return Trigger(self, self.lot())


class Trigger:
    """Decides in one connection at which commands the fault strikes."""

    def __init__(self, orders: AtCommands, lot: random.Random) -> None:
        self._orders = orders
        self._pattern = re.compile(orders.match.encode(), re.IGNORECASE | re.DOTALL)
        self._matched = 0
        self.lot = lot

    def strikes(self, command: Command) -> bool:
        """Whether it strikes at this command; to be asked once for each, in order."""
        if not self._pattern.search(command.words):
            return False
        self._matched += 1
        first, times = max(1, self._orders.command), self._orders.times
        if self._matched < first or (times and self._matched >= first + times):
            return False
        return self._orders.chance >= 1 or self.lot.random() < self._orders.chance


class Turns:
    """An interposer that reads along and passes everything on, but for what a fault does in the hooks."""

    def __init__(self, spoken: Spoken, trigger: Trigger | None = None, *, at_greeting: bool = False) -> None:
        self.spoken = spoken
        self.conversation = open_conversation(spoken)
        self._trigger = trigger
        self._struck = {0} if at_greeting else set()

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """Pass on what the client says; the octets of a command that is struck at by way of the hook."""
        actions: list[Action] = []
        for said in self.conversation.from_client(octets):
            command = said.command
            if said.starts and command is not None and self._trigger and self._trigger.strikes(command):
                self._struck.add(command.number)
            if self.is_struck(command):
                actions.extend(self.say(said))
            else:
                actions.append(ToServer(said.octets))
        return actions

    def from_server(self, octets: bytes) -> Iterable[Action]:
        """Pass on what the server answers; the reply to a command that is struck at by way of the hook."""
        actions: list[Action] = []
        for answered in self.conversation.from_server(octets):
            if self.is_struck(answered.command):
                actions.extend(self.answer(answered))
            else:
                actions.append(ToClient(answered.octets))
            if answered.ends:
                if answered.command is not None:
                    self._struck.discard(answered.command.number)
                actions.extend(self.settle())
        return actions

    def tls_started(self) -> None:
        """Begin anew."""
        self.conversation.tls_started()
        self._struck.clear()

    def is_struck(self, command: Command | None) -> bool:
        """Whether the fault strikes at the command, and its reply is not over."""
        return command is not None and command.number in self._struck

    def say(self, said: Said) -> Iterable[Action]:
        """Return what is done about octets of a command that is struck at."""
        yield ToServer(said.octets)

    def answer(self, answered: Answered) -> Iterable[Action]:
        """Return what is done about octets of the reply to a command that is struck at."""
        yield ToClient(answered.octets)

    def settle(self) -> Iterable[Action]:
        """Return what is done now that a reply is over."""
        return ()
