"""What a rule is, and what it is shown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.transport.transcript import Entry, Kind, Transcript
from harness.vocabulary.services import Service

_STARTING_TLS = (b"STARTTLS", b"STLS")


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said on one connection, from its first octet on."""

    service: Service
    transcript: Transcript

    @property
    def entries(self) -> Iterator[Entry]:
        """The entries as far as they are of the protocol.

        What follows a command that starts TLS is not, unless the handshake came about: it may be TLS's own.
        """
        held: list[Entry] | None = None
        for entry in self.transcript.entries:
            if entry.kind is Kind.TLS and held is not None:
                yield from held
                held = None
            if held is not None:
                held.append(entry)
                continue
            yield entry
            if entry.kind is Kind.CLIENT and any(word in entry.octets.upper() for word in _STARTING_TLS):
                held = []


@dataclass(frozen=True, slots=True)
class Breach:
    """Where a conversation breaks a rule."""

    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and the requirement that it judges."""

    id: str
    also: tuple[str, ...]
    title: str
    group: str
    services: frozenset[Service]
    breaches: Callable[[Conversation], Iterator[Breach]]
    """Reads a conversation on one of the services; the first breach is enough."""
