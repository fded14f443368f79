"""How a check is declared: one decorator that ties a test function to one sentence of one RFC."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from harness.transport.tamper import Refutation
from harness.vocabulary.judging import Level, Need, Offers
from harness.vocabulary.services import Service

Requires: TypeAlias = Need | Service | Offers
"""What a check may need of its target: a role, a service, or a capability announced on a service."""

CheckFunction = TypeVar("CheckFunction", bound=Callable[..., object])

_ATTRIBUTE = "mailproof_declaration"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What `@requirement` says about a check."""

    id: str
    """`rfcNNNN/SECTION/slug` or `hazard/slug`; the catalogue has its statement."""
    level: Level
    needs: frozenset[Requires]
    refuted_by: Refutation | None
    """What makes this check fail; a check without one is refused at collection."""
    also: tuple[str, ...]
    """Twins: the same duty stated by other RFCs."""
    ambient: bool = True
    """Whether the ambient rules are judged on what this check says and hears."""


def requirement(
    requirement_id: str,
    *,
    level: Level,
    needs: Iterable[Requires] = (),
    refuted_by: Refutation | None = None,
    also: Iterable[str] = (),
    ambient: bool = True,
) -> Callable[[CheckFunction], CheckFunction]:
    """Declare the test function below as the check of one requirement.

    Works with `@given` and `@pytest.mark.parametrize` in any order; the cases of a parametrised check count
    as one check. Mistakes (an unknown id, another level than the catalogue's, no `refuted_by`, an id that
    another check has) are reported when the suite is collected, with the line to paste.

    A check whose own words leave the server no sound answer says `ambient=False`: the rules that hold in
    every conversation are then not judged on its.
    """
    declaration = Declaration(
        id=requirement_id,
        level=level,
        needs=frozenset(needs),
        refuted_by=refuted_by,
        also=(also,) if isinstance(also, str) else tuple(also),
        ambient=ambient,
    )

    def declare(function: CheckFunction) -> CheckFunction:
        setattr(function, _ATTRIBUTE, declaration)
        return function

    return declare


def declaration_of(function: object) -> Declaration | None:
    """Return what `@requirement` said about `function`, also from under Hypothesis' `@given`."""
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
    for candidate in (function, inner):
        found = getattr(candidate, _ATTRIBUTE, None)
        if isinstance(found, Declaration):
            return found
    return None
