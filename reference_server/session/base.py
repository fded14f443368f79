r"""What every session of the reference server is: a coroutine over an inbox, an outbox and effects.

A session is written as straight-line code, `async def run(self)`, and knows no socket, no event loop and no
database. What it cannot do by itself it asks for by awaiting an *effect*: a small value that the driver in
`reference_server.net` (or a test, without any loop) carries out and answers. So the code reads like the
protocol, and every step of it can be tested by feeding octets and looking at what comes out.

    session = SomeSession(...)
    effect = step(session)                     # runs up to the first effect
    session.inbox += b"NOOP\r\n"
    effect = step(session, Arrival.OCTETS)     # answers an `Input` effect
    session.outbox                             # what is to be sent by now

The driver sends and clears `outbox` whenever the session suspends or ends.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Effect(Generic[Answer]):
    """Something that a session asks its driver for; `await effect` gives the driver's answer."""

    __slots__ = ()

    def __await__(self) -> "Generator[Effect[Answer], Answer, Answer]":
        return (yield self)


class Arrival(Enum):
    """Why an awaited `Input` came back."""

    OCTETS = auto()
    """`inbox` has grown."""
    END = auto()
    """The client has ended its side; no more octets will come."""
    TIMEOUT = auto()
    """Nothing came within the time-out."""
    NEWS = auto()
    """Something changed that the session asked to be told about (IDLE)."""
    SHUTDOWN = auto()
    """The server is stopping: say so in the protocol's words and end."""


@dataclass(frozen=True, slots=True)
class Input(Effect[Arrival]):
    """Wait until the inbox grows, or one of the other `Arrival`s."""

    timeout_s: float
    news: bool = False
    """Also come back when the session's `news` were rung."""
    through_shutdown: bool = False
    """Not `SHUTDOWN`: what comes decides over mail, and is worth the time that a stopping server has."""


@dataclass(frozen=True, slots=True)
class Flush(Effect[None]):
    """Send the outbox, wait until the transport takes more, and let the other sessions have a turn.

    A session that has much to say (FETCH of many messages, thousands of pipelined commands) awaits this
    between slices: so a client that does not read costs one slice of memory, and nobody waits for long.
    Raises `PeerGone` in the session when the connection is lost: whoever pipelined a thousand FETCHes and
    left would else have them all carried out for nobody.
    """


class PeerGone(Exception):
    """The connection was lost while the session had more to say; a session that lets it pass has ended."""


@dataclass(frozen=True, slots=True)
class StartTls(Effect[bool]):
    """Send the outbox, then run the TLS handshake; False if it failed (the session then ends).

    The session clears its inbox before it awaits this: nothing received in clear survives (RFC 3207 §6).
    """


@dataclass(frozen=True, slots=True)
class VerifyPassword(Effect["Any | None"]):
    """Verify a login (an address or its local part) off the loop; the account, or None."""

    login: str
    password: str


@dataclass(frozen=True, slots=True)
class Commit(Effect[Any]):
    """Hand a change to the store's writer and wait until it is synced to disk; its result.

    `change` is a `reference_server.store.changes.Change`. Raises `StoreUnavailable` in the session when the
    transaction failed: nothing of the change is then on disk.
    """

    change: Any


@dataclass(frozen=True, slots=True)
class Query(Effect[Any]):
    """Run a long read on a reader thread with its own connection; its result.

    `work` takes a read-only `sqlite3.Connection` and returns a value.
    """

    work: Any


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the listener saw it."""

    address: str
    """The IP address, or `unix` for a local socket."""
    port: int
    secure: bool
    """Whether the connection is under TLS (also after STARTTLS: the session keeps its own state)."""
    local_address: str = "127.0.0.1"


class Session(ABC):
    """One connection's protocol state."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.inbox = bytearray()
        """What has arrived and was not yet consumed; the driver appends, the session deletes."""
        self.outbox = bytearray()
        """What is to be sent; the session appends, the driver sends and clears."""
        self.rung = False
        """News have come that were not yet delivered as `Arrival.NEWS`; the driver clears it when it does."""
        self.wake: Callable[[], None] | None = None
        """Set by the driver: called by `ring` to have a waiting `Input(news=True)` come back."""

    def ring(self) -> None:
        """Tell the session that something changed (the store calls this on the loop's thread)."""
        self.rung = True
        if self.wake is not None:
            self.wake()

    @abstractmethod
    async def run(self) -> None:
        """Greet, serve until the end; returning closes the connection after the outbox was sent."""


Running = Coroutine[Effect[Any], Any, None]
"""A started `Session.run()`."""
