"""One RFC at work: its sentences beside the entries of its file."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.catalogue.extraction.entries import Entry, RfcFile, read_file
from harness.catalogue.extraction.guesses import level_of, side_of, slug_of
from harness.catalogue.extraction.sentences import Sentence, sentences_of
from harness.catalogue.requirements import Rfc
from harness.vocabulary.errors import UsageError

_SHORTEST_PREFIX = 6


class RfcAtWork:
    """What the text says, and what the catalogue has of it."""

    def __init__(self, rfc: Rfc, sentences: Sequence[Sentence], file: RfcFile) -> None:
        self.rfc = rfc
        self.sentences = sentences
        self.file = file
        counts = Counter(one.digest for one in sentences)
        self._repeated = {digest for digest, count in counts.items() if count > 1}

    def is_decided(self, sentence: Sentence) -> bool:
        """Say whether a sentence has an entry, reviewed or not, or is known to be no duty."""
        return self.file.covers(
            sentence.section, sentence.digest, is_repeated=sentence.digest in self._repeated
        )

    def undecided(self) -> list[Sentence]:
        """Return the sentences with a key word that nothing in the file speaks of."""
        return [one for one in self.sentences if one.levels and not self.is_decided(one)]

    def unreviewed(self) -> list[Entry]:
        """Return the entries of which nobody has yet said how they are seen."""
        return [entry for entry in self.file.entries.values() if not entry.is_reviewed]

    def stray_digests(self) -> Iterator[tuple[str, str]]:
        """Yield the id (or "no-duty") and the digest where the text has no such sentence."""
        known = {one.digest for one in self.sentences}
        for entry in self.file.entries.values():
            yield from ((entry.key, digest) for digest in entry.digests if digest not in known)
        yield from (("no-duty", digest) for digest in self.file.no_duties if digest not in known)

    def of_prefix(self, prefix: str) -> list[Sentence]:
        """Return the sentence with such a digest, once for each section that has it; raises `LookupError`."""
        if len(prefix) < _SHORTEST_PREFIX:
            message = f"the digest {prefix!r} is too short: at least {_SHORTEST_PREFIX} of its digits"
            raise LookupError(message)
        found = [one for one in self.sentences if one.digest.startswith(prefix)]
        if len({one.digest for one in found}) != 1:
            message = f"{'several sentences have' if found else 'no sentence has'} the digest {prefix!r}"
            raise LookupError(message)
        return found

    def key_for(self, sentence: Sentence) -> str:
        """Return an id that no entry has yet."""
        stem = f"{sentence.section}/{slug_of(sentence)}"
        key, number = stem, 2
        while key in self.file.entries:
            key, number = f"{stem}-{number}", number + 1
        return key

    def add(self, key: str, sentence: Sentence | None) -> Entry:
        """Begin an entry; of a sentence, with what can be guessed."""
        entry = self.file.entries[key] = Entry(key, is_changed=True)
        if sentence is not None:
            entry.set("level", level_of(sentence).value)
            entry.set("side", side_of(sentence).value)
            entry.add_digest(sentence.digest)
        return entry

    def text(self) -> str:
        """Return the file's text, in the order of the RFC."""
        places: dict[str, int] = {}
        for sentence in self.sentences:
            places.setdefault(sentence.digest, sentence.number)
        return self.file.text(places)

    def write(self) -> bool:
        """Write the file; say whether it has changed."""
        text = self.text()
        if not self.file.entries and not self.file.no_duties:
            return False
        if self.file.path.exists() and self.file.path.read_text("utf-8") == text:
            return False
        self.file.path.write_text(text, "utf-8")
        return True


def at_work(rfc: Rfc, texts: Path, directory: Path) -> RfcAtWork:
    """Read the text of an RFC, `rfcNNNN.txt` below `texts`, and its file below `directory`."""
    path = texts / f"{rfc.folder}.txt"
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        message = (
            f"{path}: {error.strerror}; get the text from https://www.rfc-editor.org/rfc/{rfc.folder}.txt"
        )
        raise UsageError(message) from None
    return RfcAtWork(rfc, sentences_of(text), read_file(directory / "rfc" / f"{rfc.folder}.toml", rfc.title))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return re.findall(r"[a-z0-9]+", text.lower())
