"""What a command's exit code says to CI; where several hold, the order is 2, 1, 3, 0."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every `mailproof` command."""

    CONFORMS = 0
    """Conforms; the service level was met; the command did what was asked."""
    VIOLATES = 1
    """Violations were found, or the service level was missed."""
    USAGE = 2
    """Wrong usage, or a target file that cannot be used."""
    INCONCLUSIVE = 3
    """Target unreachable, nothing executed, inconclusive, or our own fault."""


_ORDER = (ExitCode.USAGE, ExitCode.VIOLATES, ExitCode.INCONCLUSIVE, ExitCode.CONFORMS)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code that wins among those that hold; of none, CONFORMS."""
    return min(codes, key=_ORDER.index, default=ExitCode.CONFORMS)
