"""Reads the catalogue: `index.toml` names RFCs, `rfc/rfcNNNN.toml` their sentences, `hazards.toml` dangers.

A mistake in these files is ours, so each gets a line that names the file, the entry and the mend.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from harness.catalogue.requirements import HAZARD_ID, RFC_ID, Requirement, Rfc, Severity, Side, source_of
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.judging import Level

DIRECTORY = Path(__file__).parent

Word = TypeVar("Word", bound=StrEnum)


class CatalogueError(MailproofError):
    """A file of the catalogue cannot be used; the text names the file, the entry and the mend."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All requirements by id, in the order of the RFCs, and the RFCs by number."""

    requirements: Mapping[str, Requirement]
    rfcs: Mapping[int, Rfc]

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.requirements.values())

    def find(self, requirement_id: str) -> Requirement | None:
        """Return the requirement with this id, if there is one."""
        return self.requirements.get(requirement_id)

    def similar(self, requirement_id: str) -> tuple[str, ...]:
        """Return ids that somebody may have meant who wrote `requirement_id`."""
        return tuple(difflib.get_close_matches(requirement_id, self.requirements, n=2, cutoff=0.85))

    def rfc_of(self, folder: str) -> Rfc | None:
        """Return the RFC of a suite's folder, or of an id's first part: `rfc5321`."""
        digits = folder.removeprefix("rfc")
        return self.rfcs.get(int(digits)) if folder.startswith("rfc") and digits.isdigit() else None


@cache
def load_catalogue(directory: Path = DIRECTORY) -> Catalogue:
    """Read the whole catalogue below `directory`; raises `CatalogueError`."""
    rfcs = {rfc.number: rfc for rfc in _read_index(directory / "index.toml")}
    found: list[Requirement] = []
    for path in sorted((directory / "rfc").glob("*.toml")):
        found.extend(_read_rfc(path, rfcs))
    hazards = directory / "hazards.toml"
    if hazards.exists():
        found.extend(_read_hazards(hazards))
    found.sort(key=Requirement.sort_key)
    return Catalogue({requirement.id: requirement for requirement in found}, rfcs)


def _read_index(path: Path) -> Iterator[Rfc]:
    for folder, entry in _read_toml(path).items():
        fields = _Fields(path, folder, entry)
        digits = folder.removeprefix("rfc")
        if not folder.startswith("rfc") or not digits.isdigit():
            raise fields.error('the index has one table per RFC, as ["rfc5321"]')
        yield Rfc(
            number=int(digits),
            title=fields.text("title"),
            group=fields.text("group"),
            replaced_by=fields.optional_number("replaced_by"),
        )
        fields.no_more()


def _read_rfc(path: Path, rfcs: Mapping[int, Rfc]) -> Iterator[Requirement]:
    folder = path.stem
    digits = folder.removeprefix("rfc")
    if not digits.isdigit() or int(digits) not in rfcs:
        message = f"{path}: add {folder} to {path.parent.parent / 'index.toml'}, with its title and group"
        raise CatalogueError(message)
    for key, entry in _read_toml(path).items():
        fields = _Fields(path, key, entry)
        requirement_id = f"{folder}/{key}"
        if RFC_ID.fullmatch(requirement_id) is None:
            raise fields.error('an entry is named SECTION/slug, as ["4.5.2/remove-one-dot"]')
        level = fields.word("level", Level)
        if level is Level.HAZARD:
            raise fields.error("hazards have a file of their own, hazards.toml")
        side = fields.word("side", Side)
        statement = fields.text("statement")
        fields.no_more()
        yield Requirement(requirement_id, level, side, statement, source_of(requirement_id))


def _read_hazards(path: Path) -> Iterator[Requirement]:
    for key, entry in _read_toml(path).items():
        fields = _Fields(path, key, entry)
        requirement_id = f"hazard/{key}"
        if HAZARD_ID.fullmatch(requirement_id) is None:
            raise fields.error("a hazard is named by a slug, as [smtp-smuggling-bare-lf]")
        statement, source = fields.text("statement"), fields.text("source")
        severity = fields.word("severity", Severity)
        fields.no_more()
        yield Requirement(requirement_id, Level.HAZARD, Side.SERVER, statement, source, severity)


def _read_toml(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: {error}"
        raise CatalogueError(message) from None


class _Fields:
    """One entry of a file, whose keys are taken one by one so that what is left over shows."""

    def __init__(self, path: Path, key: str, entry: object) -> None:
        self._where = f'{path}: ["{key}"]'
        if not isinstance(entry, dict):
            raise self.error("must be a table")
        self._left = dict(entry)

    def error(self, mend: str) -> CatalogueError:
        return CatalogueError(f"{self._where}: {mend}")

    def text(self, key: str) -> str:
        value = self._left.pop(key, None)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f'{key} must be a text: {key} = "..."')
        return value.strip()

    def word(self, key: str, words: type[Word]) -> Word:
        text = self.text(key)
        for word in words:
            if word.value == text:
                return word
        legal = ", ".join(word.value for word in words)
        raise self.error(f"{key} must be one of {legal}, not {text!r}")

    def optional_number(self, key: str) -> int | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, int):
            raise self.error(f"{key} must be the number of an RFC")
        return value

    def no_more(self) -> None:
        if self._left:
            raise self.error(f"unknown key {', '.join(sorted(self._left))}")
