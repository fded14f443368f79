"""The checks of a run as rows of its page, in the order in which the RFCs read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from harness.catalogue import Catalogue
from harness.catalogue.requirements import RFC_ID
from harness.conformance.evidence import CheckInfo, CheckResult, Evidence
from harness.reports.pages.words import BEGUN, NOT_RUN, WORDS, Word, word_of
from harness.reports.run import Run
from harness.vocabulary.judging import Outcome

_NOTHING = Evidence()
_HAZARDS = "hazard"


@dataclass(frozen=True, slots=True)
class Row:
    """One check."""

    info: CheckInfo
    word: Word
    result: CheckResult | None
    """None where it was not judged."""
    evidence: Evidence

    @property
    def slug(self) -> str:
        """The last part of the id."""
        return self.info.id.rsplit("/", 1)[-1]

    @property
    def section(self) -> str:
        """The id without its slug: `rfc5321/4.5.2`."""
        return self.info.id.rsplit("/", 1)[0]

    @property
    def said(self) -> str:
        """The one line that says most about the result; empty where the title says it all."""
        if self.result is None:
            return "the run ended while it was checked" if self.word is BEGUN else ""
        return said_of(self.result)


@dataclass(frozen=True, slots=True)
class Section:
    """The checks of one section of an RFC."""

    key: str
    """`rfc5321/4.5.2`, by which it is linked to."""
    label: str
    """`§4.5.2`; empty for hazards, which have no sections."""
    rows: tuple[Row, ...]

    @property
    def counts(self) -> tuple[tuple[Word, int], ...]:
        """How many checks have each word."""
        return count(self.rows)


@dataclass(frozen=True, slots=True)
class Folder:
    """The checks of one RFC."""

    key: str
    name: str
    title: str
    sections: tuple[Section, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All checks of the RFC."""
        return tuple(row for section in self.sections for row in section.rows)

    @property
    def counts(self) -> tuple[tuple[Word, int], ...]:
        """How many checks have each word."""
        return count(self.rows)


def said_of(result: CheckResult) -> str:
    """Return the one line that says most about a result; empty where its title says it all."""
    evidence = result.evidence
    if result.teeth is not None and result.refutation:
        return f"{result.outcome.value} under {result.refutation}"
    if evidence.reason:
        return evidence.reason
    if result.outcome is Outcome.OBSERVED and evidence.observations:
        return facts_text(evidence.observations)
    return f"got {evidence.actual}" if evidence.actual else ""


def facts_text(observations: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return observed facts in one line."""
    return "; ".join(f"{key}: {', '.join(values)}" for key, values in observations)


def rows_of(run: Run) -> tuple[Row, ...]:
    """Return a row for each check that the run judged, or meant to."""
    judged = {result.info.id for result in run.results}
    rows = [Row(one.info, word_of(one), one, one.evidence) for one in run.results]
    begun = frozenset(run.unfinished)
    rows += [
        Row(info, BEGUN if info.id in begun else NOT_RUN, None, _NOTHING)
        for info in run.started.checks
        if info.id not in judged
    ]
    return tuple(sorted(rows, key=lambda row: reading_order(row.info.id)))


def count(rows: Iterable[Row]) -> tuple[tuple[Word, int], ...]:
    """Return the words that occur, the gravest first, with how often."""
    counts = Counter(row.word for row in rows)
    return tuple((word, counts[word]) for word in WORDS if counts[word])


def folders_of(rows: Iterable[Row], catalogue: Catalogue) -> tuple[Folder, ...]:
    """Group rows, which are in reading order, by RFC and section."""
    return tuple(
        _folder(key, members, catalogue) for key, members in _grouped(rows, lambda row: row.info.folder)
    )


def _folder(key: str, rows: Iterable[Row], catalogue: Catalogue) -> Folder:
    name, title = folder_name(key, catalogue)
    sections = (
        Section(section, section_label(section), tuple(members))
        for section, members in _grouped(rows, lambda row: row.section)
    )
    return Folder(key, name, title, tuple(sections))


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> Iterator[tuple[str, Iterator[Row]]]:
    return groupby(rows, key=key)


def folder_name(folder: str, catalogue: Catalogue) -> tuple[str, str]:
    """Return the name and the title of an id's first part: `RFC 5321`, `Simple Mail Transfer Protocol`."""
    if folder == _HAZARDS:
        return "Hazards", "what no RFC says, and an attacker knows"
    rfc = catalogue.rfc_of(folder)
    return folder.upper().replace("RFC", "RFC "), rfc.title if rfc else ""


def section_label(section: str) -> str:
    """Return `§4.5.2` for `rfc5321/4.5.2`, `appendix A.1` for `rfc3501/A.1`, nothing for a hazard."""
    _, slash, number = section.partition("/")
    if not slash:
        return ""
    return f"§{number}" if number[0].isdigit() else f"appendix {number}"


def reading_order(check_id: str) -> tuple[int, tuple[tuple[int, str], ...], str]:
    """Order ids as the RFCs read: by number, by section with 4.10 after 4.9, by slug; hazards last."""
    match = RFC_ID.fullmatch(check_id)
    if match is None:
        return (10**9, (), check_id)
    parts = ((int(part), "") if part.isdigit() else (10**6, part) for part in match["section"].split("."))
    return (int(match["rfc"]), tuple(parts), match["slug"])
