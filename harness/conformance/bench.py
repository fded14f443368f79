"""What a process holds of the target: the subject as it is, and as each refutation makes it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from harness.conformance.subject import Subject
from harness.transport.tamper import Refutation


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the accounts is this process's: worker `index` of `count`."""

    index: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Preflight:
    """Who answers before anything is tried."""

    answering: int
    """How many services do."""
    problems: tuple[str, ...]
    """A line for each service that does not."""
    fatal: str | None = None
    """What makes every check pointless: no login is accepted."""
    notes: tuple[str, ...] = ()
    """What else came out that the user should know."""


class Bench(Protocol):
    """The target, opened for one process."""

    def preflight(self) -> Preflight:
        """Hold one plain exchange with each service of the target."""
        ...

    @property
    def subject(self) -> Subject:
        """The target as it is."""
        ...

    def refuted(self, refutation: Refutation) -> AbstractContextManager[Subject]:
        """Give the target as the refutation makes it: tampered with, or another server with a fault.

        Its `ask_alive` asks the server itself, past the tampering.
        """
        ...

    def watched(self) -> AbstractContextManager[Subject]:
        """Give the target behind a fault proxy that reads everything and changes nothing."""
        ...

    def close(self) -> None:
        """Give everything back: connections, servers that were started."""
        ...
