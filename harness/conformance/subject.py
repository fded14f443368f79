"""What conformance asks of a target, and the dialogues that it takes from it as evidence."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from harness.conformance.declaration import Requires
from harness.conformance.evidence import Dialogue, Turn
from harness.transport.transcript import Transcript
from harness.vocabulary.services import Service

_MOST_OCTETS = 65536


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said on one connection since the last time, for the ambient rules."""

    service: Service
    transcript: Transcript
    is_whole: bool
    """From the connection's first octet on, with nothing left out and nothing tampered with."""
    shown: Callable[[], Dialogue]
    """The same as evidence."""


Hearing: TypeAlias = Callable[[Sequence[Heard]], object]
"""Is told what was said."""


class Subject(Protocol):
    """The server under test as a run sees it; `harness.conformance.bench` makes one of a real target."""

    @property
    def target(self) -> object:
        """What the check function gets as `target`."""
        ...

    def lacks(self, needs: Iterable[Requires]) -> str | None:
        """Return the first thing that a check needs and the target does not offer or permit, or None."""
        ...

    def ask_alive(self, needs: Iterable[Requires]) -> str | None:
        """Hold a plain exchange on new connections; None if all went well, else what did not."""
        ...

    def be_patient(self, patient: bool) -> None:
        """Wait the whole time for each reply, or only for as long as the server's pace suggests."""
        ...

    def hindrance(self) -> str | None:
        """Return why what was said since `forget` proves nothing, if something stood between."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """Return what came out about the server's ways with strangers since this was last asked."""
        ...

    def listen(self, hearing: Hearing) -> None:
        """Let `hearing` be told what was said, whenever it is about to be forgotten."""
        ...

    def forget(self) -> None:
        """Begin a new record of what is said."""
        ...

    def dialogues(self) -> tuple[Dialogue, ...]:
        """Return what was said since `forget`, by connection, the last one last."""
        ...


def dialogue_of(peer: str, transcript: Transcript) -> Dialogue:
    """Turn a transcript into evidence: in words, and as octets where they are few enough to hand over."""
    entries = transcript.entries
    small = not transcript.dropped_octets and sum(len(entry.octets) for entry in entries) <= _MOST_OCTETS
    turns = tuple(Turn(entry.kind.value, entry.octets, entry.at_s) for entry in entries) if small else ()
    return Dialogue(peer, transcript.render(), turns)
