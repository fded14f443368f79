"""What must be true of every check before one is run; each mistake gets the line to paste."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pytest

import harness
from harness.catalogue import Catalogue
from harness.conformance.broken import Contents, contents_of, may_be_selected
from harness.conformance.declaration import Declaration, declaration_of
from harness.conformance.evidence import CheckInfo
from harness.conformance.selection import GROUPS

SUITES = Path(harness.__file__).resolve().parent.parent / "suites"
"""The suites of this distribution: every test function below is a check and has to be declared."""

HAZARDS = "hazards"


class Register:
    """The checks of a run, gathered while they are collected."""

    def __init__(self, catalogue: Catalogue, suites: Path = SUITES) -> None:
        self._catalogue = catalogue
        self._suites = suites
        self._folders: dict[Path, str | None] = {}
        self._functions: dict[str, str] = {}
        """The test function that has an id, by id."""

    def mistakes(self, items: Iterable[pytest.Item]) -> list[str]:
        """Return what is wrong with the declarations of one module's checks, a line for each mistake."""
        found: list[str] = []
        seen: set[str] = set()
        for item in items:
            if not isinstance(item, pytest.Function) or (name := _function_name(item)) in seen:
                continue
            seen.add(name)
            declaration = declaration_of(item.obj)
            if declaration is not None:
                found.extend(f"{name}: {mistake}" for mistake in self._mistakes_of(item, name, declaration))
            elif self.is_below_suites(item.path):
                found.append(f"{name}: {self._undeclared(item)}")
        return found

    @property
    def catalogue(self) -> Catalogue:
        """The requirements."""
        return self._catalogue

    def is_outside(self, path: Path, contents: Contents, selectors: Collection[str]) -> bool:
        """Say whether a module that cannot be collected is surely no part of what is selected."""
        folder = self._folder(path)
        if folder is None:
            return False
        names_rfc = self._catalogue.rfc_of(folder) is not None
        return not may_be_selected(
            contents, folder, self._group(path, folder), names_rfc=names_rfc, selectors=selectors
        )

    def contents(self, items: Iterable[pytest.Item]) -> Contents:
        """Return what is known of checks that are declared wrongly."""
        return contents_of(items, self._catalogue)

    def is_below_suites(self, path: Path) -> bool:
        """Say whether a file belongs to the suites, where nothing goes undeclared."""
        return self._folder(path) is not None

    def info(self, item: pytest.Function, declaration: Declaration, cases: int) -> CheckInfo:
        """Return what is known of a check whose declaration has no mistakes."""
        entry = self._catalogue.requirements[declaration.id]
        return CheckInfo(
            id=declaration.id,
            title=_title(item),
            level=entry.level,
            statement=entry.statement,
            source=entry.source,
            group=self._group(item.path, declaration.id),
            cases=cases,
            also=declaration.also,
        )

    def place(self, declaration: Declaration | None) -> tuple[object, ...]:
        """Return a sort key: by protocol, then as the RFCs read, then hazards, then what is no check."""
        entry = self._catalogue.find(declaration.id) if declaration is not None else None
        if entry is None:
            return (2,)
        rfc = self._catalogue.rfc_of(entry.folder)
        if rfc is None:
            return (1, entry.id)
        group = GROUPS.index(rfc.group) if rfc.group in GROUPS else len(GROUPS)
        return (0, group, entry.sort_key())

    def _mistakes_of(self, item: pytest.Function, name: str, declaration: Declaration) -> Iterable[str]:
        entry = self._catalogue.find(declaration.id)
        if entry is None:
            yield self._unknown(declaration.id, declaration.level.value)
        elif entry.level is not declaration.level:
            yield (
                f"the catalogue's level of {entry.id} is {entry.level.value!r}, not "
                f"{declaration.level.value!r}; write: level=Level.{entry.level.name},"
            )
        for twin in declaration.also:
            if self._catalogue.find(twin) is None:
                yield self._unknown(twin, declaration.level.value)
        if declaration.refuted_by is None:
            yield (
                "a check that has never failed is not yet a check; name what makes it fail: "
                'refuted_by=Rewrite.from_server(rb"PATTERN", b"REPLACEMENT"),'
            )
        if "target" not in item.fixturenames:
            yield f"a check takes the target: def {item.originalname}(target: Target) -> None:"
        other = self._functions.setdefault(declaration.id, name)
        if other != name:
            yield (
                f"{declaration.id} is already judged by {other}; one requirement has one check: "
                "parametrise that one, or give this one a requirement of its own"
            )

    def _unknown(self, requirement_id: str, level: str) -> str:
        similar = self._catalogue.similar(requirement_id)
        meant = f" (did you mean {' or '.join(similar)}?)" if similar else ""
        folder, _, key = requirement_id.partition("/")
        file = f"rfc/{folder}.toml" if folder.startswith("rfc") else "hazards.toml"
        fields = (
            f'level = "{level}"\n    side = "server"\n    statement = "..."'
            if folder.startswith("rfc")
            else 'statement = "..."\n    source = "CVE-..."\n    severity = "high"'
        )
        return (
            f"the catalogue has no {requirement_id}{meant}; write to harness/catalogue/{file}:\n"
            f'    ["{key}"]\n    {fields}'
        )

    def _undeclared(self, item: pytest.Function) -> str:
        folder = self._folder(item.path) or ""
        example = f"{folder}/SECTION/slug" if self._catalogue.rfc_of(folder) else "rfcNNNN/SECTION/slug"
        return (
            "a test of the suites judges a requirement; write above it: "
            f'@requirement("{example}", level=MUST, needs={{...}}, refuted_by=...)'
        )

    def _folder(self, path: Path) -> str | None:
        """Return the suite's folder that a file is in; None outside of the suites."""
        if path not in self._folders:
            # Resolved once: it asks the file system for each part of the path.
            resolved = path.resolve()
            below = resolved.is_relative_to(self._suites)
            self._folders[path] = resolved.relative_to(self._suites).parts[0] if below else None
        return self._folders[path]

    def _group(self, path: Path, requirement_id: str) -> str:
        """Return the group word of a check: by its suite's folder, or elsewhere by its id."""
        folder = self._folder(path) or requirement_id.split("/", 1)[0]
        rfc = self._catalogue.rfc_of(folder)
        if rfc is not None:
            return rfc.group
        return HAZARDS if folder == "hazard" else folder


def function_of(item: pytest.Item) -> tuple[Path, str]:
    """Return what all cases of one check have in common."""
    return item.path, getattr(item, "originalname", None) or item.name


def cases_of(items: Sequence[pytest.Item]) -> dict[tuple[Path, str], int]:
    """Count the parametrised cases of each test function."""
    counts: dict[tuple[Path, str], int] = {}
    for item in items:
        key = function_of(item)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _function_name(item: pytest.Function) -> str:
    return item.nodeid.split("[", 1)[0]


def _title(item: pytest.Function) -> str:
    lines = (item.obj.__doc__ or "").strip().splitlines()
    return lines[0].rstrip(".") if lines else item.originalname.removeprefix("test_").replace("_", " ")
