"""The checks as they are declared: read by importing the suites, without collecting a run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from harness.conformance.ambient import RULES, Rule
from harness.conformance.collection import SUITES
from harness.conformance.declaration import declaration_of


@dataclass(frozen=True, slots=True)
class DeclaredCheck:
    """A check, the requirements that it judges, and where it is."""

    id: str
    also: tuple[str, ...]
    file: str
    """Below the suites' parent: `suites/rfc5321/test_s04_05_02_transparency.py`."""
    function: str

    @property
    def place(self) -> str:
        """As pytest names it."""
        return f"{self.file}::{self.function}"

    @property
    def ids(self) -> tuple[str, ...]:
        """All requirements that it judges, its own first."""
        return (self.id, *self.also)


def declared_checks(suites: Path = SUITES) -> tuple[DeclaredCheck, ...]:
    """Return the checks of all suites, by file and line, and the rules that hold beside all of them."""
    of_suites = (check for path in sorted(suites.rglob("test_*.py")) for check in _of_module(path, suites))
    return (*of_suites, *map(_of_rule, RULES))


def _of_rule(rule: Rule) -> DeclaredCheck:
    name = rule.id.rpartition("/")[2].replace("-", "_")
    return DeclaredCheck(rule.id, rule.also, f"harness/conformance/ambient/{rule.group}.py", name)


def _of_module(path: Path, suites: Path) -> Iterator[DeclaredCheck]:
    relative = path.relative_to(suites.parent)
    module = import_module(".".join(relative.with_suffix("").parts))
    for name, value in vars(module).items():
        declaration = declaration_of(value) if re.match("test_", name) else None
        if declaration is not None:
            yield DeclaredCheck(declaration.id, declaration.also, relative.as_posix(), name)
