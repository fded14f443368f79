"""Whether a module whose checks cannot be collected belongs to what the user has selected.

One wrong declaration refuses a run of everything. A run of a part goes on without the module, if that is
surely no part of it: a check that cannot be known might be one of those that are asked for.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.catalogue import Catalogue
from harness.conformance.declaration import declaration_of
from harness.conformance.selection import GROUPS, is_prefix

_ID = re.compile(r"""["']((?:rfc[0-9]+|hazard)/[^"'\s]+)["']""")
_TEST = re.compile(r"^ *def test_", re.MULTILINE)
_DECLARED = re.compile(r"^ *@requirement\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Contents:
    """What is known of the checks in a module that is not good."""

    ids: frozenset[str]
    """As they are written there."""
    complete: bool
    """No check is beside them whose id is not known."""


def contents_of(items: Iterable[pytest.Item], catalogue: Catalogue) -> Contents:
    """Return what a module holds whose checks are declared wrongly; an unknown id says nothing."""
    ids: set[str] = set()
    complete = True
    for item in items:
        declaration = declaration_of(getattr(item, "obj", None))
        if declaration is not None:
            ids.update((declaration.id, *declaration.also))
        complete = complete and declaration is not None and catalogue.find(declaration.id) is not None
    return Contents(frozenset(ids), complete)


def contents_of_source(path: Path) -> Contents:
    """Return what a module seems to hold that cannot be imported."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return Contents(frozenset(), complete=False)
    ids = frozenset(_ID.findall(source))
    tests = len(_TEST.findall(source))
    return Contents(ids, complete=0 < tests == len(_DECLARED.findall(source)) <= len(ids))


def may_be_selected(
    contents: Contents, folder: str, group: str, *, names_rfc: bool, selectors: Collection[str]
) -> bool:
    """Say whether the selectors may mean a check of a module in the suites' `folder`, which is of `group`.

    What is not known of a folder that is named after an RFC (`names_rfc`) is of that RFC; elsewhere it can be
    of any.
    """

    def touches(selector: str) -> bool:
        if selector in GROUPS:
            return selector == group
        if any(is_prefix(selector, one) for one in contents.ids):
            return True
        return not contents.complete and (not names_rfc or selector.split("/", 1)[0] == folder)

    return not selectors or any(touches(selector) for selector in selectors)
