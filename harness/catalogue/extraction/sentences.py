"""The sentences of an RFC, their key words (RFC 2119, RFC 8174) and their digests."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.catalogue.extraction.layout import paragraphs
from harness.vocabulary.judging import Level

DIGEST_LENGTH = 16

_KEY_WORD = re.compile(
    r"(?<![\"'A-Za-z-])(?:MUST(?:\s+NOT)?|SHALL(?:\s+NOT)?|REQUIRED|SHOULD(?:\s+NOT)?|NOT\s+RECOMMENDED|RECOMMENDED"
    r"|MAY|OPTIONAL(?:LY)?)(?![\"A-Za-z-])"
)
_LEVELS = {
    "MUST": Level.MUST,
    "SHALL": Level.MUST,
    "REQUIRED": Level.MUST,
    "MUST NOT": Level.MUST_NOT,
    "SHALL NOT": Level.MUST_NOT,
    "SHOULD": Level.SHOULD,
    "RECOMMENDED": Level.SHOULD,
    "SHOULD NOT": Level.SHOULD_NOT,
    "NOT RECOMMENDED": Level.SHOULD_NOT,
    "MAY": Level.MAY,
    "OPTIONAL": Level.MAY,
    "OPTIONALLY": Level.MAY,
}
_BOILERPLATE = re.compile(
    r"key ?words?\b.*\b(?:interpreted|defined|RFC ?2119)|\[?(?:RFC ?2119|KEYWORDS)\b.*interpreted"
)
_END = re.compile(r"(?<=[.?!])(?P<close>[\"')\]]*)\s+(?=[\"'(\[<]*[A-Z0-9\\])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|viz|resp|al|Sec|Sect|Fig|No|Dr|Mr|Ms|St|Inc|approx|ca|Vol|pp|ed|Eds?)"
    r"|(?:^|[\s(])[A-Z])\.$"
)
_LOWER_CASE_DUTY = re.compile(
    r"\b(?:must|shall|should|may(?: not)?|(?:is|are) (?:required|not (?:allowed|permitted)|forbidden)"
    r"|has to|have to|cannot|can ?not|never|always|needs? to)\b"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, where it stands, and what it demands."""

    number: int
    """Its place in the RFC, from 1; for reading only, as it moves with our reading of the layout."""
    section: str
    text: str
    digest: str
    levels: tuple[Level, ...]
    """A level for each key word, in their order; empty without one."""
    is_comment: bool = False
    is_heading: bool = False
    context: str = ""
    """What follows a sentence that ends with a colon."""

    @property
    def may_be_duty(self) -> bool:
        """Say whether it speaks of a duty without a key word in capitals."""
        return not self.levels and _LOWER_CASE_DUTY.search(self.text) is not None


def sentences_of(text: str) -> list[Sentence]:
    """Return the sentences of an RFC in their order; one that a section repeats is there once."""
    found: list[Sentence] = []
    seen: set[tuple[str, str]] = set()
    for paragraph in paragraphs(text):
        for part in split(paragraph.text):
            levels = levels_in(part)
            if found and found[-1].text.endswith(":") and not found[-1].is_heading:
                more = f"{found[-1].context} | {part}".strip(" |")
                found[-1] = replace(found[-1], context=more) if len(more) < 400 else found[-1]
            digest = digest_of(part)
            if (paragraph.section, digest) in seen:
                continue
            seen.add((paragraph.section, digest))
            found.append(
                Sentence(
                    len(found) + 1,
                    paragraph.section,
                    part,
                    digest,
                    levels,
                    paragraph.is_comment,
                    paragraph.is_heading,
                )
            )
    return found


def split(text: str) -> Iterator[str]:
    """Yield the sentences of a paragraph."""
    start = 0
    for end in _END.finditer(text):
        before = text[start : end.start()]
        if _ABBREVIATION.search(before):
            continue
        yield text[start : end.end("close")].strip()
        start = end.end()
    rest = text[start:].strip()
    if rest:
        yield rest


def levels_in(text: str) -> tuple[Level, ...]:
    """Return the level of each key word in capitals; none for text that explains the key words, or shouts."""
    if _BOILERPLATE.search(text):
        return ()
    letters = [character for character in _KEY_WORD.sub("", text) if character.isalpha()]
    if sum(character.isupper() for character in letters) > 0.7 * len(letters) > 20:
        return ()
    return tuple(_LEVELS[" ".join(match[0].split())] for match in _KEY_WORD.finditer(text))


def digest_of(text: str) -> str:
    """Return the digest by which the catalogue knows a sentence, however its lines are broken."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:DIGEST_LENGTH]
