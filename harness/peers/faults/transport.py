"""Bad connections, whatever is spoken on them: slow, cut, silent, lost, refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.peers.faults.conversation import Answered, Command, Said
from harness.peers.faults.registry import fault
from harness.peers.faults.turns import AtCommands, Seeded, Trigger, Turns
from harness.transport.interpose import Action, End, Ending, Interposer, Spoken, ToClient, ToServer, Wait

# How fast, in which pieces


class _Through:
    """An interposer that passes everything on as it comes."""

    def from_client(self, octets: bytes) -> Iterable[Action]:
        yield ToServer(octets)

    def from_server(self, octets: bytes) -> Iterable[Action]:
        yield ToClient(octets)

    def tls_started(self) -> None:
        """Take no note: there is no memory."""


@fault("transport-drip")
@dataclass(frozen=True, kw_only=True)
class Drip(Seeded):
    """What the server says arrives in pieces of so many octets, with a pause between two."""

    octets: int = 1
    seconds: float = 0.01

    def open(self, spoken: Spoken) -> Interposer:  # noqa: ARG002 - in any protocol
        """Return an interposer for a new connection."""
        return _Dripping(self)


class _Dripping(_Through):
    def __init__(self, orders: Drip) -> None:
        self._orders = orders

    def from_server(self, octets: bytes) -> Iterable[Action]:
        for piece in _pieces(octets, self._orders.octets):
            if self._orders.seconds:
                yield Wait(self._orders.seconds)
            yield ToClient(piece)


@fault("transport-split")
@dataclass(frozen=True, kw_only=True)
class Split(Seeded):
    """What the server says is cut into segments of so many octets, without a pause."""

    octets: int = 1

    def open(self, spoken: Spoken) -> Interposer:  # noqa: ARG002 - in any protocol
        """Return an interposer for a new connection."""
        return _Dripping(Drip(octets=self.octets, seconds=0.0))


@fault("transport-bandwidth")
@dataclass(frozen=True, kw_only=True)
class Bandwidth(Seeded):
    """The line carries so many octets in a second, either way."""

    octets_per_s: int = 10_000

    def open(self, spoken: Spoken) -> Interposer:  # noqa: ARG002 - in any protocol
        """Return an interposer for a new connection."""
        return _Narrow(max(1, self.octets_per_s))


class _Narrow(_Through):
    _PER_S = 20
    """Pieces in a second: what is small goes at once, what is large flows."""

    def __init__(self, octets_per_s: int) -> None:
        self._octets_per_s = octets_per_s

    def from_client(self, octets: bytes) -> Iterable[Action]:
        for piece in self._paced(octets):
            yield Wait(len(piece) / self._octets_per_s)
            yield ToServer(piece)

    def from_server(self, octets: bytes) -> Iterable[Action]:
        for piece in self._paced(octets):
            yield Wait(len(piece) / self._octets_per_s)
            yield ToClient(piece)

    def _paced(self, octets: bytes) -> Iterator[bytes]:
        return _pieces(octets, self._octets_per_s // self._PER_S)


def _pieces(octets: bytes, size: int) -> Iterator[bytes]:
    size = max(1, size)
    return (octets[start : start + size] for start in range(0, len(octets), size))


@fault("transport-delay")
@dataclass(frozen=True, kw_only=True)
class Delay(AtCommands):
    """Each command reaches the server so many seconds late."""

    times: int = 0
    seconds: float = 0.2

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Delayed(self, spoken)


class _Delayed(Turns):
    def __init__(self, orders: Delay, spoken: Spoken) -> None:
        super().__init__(spoken, orders.trigger())
        self._seconds = orders.seconds

    def say(self, said: Said) -> Iterable[Action]:
        if said.starts:
            yield Wait(self._seconds)
        yield ToServer(said.octets)


@fault("transport-stall")
@dataclass(frozen=True, kw_only=True)
class Stall(AtCommands):
    """The reply to a command comes so many seconds late; the server has done the command meanwhile."""

    seconds: float = 60.0

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Stalled(self, spoken)


class _Stalled(Turns):
    def __init__(self, orders: Stall, spoken: Spoken) -> None:
        super().__init__(spoken, orders.trigger())
        self._seconds = orders.seconds

    def answer(self, answered: Answered) -> Iterable[Action]:
        if answered.starts:
            yield Wait(self._seconds)
        yield ToClient(answered.octets)


# The greeting


@fault("transport-greeting-missing")
@dataclass(frozen=True, kw_only=True)
class GreetingMissing(Seeded):
    """The greeting is kept back for good."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Ungreeted(spoken)


class _Ungreeted(Turns):
    def __init__(self, spoken: Spoken) -> None:
        super().__init__(spoken, at_greeting=True)

    def answer(self, answered: Answered) -> Iterable[Action]:  # noqa: ARG002 - whatever it is
        return ()


@fault("transport-greeting-late")
@dataclass(frozen=True, kw_only=True)
class GreetingLate(Seeded):
    """The greeting comes so many seconds late."""

    seconds: float = 5.0

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _GreetedLate(spoken, self.seconds)


class _GreetedLate(Turns):
    def __init__(self, spoken: Spoken, seconds: float) -> None:
        super().__init__(spoken, at_greeting=True)
        self._seconds = seconds

    def answer(self, answered: Answered) -> Iterable[Action]:
        if answered.starts:
            yield Wait(self._seconds)
        yield ToClient(answered.octets)


@fault("transport-greeting-refusal")
@dataclass(frozen=True, kw_only=True)
class GreetingRefusal(Seeded):
    """The greeting says that there is no service now, and the connection ends."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _GreetedWithRefusal(spoken)


class _GreetedWithRefusal(Turns):
    def __init__(self, spoken: Spoken) -> None:
        super().__init__(spoken, at_greeting=True)

    def answer(self, answered: Answered) -> Iterable[Action]:  # noqa: ARG002 - whatever it is
        yield ToClient(_NO_SERVICE[self.spoken])
        yield End()


_NO_SERVICE = {
    Spoken.SMTP: b"421 4.3.2 Service not available now\r\n",
    Spoken.LMTP: b"421 4.3.2 Service not available now\r\n",
    Spoken.POP3: b"-ERR [SYS/TEMP] Service not available now\r\n",
    Spoken.IMAP: b"* BYE [UNAVAILABLE] Service not available now\r\n",
}


# Refusals


@dataclass(frozen=True, kw_only=True)
class _Refusal(AtCommands):
    """A command never reaches the server; the client gets a refusal of the proxy's own, in its turn."""

    reply: str = ""
    """What is said instead of the usual words, without line end; in IMAP also without tag."""

    usual: ClassVar[dict[Spoken, bytes]]

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Refusing(spoken, self.trigger(), self.reply.encode() or self.usual[spoken])


@fault("transport-refuse-for-now")
@dataclass(frozen=True, kw_only=True)
class RefuseForNow(_Refusal):
    """A command is refused for the time being: 4yz, -ERR and NO with the codes of RFC 3206 and 5530."""

    usual = {  # noqa: RUF012 - told by the base
        Spoken.SMTP: b"451 4.3.0 Try again later",
        Spoken.LMTP: b"451 4.3.0 Try again later",
        Spoken.POP3: b"-ERR [SYS/TEMP] Try again later",
        Spoken.IMAP: b"NO [UNAVAILABLE] Try again later",
    }


@fault("transport-refuse-for-good")
@dataclass(frozen=True, kw_only=True)
class RefuseForGood(_Refusal):
    """A command is refused for good: 5yz, -ERR with the code of RFC 3206, BAD."""

    usual = {  # noqa: RUF012 - told by the base
        Spoken.SMTP: b"554 5.3.0 Refused",
        Spoken.LMTP: b"554 5.3.0 Refused",
        Spoken.POP3: b"-ERR [SYS/PERM] Refused",
        Spoken.IMAP: b"BAD Refused",
    }


class _Refusing(Turns):
    """Answers in the server's place, when its turn has come.

    The end of a message's text cannot be kept from the server, which would wait for it: there the reply is
    exchanged, and the message may be delivered all the same.
    """

    def __init__(self, spoken: Spoken, trigger: Trigger, words: bytes) -> None:
        super().__init__(spoken, trigger)
        self._words = words

    def say(self, said: Said) -> Iterable[Action]:
        if said.command is None or said.command.is_text_end:
            yield ToServer(said.octets)
        elif said.starts:
            yield from self.settle()

    def answer(self, answered: Answered) -> Iterable[Action]:
        if answered.octets[3:4] != b"-" and answered.command is not None:
            yield ToClient(self._refusal(answered.command))

    def settle(self) -> Iterable[Action]:
        outstanding = self.conversation.outstanding
        while outstanding and self.is_struck(outstanding[0]) and not outstanding[0].is_text_end:
            command = outstanding[0]
            self.conversation.answered_by_another(command)
            yield ToClient(self._refusal(command))

    def _refusal(self, command: Command) -> bytes:
        tag = command.tag + b" " if command.tag else b""
        return tag + self._words + b"\r\n"


# Replies and ends


@fault("transport-reply-twice")
@dataclass(frozen=True, kw_only=True)
class ReplyTwice(AtCommands):
    """The whole reply to a command comes a second time."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Repeating(spoken, self.trigger())


class _Repeating(Turns):
    def __init__(self, spoken: Spoken, trigger: Trigger) -> None:
        super().__init__(spoken, trigger)
        self._reply = b""

    def answer(self, answered: Answered) -> Iterable[Action]:
        yield ToClient(answered.octets)
        self._reply = b"" if answered.starts else self._reply
        self._reply += answered.octets
        if answered.ends:
            yield ToClient(self._reply)


@fault("transport-reply-cut-short")
@dataclass(frozen=True, kw_only=True)
class ReplyCutShort(AtCommands):
    """The connection ends in the middle of the reply to a command."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _CuttingShort(spoken, self.trigger())


class _CuttingShort(Turns):
    def answer(self, answered: Answered) -> Iterable[Action]:
        yield ToClient(answered.octets[: (len(answered.octets) + 1) // 2])
        yield End()


@fault("transport-reply-lost")
@dataclass(frozen=True, kw_only=True)
class ReplyLost(AtCommands):
    """The server has carried a command out; the client never learns it, since the connection ends."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Losing(spoken, self.trigger())


class _Losing(Turns):
    def answer(self, answered: Answered) -> Iterable[Action]:  # noqa: ARG002 - whatever it is
        yield End()


@fault("transport-garbage")
@dataclass(frozen=True, kw_only=True)
class Garbage(AtCommands):
    """So many random octets stand in front of the reply to a command."""

    octets: int = 16

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Littering(self, spoken)


class _Littering(Turns):
    def __init__(self, orders: Garbage, spoken: Spoken) -> None:
        trigger = orders.trigger()
        super().__init__(spoken, trigger)
        self._lot = trigger.lot
        self._octets = orders.octets

    def answer(self, answered: Answered) -> Iterable[Action]:
        if answered.starts:
            yield ToClient(self._lot.randbytes(self._octets))
        yield ToClient(answered.octets)


@fault("transport-half-close")
@dataclass(frozen=True, kw_only=True)
class HalfClose(AtCommands):
    """The server ends its side behind the reply to a command, and goes on to read."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _HalfClosing(spoken, self.trigger())


class _HalfClosing(Turns):
    def answer(self, answered: Answered) -> Iterable[Action]:
        yield ToClient(answered.octets)
        if answered.ends:
            yield End(Ending.HALF_CLOSE)


@fault("transport-drop")
@dataclass(frozen=True, kw_only=True)
class Drop(AtCommands):
    """A command does not reach the server: the connection ends instead."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Ending(self, spoken, Ending.CLOSE)


@fault("transport-reset")
@dataclass(frozen=True, kw_only=True)
class Reset(AtCommands):
    """A command does not reach the server: the connection is reset instead."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return an interposer for a new connection."""
        return _Ending(self, spoken, Ending.RESET)


class _Ending(Turns):
    def __init__(self, orders: AtCommands, spoken: Spoken, ending: Ending) -> None:
        super().__init__(spoken, orders.trigger())
        self._ending = ending

    def say(self, said: Said) -> Iterable[Action]:  # noqa: ARG002 - whatever it is
        yield End(self._ending)


@fault("transport-drop-after")
@dataclass(frozen=True, kw_only=True)
class DropAfter(Seeded):
    """The connection ends once the server has said so many octets."""

    octets: int = 1000

    def open(self, spoken: Spoken) -> Interposer:  # noqa: ARG002 - in any protocol
        """Return an interposer for a new connection."""
        return _Counting(self.octets)


class _Counting(_Through):
    def __init__(self, octets: int) -> None:
        self._left = octets

    def from_server(self, octets: bytes) -> Iterable[Action]:
        passing = octets[: self._left]
        self._left -= len(passing)
        if passing:
            yield ToClient(passing)
        if not self._left:
            yield End()
