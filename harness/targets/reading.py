"""Reading a TOML table strictly: every key is known, typed and used, or one line says how to mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from harness.vocabulary.errors import TargetFileError

T = TypeVar("T")
_MISSING: Final = object()
_WORDS = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean "x"?)` for the known word nearest to `word`, else the whole list."""
    known = sorted(known)
    if close := get_close_matches(word, known, n=1, cutoff=0.6):
        return f'did you mean "{close[0]}"?'
    return f"known: {', '.join(known)}" if known else "none is known here"


@dataclass(frozen=True, slots=True)
class Reader:
    """One table of the file, with its dotted name for messages."""

    file: Path
    name: str
    table: Mapping[str, object]

    def fail(self, key: str, mend: str) -> NoReturn:
        """Raise the one line: file, key, mend."""
        # Keys and values are shown as they are in the file; what would break the line in them is escaped.
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in f"{self.dotted(key)}: {mend}")
        raise TargetFileError(f"{self.file}: {line}")

    def dotted(self, key: str) -> str:
        """The key with the table's name in front."""
        return ".".join(part for part in (self.name, key) if part)

    def allow_only(self, known: Iterable[str]) -> None:
        """Refuse keys that nobody reads."""
        known = set(known)
        for key in self.table:
            if key not in known:
                self.fail(key, f"unknown key; {nearest(key, known)}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.table

    def _value(self, key: str, kind: type[T], default: object) -> object:
        value = self.table.get(key, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                self.fail(key, f"missing; give {_WORDS[kind]}")
            return default
        good = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
        # In Python True is a number; in a target file it is not.
        if not good or (kind in {int, float} and isinstance(value, bool)):
            self.fail(key, f"must be {_WORDS[kind]}, not {value!r}")
        return value

    def text(self, key: str) -> str:
        """A string that must be there and is not empty."""
        value = self._value(key, str, _MISSING)
        assert isinstance(value, str)
        if not value:
            self.fail(key, "must not be empty")
        return value

    def optional_text(self, key: str) -> str | None:
        """A string, or None."""
        return self.text(key) if self.has(key) else None

    def whole(self, key: str, *, least: int, most: int) -> int:
        """A whole number within limits."""
        value = self._value(key, int, _MISSING)
        assert isinstance(value, int)
        if not least <= value <= most:
            self.fail(key, f"must be from {least} to {most}, not {value}")
        return value

    def seconds(self, key: str, default: float) -> float:
        """A length of time greater than zero."""
        return self.positive(key) if self.has(key) else default

    def positive(self, key: str) -> float:
        """A number greater than zero."""
        value = self._value(key, float, _MISSING)
        assert isinstance(value, (int, float))
        if not 0 < value < float("inf"):
            self.fail(key, f"must be greater than 0, not {value}")
        return float(value)

    def texts(
        self, key: str, default: tuple[str, ...] | None = None, *, filled: bool = False
    ) -> tuple[str, ...]:
        """A list of strings."""
        value = self._value(key, list, _MISSING if default is None else default)
        if value is default and default is not None:
            return default
        assert isinstance(value, list)
        for entry in value:
            if not isinstance(entry, str) or not entry:
                self.fail(key, f"must be a list of strings, not with {entry!r}")
        if filled and not value:
            self.fail(key, "must not be empty")
        return tuple(value)

    def optional_texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings with something in it, or None."""
        return self.texts(key, filled=True) if self.has(key) else None

    def sub(self, key: str) -> "Reader | None":
        """A table below this one, or None."""
        if not self.has(key):
            return None
        value = self._value(key, dict, _MISSING)
        assert isinstance(value, dict)
        return Reader(self.file, self.dotted(key), value)

    def subs(self, key: str) -> list["Reader"]:
        """A list of tables; an empty one if the key is missing."""
        value = self._value(key, list, ())
        assert isinstance(value, (list, tuple))
        readers = []
        for index, entry in enumerate(value, start=1):
            if not isinstance(entry, dict):
                self.fail(key, f"must be a list of tables, not with {entry!r}")
            readers.append(Reader(self.file, f"{self.dotted(key)}[{index}]", entry))
        return readers

    def choice(self, key: str, known: Iterable[str]) -> str:
        """One of the known words."""
        known = tuple(known)
        value = self.text(key)
        if value not in known:
            self.fail(key, f'"{value}" is not one of {", ".join(known)}; {nearest(value, known)}')
        return value
