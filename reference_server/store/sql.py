"""The few words of SQLite that changes speak, so that sessions can import changes without any database."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

Value = int | str | bytes | float | None
"""What a column holds."""


class Cursor(Protocol):
    """A running statement."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...


class Connection(Protocol):
    """A connection, as `sqlite3.Connection` is one."""

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> Cursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]], /) -> Cursor:
        """Run one statement once per row."""
        ...
