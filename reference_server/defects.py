"""The defects that are seeded into this server: none, unless a user asks for them by `--fault`.

A defect is one `if` at the place where a real server would go wrong; the set is handed in by `app`, so that
no module asks a global. The names are those of the one registry, `harness.vocabulary.faults`.
"""

from collections.abc import Iterable
from typing import Self

from harness.vocabulary.errors import UsageError
from harness.vocabulary.faults import SERVER_FAULTS


class Defects(frozenset[str]):
    """The active defects, by name; `"smtp-dot-kept" in defects` asks for one."""

    def __new__(cls, names: Iterable[str] = ()) -> Self:
        """Refuse names that are not in the registry."""
        self = super().__new__(cls, names)
        for name in sorted(self):
            if name not in SERVER_FAULTS:
                raise UsageError(f"no fault is named {name}; the names are: {', '.join(SERVER_FAULTS)}")
        return self


NONE = Defects()
"""A server that is meant to be right."""
