"""What a reviewer reads: worksheets, the text beside its entries, and what is left to decide."""

import math
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.catalogue.extraction.decisions import EXISTING, mistakes_of
from harness.catalogue.extraction.entries import Entry
from harness.catalogue.extraction.guesses import level_of, side_of, visibility_of
from harness.catalogue.extraction.rfc import RfcAtWork, words_of
from harness.catalogue.extraction.sentences import Sentence
from harness.catalogue.requirements import Side, Visibility

_WIDTH = 140
_LIKELY = 0.2
"""The least likeness at which a sentence is proposed for an entry."""


def worksheet(work: RfcAtWork, *, everything: bool) -> Iterator[str]:
    """Yield each undecided sentence as comment, and below it a row with what can be guessed."""
    yield "# digest | id | level | side | visibility | statement | reason"
    section = ""
    for sentence in work.sentences:
        wanted = bool(sentence.levels) or everything
        is_left = not work.is_decided(sentence) or any(
            not entry.is_reviewed and "statement" not in entry.cells
            for entry in work.file.of_digest(sentence.digest)
        )
        if not wanted or not is_left:
            continue
        if sentence.section != section:
            section = sentence.section
            yield f"\n# ======== {work.rfc.folder} {section}"
        yield ""
        yield from _comment(sentence)
        there = work.file.of_digest(sentence.digest)
        key = there[0].key if there else work.key_for(sentence)
        side = side_of(sentence)
        level = level_of(sentence).value if sentence.levels or sentence.may_be_duty else ""
        mark = "" if sentence.levels else "#"
        question = "" if sentence.levels else "?"
        seen = visibility_of(sentence, side).value
        word = f"{level}{question}" if level else ""
        yield f"{mark}{sentence.digest} | {key} | {word} | {side.value} | {seen} | |"


def side_by_side(work: RfcAtWork, section: str | None) -> Iterator[str]:
    """Yield every sentence with its digest and the entries that say it; ? where it is undecided."""
    current = ""
    for sentence in work.sentences:
        if section is not None and not f"{sentence.section}.".startswith(f"{section}."):
            continue
        if sentence.section != current:
            if current:
                yield from _without_sentence(work, current)
            current = sentence.section
            yield f"\n======== {work.rfc.folder} {current}"
        yield from textwrap.wrap(sentence.text, _WIDTH, subsequent_indent="  ")
        yield f"    {sentence.digest} {_said_by(work, sentence)}"
    if current:
        yield from _without_sentence(work, current)


def left(work: RfcAtWork) -> Iterator[str]:
    """Yield what has to be decided or mended before the RFC is finished."""
    folder = work.rfc.folder
    for sentence in work.undecided():
        text = textwrap.shorten(sentence.text, _WIDTH)
        yield f"{folder}/{sentence.section}: undecided {sentence.digest}: {text}"
    for entry in work.file.entries.values():
        if not entry.is_reviewed:
            yield f"{folder}/{entry.key}: unreviewed (no visibility)"
        else:
            yield from (f"{folder}/{entry.key}: {mistake}" for mistake in mistakes_of(entry, work))
    for key, digest in work.stray_digests():
        yield f"{folder}/{key}: no sentence has the digest {digest}"


def assignment(work: RfcAtWork) -> Iterator[str]:
    """Yield, as rows to read and apply, the likeliest sentence of each entry without a digest."""
    likeness = _Likeness(work.sentences)
    for entry in work.file.entries.values():
        if entry.digests:
            continue
        yield ""
        yield f"# {entry.key} ({entry.cells.get('level', '?')}): {entry.cells.get('statement', '')}"
        ranked = sorted(
            ((likeness.of(entry, sentence), sentence) for sentence in work.sentences),
            key=lambda one: -one[0],
        )[:2]
        proposed = [(score, sentence) for score, sentence in ranked if score >= _LIKELY]
        seen = entry.cells.get("visibility") or _seen(entry).value
        for score, sentence in proposed:
            yield from _comment(sentence, f"{score:.2f} {sentence.digest}")
        first = proposed[0][1].digest if proposed else EXISTING
        yield f"{first} | {entry.key} | | | {seen}"


class _Likeness:
    """How much an entry and a sentence have in common: rare words count more, the section counts most."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._words: dict[int, frozenset[str]] = {}
        counts: Counter[str] = Counter()
        for sentence in sentences:
            words = _stems(sentence.text)
            self._words[sentence.number] = words
            counts.update(words)
        self._weights = {word: math.log(1 + len(sentences) / count) for word, count in counts.items()}

    def of(self, entry: Entry, sentence: Sentence) -> float:
        wanted = _stems(f"{entry.cells.get('statement', '')} {entry.key.split('/', maxsplit=1)[1]}")
        theirs = self._words[sentence.number]
        weight = self._weight(wanted & theirs)
        if not weight:
            return 0.0
        ours = self._weight(wanted)
        score = weight / math.sqrt(ours * max(ours, self._weight(theirs)))
        if sentence.section == entry.section:
            score += 0.1
        elif not f"{sentence.section}.".startswith(f"{entry.section}."):
            score *= 0.3
        return score * (1.2 if level_of(sentence).value == entry.cells.get("level") else 1.0)

    def _weight(self, words: frozenset[str]) -> float:
        return sum(self._weights.get(word, 3.0) for word in words)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:4] for word in words_of(text) if len(word) > 2)


def _seen(entry: Entry) -> Visibility:
    text = entry.cells.get("statement", "")
    stand_in = Sentence(0, entry.section, text, "", ())
    return visibility_of(stand_in, Side(entry.cells.get("side", "server")))


def _comment(sentence: Sentence, before: str = "") -> Iterator[str]:
    levels = "+".join(sentence.levels) or ("prose?" if sentence.may_be_duty else "-")
    kind = " (comment in the grammar)" if sentence.is_comment else ""
    text = f"{before} [{levels}]{kind} {sentence.text}".strip()
    if sentence.context:
        text += f" >> {sentence.context}"
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ")


def _said_by(work: RfcAtWork, sentence: Sentence) -> str:
    if sentence.digest in work.file.no_duties:
        return f"no duty: {work.file.no_duties[sentence.digest]}"
    entries = work.file.of_digest(sentence.digest)
    if entries:
        return "; ".join(_summary(entry) for entry in entries)
    return f"? {'+'.join(sentence.levels)}" if sentence.levels else "?prose" if sentence.may_be_duty else ""


def _summary(entry: Entry) -> str:
    cells = entry.cells
    parts = [entry.key, *(cells.get(name, "") for name in ("level", "side"))]
    parts.append(cells.get("visibility", "UNREVIEWED"))
    return " ".join(part for part in parts if part) + (
        f": {cells['statement']}" if "statement" in cells else ""
    )


def _without_sentence(work: RfcAtWork, section: str) -> Iterator[str]:
    for entry in work.file.entries.values():
        if entry.section == section and not entry.digests:
            yield f"    (no digest) {_summary(entry)}"
