"""A file of the catalogue as text, in which single entries change and all others stay octet for octet.

The loader reads these files as TOML; here they are lines: a heading, a block for each `["SECTION/slug"]`, and
the table of the sentences that are no duties. Only a block whose cells change is written anew.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.catalogue.extraction.layout import section_key
from harness.catalogue.loader import NO_DUTY

FIELDS = ("level", "side", "visibility", "statement", "reason", "digest", "replaced_by")
"""In the order in which an entry has them."""

_HEADER = re.compile(r'\[(?:"(?P<key>[^"]+)"|(?P<bare>[A-Za-z0-9_-]+))\]\s*')
_FIELD = re.compile(r"(?P<name>[a-z_]+)\s*=")


@dataclass(slots=True)
class Entry:
    """One entry: its cells as they are read, and its lines as they stand in the file."""

    key: str
    """`SECTION/slug`."""
    cells: dict[str, str] = field(default_factory=dict)
    """All but the digests."""
    digests: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    is_changed: bool = False

    @property
    def section(self) -> str:
        """The section of its RFC."""
        return self.key.split("/", maxsplit=1)[0]

    @property
    def is_reviewed(self) -> bool:
        """Say whether somebody has decided how it is seen."""
        return "visibility" in self.cells

    def set(self, name: str, value: str | None) -> None:
        """Change a cell, or take it away with None; the same value changes nothing."""
        if self.cells.get(name) == value:
            return
        self.is_changed = True
        if value is None:
            self.cells.pop(name, None)
        else:
            self.cells[name] = value

    def add_digest(self, digest: str) -> None:
        """Let one more sentence be said by this entry."""
        if digest not in self.digests:
            self.digests.append(digest)
            self.is_changed = True

    def remove_digest(self, digest: str) -> None:
        """Let a sentence not be said by this entry."""
        self.digests.remove(digest)
        self.is_changed = True

    def text(self) -> str:
        """Return its block, without the blank line behind it."""
        if not self.is_changed:
            return "\n".join(self.lines)
        comments = [line for line in self.lines if line.startswith("#")]
        values = dict(self.cells)
        written = [f'["{self.key}"]', *comments]
        for name in FIELDS:
            if name == "digest" and self.digests:
                written.append(f"digest = {_digests(self.digests)}")
            elif name in values:
                written.append(f"{name} = {quoted(values[name])}")
        return "\n".join(written)


@dataclass(slots=True)
class RfcFile:
    """The file of one RFC."""

    path: Path
    heading: str
    entries: dict[str, Entry]
    no_duties: dict[str, str]
    """Of sentences that demand nothing: the reason by digest, with the section before it."""

    def of_digest(self, digest: str) -> list[Entry]:
        """Return the entries that say a sentence."""
        return [entry for entry in self.entries.values() if digest in entry.digests]

    def covers(self, section: str, digest: str, *, is_repeated: bool) -> bool:
        """Say whether a sentence has an entry (one that sections repeat: in its own), or is no duty."""
        if digest in self.no_duties:
            return True
        return any(not is_repeated or entry.section == section for entry in self.of_digest(digest))

    def text(self, places: Mapping[str, int]) -> str:
        """Return the whole file: entries as the RFC reads, where `places` says at which place a digest is."""
        order: list[tuple[tuple[tuple[int, str], ...], int, Entry]] = []
        place: dict[str, int] = {}
        for entry in self.entries.values():
            known = [places[digest] for digest in entry.digests if digest in places]
            place[entry.section] = min(known) if known else place.get(entry.section, 0)
            order.append((section_key(entry.section), place[entry.section], entry))
        order.sort(key=lambda one: one[:2])
        blocks = [self.heading, *(entry.text() for _, _, entry in order)]
        if self.no_duties:
            by_place = sorted(self.no_duties.items(), key=lambda item: places.get(item[0], 0))
            lines = (f'"{digest}" = {quoted(reason)}' for digest, reason in by_place)
            blocks.append("\n".join((f"[{NO_DUTY}]", *lines)))
        return "\n\n".join(block for block in blocks if block) + "\n"


def read_file(path: Path, title: str) -> RfcFile:
    """Read the file of an RFC; one that is not there yet is begun with its title."""
    if not path.exists():
        return RfcFile(path, f"# {title}: its sentences in our own words.", {}, {})
    text = path.read_text("utf-8")
    tables = tomllib.loads(text)
    heading: list[str] = []
    entries: dict[str, Entry] = {}
    lines = heading
    for line in text.splitlines():
        match = _HEADER.fullmatch(line)
        if match is None:
            lines.append(line)
            continue
        key = match["key"] or match["bare"]
        entry = Entry(key, lines=[line])
        lines = entry.lines
        if key != NO_DUTY:
            cells = dict(tables[key])
            digests = cells.pop("digest", [])
            entry.digests = [digests] if isinstance(digests, str) else list(digests)
            entry.cells = {name: str(value) for name, value in cells.items()}
            entries[key] = entry
    for entry in entries.values():
        entry.lines[:] = _stripped(entry.lines)
    return RfcFile(path, "\n".join(_stripped(heading)), entries, dict(tables.get(NO_DUTY, {})))


def quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _digests(digests: Iterable[str]) -> str:
    texts = [f'"{digest}"' for digest in digests]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _stripped(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
