"""A reviewer's decisions about sentences: rows of cells, applied to an RFC's file all together or not at all.

digest | id | level | side | visibility | statement | reason | replaced_by
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.catalogue.extraction.entries import Entry, read_file
from harness.catalogue.extraction.rfc import RfcAtWork, words_of
from harness.catalogue.extraction.sentences import Sentence
from harness.catalogue.requirements import RFC_ID, Side, Visibility
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.judging import Level

CELLS = ("digest", "id", "level", "side", "visibility", "statement", "reason", "replaced_by")
NO_SENTENCE = "-"
"""In the place of a digest: an entry that no single sentence says."""
EXISTING = "~"
"""In the place of a digest: an entry that is there already, whose cells change."""
NO_DUTY = "-"
"""In the place of an id."""
TAKEN_OFF = "!"
"""Before a digest: the entry does not say this sentence after all."""
REMOVED = "="
"""In a cell that shall be empty."""

_COPIED_WORDS = 10
_WORDS = {
    "level": tuple(level.value for level in Level if level is not Level.HAZARD),
    "side": tuple(side.value for side in Side),
    "visibility": tuple(visibility.value for visibility in Visibility),
}
_SEEN_OF_OTHERS = {
    "client": (Visibility.CONNECTION, None),
    "format": (Visibility.DELIVERY, None),
    "operator": (Visibility.HIDDEN, "up to who runs the server"),
}
"""How the duties of others than the server are seen, where the reviewer does not say."""


class DecisionError(MailproofError):
    """Rows cannot be applied; the text has a line for each mistake."""


@dataclass(frozen=True, slots=True)
class Row:
    """One decision, with the line that it is on."""

    line: int
    cells: dict[str, str]
    """Those that are not blank."""

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def read_rows(text: str) -> list[Row]:
    """Return the rows of a file; blank lines and comments are none."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.split("\t") if "\t" in line else re.split(r"(?<=\s)\||\|(?=\s|$)", line)
        values = [part.strip() for part in parts]
        if len(values) > len(CELLS):
            message = f"line {number}: {len(values)} cells, more than {' | '.join(CELLS)}"
            raise DecisionError(message)
        rows.append(Row(number, {name: value for name, value in zip(CELLS, values, strict=False) if value}))
    return rows


def apply(rows: Iterable[Row], work: RfcAtWork) -> list[str]:
    """Carry the rows out on the entries in memory; return what a reviewer might look at again.

    Raises `DecisionError` with all mistakes, after which the entries are not to be written.
    """
    mistakes: list[str] = []
    doubts: list[str] = []
    touched: dict[str, int] = {}
    for row in rows:
        try:
            doubts.extend(f"line {row.line}: {doubt}" for doubt in _apply_row(row, work, touched))
        except (LookupError, ValueError) as error:
            mistakes.append(f"line {row.line}: {error.args[0]}")
    for key, line in touched.items():
        entry = work.file.entries.get(key)
        if entry is not None:
            mistakes.extend(f"line {line}: {key}: {mistake}" for mistake in mistakes_of(entry, work))
    if mistakes:
        raise DecisionError("\n".join(mistakes))
    return doubts


def mistakes_of(entry: Entry, work: RfcAtWork) -> Iterator[str]:
    """Yield what a reviewed entry lacks, or has too much of."""
    cells = entry.cells
    if RFC_ID.fullmatch(f"{work.rfc.folder}/{entry.key}") is None:
        yield "an id is SECTION/slug, the slug of lower-case words and hyphens"
    for name, words in _WORDS.items():
        if cells.get(name) not in words:
            yield f"{name} is one of {', '.join(words)}, not {cells.get(name, 'missing')!r}"
    statement, visibility = cells.get("statement", ""), cells.get("visibility")
    of_server = cells.get("side") in {Side.SERVER.value, Side.BOTH.value}
    is_owed = of_server and visibility in {"connection", "delivery"} and cells.get("level") != Level.MAY.value
    if is_owed and not statement:
        yield "a duty of the server that can be seen needs a statement in our own words"
    if statement and not statement.endswith("."):
        yield "a statement is a sentence that ends with a full stop"
    if visibility == Visibility.HIDDEN.value and not cells.get("reason"):
        yield "what is hidden needs the reason why"
    yield from _mistakes_of_replacement(cells.get("replaced_by", ""), work)
    for sentence in work.sentences:
        if sentence.digest in entry.digests and (copied := _copied(statement, sentence.text)):
            yield f"the statement copies the RFC's {copied!r}; say it in our own words"


def _mistakes_of_replacement(replacement: str, work: RfcAtWork) -> Iterator[str]:
    if not replacement:
        return
    folder, _, key = replacement.partition("/")
    if RFC_ID.fullmatch(replacement) is None:
        yield 'replaced_by is a whole id, as "rfc9051/6.4.5/seen-set"'
    elif key not in read_file(work.file.path.with_name(f"{folder}.toml"), "").entries:
        yield f"replaced_by {replacement}: there is no such entry (yet)"


def _apply_row(row: Row, work: RfcAtWork, touched: dict[str, int]) -> Iterator[str]:
    if row["digest"].startswith(TAKEN_OFF):
        _take_off(row, work, touched)
        return
    sentence = _sentence_of(row, work)
    if row["id"] == NO_DUTY:
        _set_no_duty(row, work, sentence)
        return
    key = _key_of(row, work, sentence)
    entry = work.file.entries.get(key)
    if entry is None:
        if row["digest"] == EXISTING:
            message = f"there is no entry {key} to change"
            raise LookupError(message)
        if sentence is not None:
            _drop_unreviewed(work, sentence)
        entry = work.add(key, sentence)
        levels = [level.value for level in sentence.levels] if sentence is not None else []
        if levels and row["level"] and row["level"] not in levels:
            yield f"{key}: the level is {row['level']}, but the sentence's key word is {', '.join(levels)}"
    elif sentence is not None:
        _drop_unreviewed(work, sentence, but=key)
        entry.add_digest(sentence.digest)
    if sentence is not None:
        work.file.no_duties.pop(sentence.digest, None)
    _set_cells(row, entry)
    touched.setdefault(key, row.line)


def _take_off(row: Row, work: RfcAtWork, touched: dict[str, int]) -> None:
    """Take a sentence off an entry, or off the list of those that are no duties."""
    entry = work.file.entries.get(row["id"])
    digests = (
        list(work.file.no_duties) if row["id"] == NO_DUTY else entry.digests if entry is not None else []
    )
    prefix = row["digest"].removeprefix(TAKEN_OFF)
    digest = next((one for one in digests if prefix and one.startswith(prefix)), None)
    if digest is None:
        message = f"{row['id']} has no such digest; a row is {TAKEN_OFF}DIGEST | SECTION/slug"
        raise LookupError(message)
    if entry is None:
        del work.file.no_duties[digest]
    else:
        entry.remove_digest(digest)
        touched.setdefault(entry.key, row.line)


def _set_cells(row: Row, entry: Entry) -> None:
    for name in CELLS[2:]:
        if row[name]:
            entry.set(name, None if row[name] == REMOVED else row[name])
    if "visibility" not in entry.cells and entry.cells.get("side") in _SEEN_OF_OTHERS:
        visibility, reason = _SEEN_OF_OTHERS[entry.cells["side"]]
        entry.set("visibility", visibility.value)
        if reason is not None and "reason" not in entry.cells:
            entry.set("reason", reason)


def _sentence_of(row: Row, work: RfcAtWork) -> Sentence | None:
    """Return the sentence that a row speaks of; where sections repeat it, that of the row's section."""
    digest = row["digest"]
    if not digest:
        message = "the first cell is a digest, - (no sentence) or ~ (an entry that is there)"
        raise ValueError(message)
    if digest in {NO_SENTENCE, EXISTING}:
        return None
    found = work.of_prefix(digest)
    section = row["id"].split("/", maxsplit=1)[0] if "/" in row["id"] else None
    for sentence in found:
        if sentence.section == section:
            return sentence
    return next((one for one in found if not work.is_decided(one)), found[0])


def _key_of(row: Row, work: RfcAtWork, sentence: Sentence | None) -> str:
    named = row["id"].removeprefix(f"{work.rfc.folder}/")
    if "/" in named:
        return named
    if sentence is None:
        message = f"{row['digest']} needs a whole id, SECTION/slug, not {named!r}"
        raise ValueError(message)
    if named:
        return f"{sentence.section}/{named}"
    there = [entry.key for entry in work.file.of_digest(sentence.digest)]
    return there[0] if len(there) == 1 else work.key_for(sentence)


def _set_no_duty(row: Row, work: RfcAtWork, sentence: Sentence | None) -> None:
    reason = row["reason"] or row["statement"] or row["level"]
    if sentence is None or not reason:
        message = "no duty: a row is DIGEST | - | | | | | why it demands nothing"
        raise ValueError(message)
    _drop_unreviewed(work, sentence)
    there = work.file.of_digest(sentence.digest)
    if there:
        message = f"{there[0].key} says this sentence, so it is a duty"
        raise ValueError(message)
    work.file.no_duties[sentence.digest] = (
        f"{sentence.section}: {reason.removeprefix(sentence.section + ': ')}"
    )


def _drop_unreviewed(work: RfcAtWork, sentence: Sentence, but: str = "") -> None:
    """Take away what the tool itself had written about a sentence; what a hand wrote has a statement."""
    for entry in work.file.of_digest(sentence.digest):
        if entry.key != but and not entry.is_reviewed and "statement" not in entry.cells:
            del work.file.entries[entry.key]


def _copied(statement: str, sentence: str) -> str:
    """Return ten words that follow one another in both."""
    theirs = f" {' '.join(words_of(sentence))} "
    ours = words_of(statement)
    for start in range(len(ours) - _COPIED_WORDS + 1):
        run = " ".join(ours[start : start + _COPIED_WORDS])
        if f" {run} " in theirs:
            return run
    return ""
