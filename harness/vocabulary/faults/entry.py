"""One entry of the registry of faults."""

from dataclasses import dataclass, field
from enum import StrEnum


class Seat(StrEnum):
    """Where a fault is made."""

    SERVER = "server"
    """Seeded in the reference server: `mailproof serve --fault NAME`."""
    PROXY = "proxy"
    """Between a client and any server: `mailproof faults TARGET.toml --fault NAME`."""


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """A named way for a mail server to be wrong."""

    name: str
    """`protocol-slug`, as in `smtp-dot-kept`."""
    summary: str
    """What goes wrong, in one clause."""
    source: str
    """The section it breaks, as `RFC 5321 §4.5.2`."""
    breaks: tuple[str, ...] = ()
    """Ids of the requirements that no longer hold, the one that it is about first."""
    seats: frozenset[Seat] = field(default=frozenset({Seat.SERVER}))
    gap: str = ""
    """Why no check sees it yet; `mailproof teeth` says when one does."""
