"""Two runs, the older and the newer: what was broken, mended, added, removed, and what is not judged now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.conformance.evidence import CheckInfo, CheckResult
from harness.reports.matrix import notes_on, verify_judging
from harness.reports.pages.rows import reading_order, said_of
from harness.reports.run import Run
from harness.reports.summary import troubles
from harness.vocabulary.exit_codes import ExitCode, gravest
from harness.vocabulary.judging import Outcome

VIOLATIONS = frozenset({Outcome.VIOLATES, Outcome.EXPLOITABLE})
_WEIGHT = {
    Outcome.CONFORMS: 0,
    Outcome.NOT_EXPLOITABLE: 0,
    Outcome.OBSERVED: 0,
    Outcome.DEVIATES: 1,
    Outcome.WAIVED: 2,
    Outcome.VIOLATES: 2,
    Outcome.EXPLOITABLE: 2,
}
"""How bad it is what the server did; outcomes that are not here say nothing about the server."""


class Kind(StrEnum):
    """What became of a check, in the order in which a reader wants to know."""

    BROKEN = "broken"
    """The server did it better before: it conformed, or followed the SHOULD."""
    NO_LONGER_JUDGED = "no longer judged"
    """Before it was judged; now it is unsupported, inconclusive, an error, or the run ended before it."""
    ADDED = "added"
    """The older run did not have the check."""
    REMOVED = "removed"
    """The newer run does not have the check, nor meant to."""
    NOW_JUDGED = "judged now"
    """Before it was not judged."""
    OTHER = "other"
    """As bad or as good as before, in another way: waived now, or another fact observed."""
    MENDED = "mended"
    """The server does it better."""


@dataclass(frozen=True, slots=True)
class Change:
    """One check whose result is another than before."""

    kind: Kind
    info: CheckInfo
    old: CheckResult | None
    new: CheckResult | None

    @property
    def is_new_violation(self) -> bool:
        """Whether the newer run has a violation here that the older run did not have.

        That the check is new, was not judged before or that its waiver is gone is no excuse: nobody has
        agreed to this violation yet.
        """
        if self.new is None or self.new.outcome not in VIOLATIONS:
            return False
        return self.old is None or self.old.outcome not in VIOLATIONS

    @property
    def fails_strictly(self) -> bool:
        """Whether `--strict` counts it as a violation: a new deviation, or a judgement that was lost."""
        if self.is_new_violation or self.kind is Kind.NO_LONGER_JUDGED:
            return True
        deviates = self.new is not None and self.new.outcome is Outcome.DEVIATES
        return deviates and (self.old is None or self.old.outcome not in {Outcome.DEVIATES, *VIOLATIONS})

    @property
    def said(self) -> str:
        """One line about the newer result, or else the older."""
        result = self.new or self.old
        return said_of(result) if result else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs and what changed between them."""

    old: Run
    new: Run
    changes: tuple[Change, ...]
    """By kind, and then in the order in which the RFCs read."""
    unchanged: int
    notes: tuple[str, ...]
    """What makes the runs less comparable than they look."""

    @property
    def new_violations(self) -> tuple[Change, ...]:
        """What the newer run has against the server and the older had not."""
        return tuple(change for change in self.changes if change.is_new_violation)

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def complete(self) -> bool:
        """Whether both runs say all that they should."""
        return not any((*troubles(self.old), *troubles(self.new)))

    def exit_code(self, *, strict: bool) -> ExitCode:
        """Return what the difference says to CI: new violations outweigh that a run is incomplete."""
        return gravest(self._codes(strict=strict))

    def _codes(self, *, strict: bool) -> Iterator[ExitCode]:
        if any(change.fails_strictly if strict else change.is_new_violation for change in self.changes):
            yield ExitCode.VIOLATES
        if not self.complete:
            yield ExitCode.INCONCLUSIVE


def difference_of(old: Run, new: Run) -> Difference:
    """Return what changed from the older to the newer run."""
    verify_judging((old, new))
    before = {result.info.id: result for result in old.results}
    after = {result.info.id: result for result in new.results}
    infos = {result.info.id: result.info for result in (*old.results, *new.results)}
    planned = tuple(frozenset(info.id for info in run.started.checks) for run in (old, new))
    changes = []
    for one in sorted(infos, key=reading_order):
        then, now = before.get(one), after.get(one)
        kind = _kind_of(then, now, meant=tuple(one in ids for ids in planned))
        if kind is not None:
            changes.append(Change(kind, infos[one], then, now))
    places = {kind: place for place, kind in enumerate(Kind)}
    changes.sort(key=lambda change: places[change.kind])
    same = len(before.keys() & after.keys()) - sum(bool(one.old and one.new) for one in changes)
    return Difference(old, new, tuple(changes), same, tuple(_notes(old, new)))


def _notes(old: Run, new: Run) -> Iterator[str]:
    if old.started.target != new.started.target:
        yield f"the runs are of different servers: {old.started.target}, then {new.started.target}"
    yield from notes_on((old, new), ("old", "new"))
    if new.started.started < old.started.started:
        yield "the run named as the new one is the older one"


def _kind_of(old: CheckResult | None, new: CheckResult | None, *, meant: Sequence[bool]) -> Kind | None:
    """Return what became of a check; `meant` says whether the older and the newer run planned it."""
    if old is None:
        return Kind.NOW_JUDGED if meant[0] else Kind.ADDED
    if new is None:
        return Kind.NO_LONGER_JUDGED if meant[1] else Kind.REMOVED
    return _kind(old, new)


def _kind(old: CheckResult, new: CheckResult) -> Kind | None:
    """Return what became of a check that both runs have; None if nothing did."""
    if old.outcome is new.outcome:
        both_free = old.outcome is Outcome.OBSERVED
        facts = [sorted(result.evidence.observations) for result in (old, new)]
        return Kind.OTHER if both_free and facts[0] != facts[1] else None
    before, after = _WEIGHT.get(old.outcome), _WEIGHT.get(new.outcome)
    if before is None or after is None:
        if before is None and after is None:
            return Kind.OTHER
        return Kind.NO_LONGER_JUDGED if after is None else Kind.NOW_JUDGED
    waived = Outcome.WAIVED in {old.outcome, new.outcome}
    if before == after or (waived and before and after):
        return Kind.OTHER
    return Kind.BROKEN if after > before else Kind.MENDED
