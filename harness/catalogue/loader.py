"""Reads the catalogue: `index.toml` names RFCs, `rfc/rfcNNNN.toml` their sentences, `hazards.toml` dangers.

A mistake in these files is ours, so each gets a line that names the file, the entry and the mend.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from harness.catalogue.requirements import (
    HAZARD_ID,
    RFC_ID,
    Requirement,
    Rfc,
    Severity,
    Side,
    Visibility,
    source_of,
)
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.judging import Level

DIRECTORY = Path(__file__).parent

NO_DUTY = "no-duty"
"""The table of the sentences that have a key word and yet demand nothing: digest = "section: reason"."""

_DIGEST = re.compile(r"[0-9a-f]{16}")

Word = TypeVar("Word", bound=StrEnum)


class CatalogueError(MailproofError):
    """A file of the catalogue cannot be used; the text names the file, the entry and the mend."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All requirements by id, in the order of the RFCs, and the RFCs by number."""

    requirements: Mapping[str, Requirement]
    rfcs: Mapping[int, Rfc]
    no_duties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By RFC (`rfc5321`): sentences with a key word that demand nothing, and why, by digest."""

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
    rfcs = {rfc.number: rfc for rfc in load_index(directory)}
    found: list[Requirement] = []
    no_duties: dict[str, Mapping[str, str]] = {}
    for path in sorted((directory / "rfc").glob("*.toml")):
        found.extend(_read_rfc(path, rfcs, no_duties))
    hazards = directory / "hazards.toml"
    if hazards.exists():
        found.extend(_read_hazards(hazards))
    found.sort(key=Requirement.sort_key)
    catalogue = Catalogue({requirement.id: requirement for requirement in found}, rfcs, no_duties)
    for requirement in found:
        if requirement.replaced_by and catalogue.find(requirement.replaced_by) is None:
            similar = " or ".join(catalogue.similar(requirement.replaced_by))
            meant = f"; did you mean {similar}?" if similar else ""
            message = f"{requirement.id} is replaced_by {requirement.replaced_by}, which is no entry{meant}"
            raise CatalogueError(message)
    return catalogue


def load_index(directory: Path = DIRECTORY) -> Iterator[Rfc]:
    """Yield the RFCs that the index names."""
    path = directory / "index.toml"
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


def _read_rfc(
    path: Path, rfcs: Mapping[int, Rfc], no_duties: dict[str, Mapping[str, str]]
) -> Iterator[Requirement]:
    folder = path.stem
    digits = folder.removeprefix("rfc")
    if not digits.isdigit() or int(digits) not in rfcs:
        message = f"{path}: add {folder} to {path.parent.parent / 'index.toml'}, with its title and group"
        raise CatalogueError(message)
    for key, entry in _read_toml(path).items():
        fields = _Fields(path, key, entry)
        if key == NO_DUTY:
            no_duties[folder] = fields.reasons_by_digest()
            continue
        requirement_id = f"{folder}/{key}"
        if RFC_ID.fullmatch(requirement_id) is None:
            raise fields.error('an entry is named SECTION/slug, as ["4.5.2/remove-one-dot"]')
        yield _requirement(requirement_id, fields)


def _requirement(requirement_id: str, fields: "_Fields") -> Requirement:
    level = fields.word("level", Level)
    if level is Level.HAZARD:
        raise fields.error("hazards have a file of their own, hazards.toml")
    requirement = Requirement(
        requirement_id,
        level,
        fields.word("side", Side),
        fields.optional_text("statement"),
        source_of(requirement_id),
        visibility=fields.optional_word("visibility", Visibility),
        reason=fields.optional_text("reason"),
        digests=fields.digests("digest"),
        replaced_by=fields.optional_text("replaced_by"),
    )
    fields.no_more()
    if requirement.visibility is Visibility.HIDDEN and not requirement.reason:
        raise fields.error('what is hidden has a reason = "..." why it cannot be seen from outside')
    if requirement.needs_statement and not requirement.statement:
        raise fields.error(
            'a duty of the server that can be seen is told in our own words: statement = "..."'
        )
    if requirement.replaced_by and RFC_ID.fullmatch(requirement.replaced_by) is None:
        raise fields.error('replaced_by is the id of an entry: replaced_by = "rfc9051/6.4.5/seen-set"')
    return requirement


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
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: {error}"
        raise CatalogueError(message) from None


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


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
        try:
            return words(text)
        except ValueError:
            pass
        legal = ", ".join(word.value for word in words)
        raise self.error(f"{key} must be one of {legal}, not {text!r}")

    def optional_text(self, key: str) -> str:
        return self.text(key) if key in self._left else ""

    def optional_word(self, key: str, words: type[Word]) -> Word | None:
        return self.word(key, words) if key in self._left else None

    def digests(self, key: str) -> tuple[str, ...]:
        value = self._left.pop(key, ())
        texts = (value,) if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(map(_is_digest, texts)):
            raise self.error(f'{key} is 16 digits, or several of them: {key} = ["0123456789abcdef"]')
        return tuple(texts)

    def reasons_by_digest(self) -> dict[str, str]:
        if not all(_is_digest(key) and isinstance(value, str) for key, value in self._left.items()):
            raise self.error('a line is 16 digits and a reason: "0123456789abcdef" = "2.1: defines a word"')
        return {key: str(value) for key, value in self._left.items()}

    def optional_number(self, key: str) -> int | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, int):
            raise self.error(f"{key} must be the number of an RFC")
        return value

    def no_more(self) -> None:
        if self._left:
            raise self.error(f"unknown key {', '.join(sorted(self._left))}")
