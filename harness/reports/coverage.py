"""What the catalogue owes and what the suites judge of it: each requirement's standing, and the counts.

No run is needed: the catalogue says what is demanded, the declarations of the checks say what is judged.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.catalogue import Catalogue, Requirement
from harness.catalogue.requirements import Side, Visibility
from harness.conformance.declared import DeclaredCheck
from harness.vocabulary.judging import Level


class Standing(StrEnum):
    """How a requirement stands: judged, or why not."""

    JUDGED = "judged"
    OPEN = "open"
    """A duty of the server that one could see, without a check and without a reason: a gap."""
    REASONED = "reasoned"
    """A duty of the server that one could see; the entry says why no check judges it."""
    REPLACED = "replaced"
    """The newer RFC has the same duty, and is where a check would judge it."""
    FREE = "free"
    """A MAY that no check surveys: nothing is owed."""
    HIDDEN = "hidden"
    """Not seen from outside."""
    OTHERS = "others"
    """A duty of the client, of a format or of who runs the server."""
    UNREVIEWED = "unreviewed"
    """Nobody has yet read the sentence with care."""


@dataclass(frozen=True, slots=True)
class Position:
    """One requirement, how it stands, and the checks that judge it."""

    requirement: Requirement
    standing: Standing
    checks: tuple[DeclaredCheck, ...]

    @property
    def why(self) -> str:
        """Why no check judges it; empty for what is judged."""
        entry = self.requirement
        if self.standing in _WITHOUT_REASON:
            return _WITHOUT_REASON[self.standing]
        if self.standing is Standing.REPLACED:
            return f"replaced by {entry.replaced_by}"
        return entry.reason or _OTHERS.get(entry.side, "the server is free")


@dataclass(frozen=True, slots=True)
class NoDuty:
    """A sentence with a key word that demands nothing of anybody."""

    folder: str
    section: str
    digest: str
    reason: str


_WITHOUT_REASON = {
    Standing.JUDGED: "",
    Standing.OPEN: "no check yet",
    Standing.UNREVIEWED: "not reviewed yet",
}
_OTHERS = {
    Side.CLIENT: "a duty of the client",
    Side.FORMAT: "a rule of the format",
    Side.OPERATOR: "up to who runs the server",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one RFC, or of several."""

    sentences: int = 0
    """Sentences of the texts that an entry stands for, and those that are no duties."""
    entries: int = 0
    duties: int = 0
    """Of the server, without what it may do."""
    visible: int = 0
    """Duties that show from outside; what follows are parts of these."""
    judged: int = 0
    reasoned: int = 0
    replaced: int = 0
    open: int = 0
    surveyed: int = 0
    """What is free and yet has a check: recorded, never failed."""
    unreviewed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.sentences + other.sentences,
            self.entries + other.entries,
            self.duties + other.duties,
            self.visible + other.visible,
            self.judged + other.judged,
            self.reasoned + other.reasoned,
            self.replaced + other.replaced,
            self.open + other.open,
            self.surveyed + other.surveyed,
            self.unreviewed + other.unreviewed,
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every requirement with its standing, in the order of the catalogue."""

    catalogue: Catalogue
    positions: Sequence[Position]
    no_duties: Sequence[NoDuty]

    def only(self, is_meant: Callable[[str], bool]) -> "Coverage":
        """Return the part whose ids are meant."""
        return Coverage(
            self.catalogue,
            [position for position in self.positions if is_meant(position.requirement.id)],
            [one for one in self.no_duties if is_meant(f"{one.folder}/{one.section}/-")],
        )

    def folders(self) -> list[str]:
        """Return the RFCs (`rfc5321`) and `hazard`, in the order of the catalogue, that have entries."""
        return list(dict.fromkeys(position.requirement.folder for position in self.positions))

    def tally(self, folder: str) -> Tally:
        """Count one RFC, or the hazards."""
        positions = [position for position in self.positions if position.requirement.folder == folder]
        digests = {digest for position in positions for digest in position.requirement.digests}
        digests.update(one.digest for one in self.no_duties if one.folder == folder)
        undigested = sum(not position.requirement.digests for position in positions)
        # A duty that a check judges is seen, whatever the entry says, or does not say yet.
        seen = [
            position
            for position in positions
            if position.requirement.binds_server
            and (position.requirement.is_visible or position.standing is Standing.JUDGED)
        ]
        standings = [position.standing for position in seen]
        return Tally(
            sentences=len(digests) + undigested,
            entries=len(positions),
            duties=sum(position.requirement.binds_server for position in positions),
            visible=len(seen),
            judged=standings.count(Standing.JUDGED),
            reasoned=standings.count(Standing.REASONED),
            replaced=standings.count(Standing.REPLACED),
            open=standings.count(Standing.OPEN),
            surveyed=sum(
                position.requirement.level is Level.MAY and position.standing is Standing.JUDGED
                for position in positions
            ),
            unreviewed=sum(not position.requirement.is_reviewed for position in positions),
        )


def coverage_of(catalogue: Catalogue, checks: Iterable[DeclaredCheck]) -> Coverage:
    """Return how each requirement of the catalogue stands with these checks."""
    by_id: dict[str, list[DeclaredCheck]] = {}
    for check in checks:
        for one in check.ids:
            by_id.setdefault(one, []).append(check)
    no_duties = [
        NoDuty(folder, *_section_and_reason(text, digest))
        for folder, reasons in catalogue.no_duties.items()
        for digest, text in reasons.items()
    ]
    return Coverage(catalogue, list(_positions(catalogue, by_id)), no_duties)


def _section_and_reason(text: str, digest: str) -> tuple[str, str, str]:
    section, _, reason = text.partition(": ")
    return section, digest, reason


def _positions(catalogue: Catalogue, by_id: Mapping[str, list[DeclaredCheck]]) -> Iterator[Position]:
    for entry in catalogue:
        checks = tuple(by_id.get(entry.id, ()))
        yield Position(entry, Standing.JUDGED if checks else _standing(entry), checks)


def _standing(entry: Requirement) -> Standing:
    """Return how an entry stands that no check judges: by the first that applies."""
    standings = (
        (Standing.OPEN, entry.level is Level.HAZARD),
        (Standing.UNREVIEWED, not entry.is_reviewed),
        (Standing.HIDDEN, entry.visibility is Visibility.HIDDEN),
        (Standing.OTHERS, entry.side in _OTHERS),
        (Standing.FREE, entry.level is Level.MAY),
        (Standing.REPLACED, bool(entry.replaced_by)),
        (Standing.REASONED, bool(entry.reason)),
    )
    return next((standing for standing, applies in standings if applies), Standing.OPEN)
