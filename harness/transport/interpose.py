"""What may stand between a client and a server and decide what passes, in which order and when.

An interposer is sans-IO: it is told what each side sent, in the octets as they were under TLS, and answers
with actions. It is driven by a stream of this process (`harness.transport.interposed`) or by a proxy that
listens (`harness.peers.fault_proxy`); a fault is written once for both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias


class Spoken(StrEnum):
    """The protocol of a connection."""

    SMTP = "smtp"
    """Also submission."""
    LMTP = "lmtp"
    POP3 = "pop3"
    IMAP = "imap"


@dataclass(frozen=True, slots=True)
class ToServer:
    """Send these octets to the server."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class ToClient:
    """Send these octets to the client."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Let this time pass before the next action."""

    seconds: float


class Ending(StrEnum):
    """How a connection is ended."""

    CLOSE = "close"
    """Both directions in good order."""
    RESET = "reset"
    """By RST: what is on its way is lost."""
    HALF_CLOSE = "half-close"
    """The server's direction only: the client may still send."""


@dataclass(frozen=True, slots=True)
class End:
    """End the connection to the client, and with it the one to the server."""

    ending: Ending = Ending.CLOSE


Action: TypeAlias = ToServer | ToClient | Wait | End


class Interposer(Protocol):
    """Stands in one connection."""

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """Say what is to be done now that the client has sent `octets`; cut anywhere, `b""` is its end."""
        ...

    def from_server(self, octets: bytes) -> Iterable[Action]:
        """Say what is to be done now that the server has sent `octets`; cut anywhere, `b""` is its end."""
        ...

    def tls_started(self) -> None:
        """Take note that TLS was started by STARTTLS or STLS after the last octets: the session begins anew.

        What was sent in clear is passed on before; nothing that was held back survives.
        """
        ...


class InterposerFactory(Protocol):
    """What makes interposers; what all connections through one proxy share lives here (its memory)."""

    def open(self, spoken: Spoken) -> Interposer | None:
        """Return an interposer for a new connection, or None where this fault has nothing to do with it."""
        ...
