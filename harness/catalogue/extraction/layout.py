"""The layout of an RFC in plain text: pages, sections, paragraphs (RFC 7322 §3, and what came before it).

Page headers and footers go, a paragraph that a page break cut is joined again, and what is no prose (the
contents, dialogues, grammar but for its comments) is left out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FRONT = "0"
"""The section of what stands before the first numbered one."""

_FOOTER = re.compile(r"^\S.*\[Page [0-9ivxlc]+\]\s*$")
_HEADER = re.compile(r"^RFC [0-9]+\s{2,}.*\S\s{2,}.*[0-9]{4}\s*$")
_NUMBERED = re.compile(r"^(?P<section>[0-9]+(?:\.[0-9]+)*)[.)]?\s+(?P<title>[A-Za-z\"'(\[<\\$].*)$")
_APPENDIX = re.compile(
    r"^(?:Appendix|APPENDIX)\s+(?P<section>[A-Z](?:\.[0-9]+)*)(?:[.:)]|\s|$)\s*[-.:]*\s*(?P<title>.*)$"
)
_APPENDIX_BEHIND = re.compile(r"^(?P<section>[A-Z])\.?\s+(?P<title>Appendix\b.*)$", re.IGNORECASE)
_OF_APPENDIX = re.compile(r"^(?P<section>[A-Z](?:\.[0-9]+)+)\.?\s+(?P<title>\S.*)$")
_LEADER = re.compile(r"(?:\.{3,}|(?: \.){2,}|\s{3,})\s*[0-9]+\s*$")
_NO_DUTIES = re.compile(
    r"^(?:(?:normative |informative |non-normative )?references?(?: - .*)?|bibliography"
    r"|acknowledge?ments?.*|contributors.*|authors?'?s?'? ?address(?:es)?.*|editors?'?s?'? ?address(?:es)?.*"
    r"|full copyright statement|intellectual property.*|copyright.*|status of this memo|index"
    r"|changes (?:from|since) .*|iesg note|disclaimer.*)$",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"^\s*table of contents\s*$", re.IGNORECASE)
_FRONT_TITLE = re.compile(r"^(?:abstract|foreword|preface)$", re.IGNORECASE)
_BULLET = re.compile(r"^(?P<mark>\s*(?:[o*+\-]|\(?[0-9]{1,2}[.)]|\(?[a-z][.)])\s+)\S")
_DIALOGUE = re.compile(r"^\s*(?:[CSR]:(?:\s|$)|[CS]: ?<|<--|-->)")
_RULE = re.compile(r"^\s*<?[A-Za-z][A-Za-z0-9.-]*>?\s*(?:::=|=/|=)(?:\s|$)")
_ROW = re.compile(r"^\s*\|.*\|$")
_ENDS = re.compile(r"[.:;,!?]['\")\]]*$")
_WIDTH = 70
"""How far lines of text reach; a line that had room for the next word was broken on purpose."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A run of prose, its lines joined."""

    section: str
    text: str
    is_comment: bool = False
    """It stood behind semicolons in a grammar."""
    is_heading: bool = False


def paragraphs(text: str) -> Iterator[Paragraph]:
    """Yield the prose of an RFC in its order."""
    section, skipped = FRONT, True
    block: list[str] = []
    for line, opened in _headed(_unpaged(text)):
        if opened is not None:
            yield from _prose(section, block) if not skipped else ()
            block = []
            section, title, skipped = opened.section or section, opened.title, opened.skipped
            if title and not skipped:
                yield Paragraph(section, title, is_heading=True)
        else:
            block.append(line)
    yield from _prose(section, block) if not skipped else ()


@dataclass(frozen=True, slots=True)
class _Heading:
    section: str
    title: str
    skipped: bool


def _unpaged(text: str) -> list[str]:
    """Return the lines without what every page repeats; a paragraph goes on behind a page break."""
    lines: list[str] = []
    broken = False
    for raw in text.lstrip("\ufeff").replace("\r", "").splitlines():
        line = raw.replace("\f", "").expandtabs(8).rstrip()
        if _FOOTER.match(line) or _HEADER.match(line):
            broken = True
            continue
        if broken and not line:
            continue
        if broken:
            while lines and not lines[-1]:
                lines.pop()
            if not (lines and _goes_on(lines[-1], line)):
                lines.append("")
            broken = False
        lines.append(line)
    return lines


def _goes_on(before: str, after: str) -> bool:
    if not before.startswith(" ") or not after.startswith(" ") or _BULLET.match(after):
        return False
    if _DIALOGUE.match(before) or _DIALOGUE.match(after):
        return False
    return re.search(r"[.:!?]['\")\]]*$", before) is None


def _headed(lines: list[str]) -> Iterator[tuple[str, _Heading | None]]:
    """Yield each line, or the heading that it and the lines below it are."""
    in_contents = False
    position = 0
    last: tuple[tuple[int, str], ...] = ()
    while position < len(lines):
        line = lines[position]
        position += 1
        heading = None
        if _CONTENTS.match(line):
            in_contents = True
            heading = _Heading("", "", skipped=True)
        elif line and not line[0].isspace():
            heading = _heading_of(line, last)
            if heading is not None and in_contents and _LEADER.search(line):
                heading = None
        if heading is None:
            if not in_contents:
                yield line, None
            continue
        if not _CONTENTS.match(line):
            in_contents = False
        title = heading.title
        while heading.section and position < len(lines) and lines[position]:
            title += " " + lines[position].strip()
            position += 1
        if heading.section:
            last = section_key(heading.section)
        yield line, _Heading(heading.section, title, heading.skipped)


def _heading_of(line: str, last: tuple[tuple[int, str], ...]) -> _Heading | None:
    for grammar in (_APPENDIX, _APPENDIX_BEHIND, _OF_APPENDIX, _NUMBERED):
        match = grammar.match(line)
        if match is not None:
            if grammar is _NUMBERED and section_key(match["section"]) <= last:
                return None
            title = match["title"].strip()
            return _Heading(match["section"], title, skipped=_NO_DUTIES.match(title) is not None)
    if _NO_DUTIES.match(line):
        return _Heading("", "", skipped=True)
    if _FRONT_TITLE.match(line):
        return _Heading(FRONT, "", skipped=False)
    return None


def section_key(section: str) -> tuple[tuple[int, str], ...]:
    """Return the place of a section: 4.10 behind 4.9, appendices last."""
    return tuple((int(part), "") if part.isdigit() else (10**6, part) for part in section.split("."))


def _prose(section: str, lines: Iterable[str]) -> Iterator[Paragraph]:
    block: list[str] = []
    for line in (*lines, ""):
        if line:
            block.append(line)
        elif block:
            yield from _of_block(section, _unbarred(block))
            block = []


def _unbarred(block: list[str]) -> list[str]:
    """Take off the bar that RFCs since 2019 set before asides."""
    if all(re.match(r"^\s+\|(?:  |$)", line) and not line.endswith(" |") for line in block):
        return [line.replace("|", " ", 1).rstrip() for line in block]
    return block


def _of_block(section: str, block: list[str]) -> Iterator[Paragraph]:
    """Yield the paragraphs of lines that no blank line parts."""
    if _DIALOGUE.match(block[0]):
        return
    if sum(_ROW.match(line) is not None for line in block) > 1:
        yield from _of_table(section, block)
        return
    gathered = _Gathered(section)
    for line in block:
        yield from gathered.add(line)
    yield from gathered.finished()


class _Gathered:
    """Lines that belong together, of prose or of the comments of a grammar."""

    def __init__(self, section: str) -> None:
        self._section = section
        self._prose: list[str] = []
        self._comment: list[str] = []
        self._rule = ""
        self._rule_indent: int | None = None

    def add(self, line: str) -> Iterator[Paragraph]:
        """Take one more line; yield what ends before it."""
        if self._is_grammar(line):
            yield from self._prose_finished()
            if _RULE.match(line):
                yield from self._comment_finished()
                self._rule, self._rule_indent = line.split("=", maxsplit=1)[0].strip(" :<>"), _indent(line)
            said = _comment_of(line)
            if said:
                self._comment.append(said if self._comment else f"{self._rule}: {said}".removeprefix(": "))
            else:
                yield from self._comment_finished()
            return
        self._rule, self._rule_indent = "", None
        yield from self._comment_finished()
        if self._prose and _starts_anew(self._prose, line):
            yield from self._prose_finished()
        self._prose.append(line)

    def finished(self) -> Iterator[Paragraph]:
        """Yield what is left."""
        yield from self._prose_finished()
        yield from self._comment_finished()

    def _is_grammar(self, line: str) -> bool:
        if _RULE.match(line):
            return True
        if self._rule_indent is not None:
            return _indent(line) > self._rule_indent or _comment_of(line) is not None
        return line.lstrip().startswith(";") and not self._prose

    def _prose_finished(self) -> Iterator[Paragraph]:
        if self._prose:
            yield Paragraph(self._section, _joined(self._prose))
            self._prose = []

    def _comment_finished(self) -> Iterator[Paragraph]:
        if self._comment:
            yield Paragraph(self._section, _joined(self._comment), is_comment=True)
            self._comment = []


def _of_table(section: str, block: list[str]) -> Iterator[Paragraph]:
    """Yield the rows of a table; a row whose first cell is empty goes on the one above."""
    row: list[str] = []
    for line in block:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        is_row = _ROW.match(line) is not None
        if row and (not is_row or cells[0]):
            yield Paragraph(section, " ".join(row))
            row = []
        if is_row:
            row.extend(cell for cell in cells if cell)
    if row:
        yield Paragraph(section, " ".join(row))


def _comment_of(line: str) -> str | None:
    """Return what stands behind the semicolon of a line of grammar."""
    unquoted = re.sub(r'"[^"]*"', lambda match: "_" * len(match[0]), line)
    at = unquoted.find(";")
    return line[at:].lstrip("; ").strip() if at >= 0 else None


def _starts_anew(held: list[str], line: str) -> bool:
    """Say whether a line below others begins a paragraph of its own."""
    before, indent, base = held[-1], _indent(line), _indent(held[-1])
    is_broken = len(before) + 1 + len(line.split(maxsplit=1)[0]) <= _WIDTH
    bullet = _BULLET.match(line)
    if bullet is not None and (
        _ENDS.search(before) or is_broken or before.rstrip().endswith((" and", " or"))
    ):
        return True
    mark = _BULLET.match(held[0])
    text_indent = len(mark["mark"]) if mark is not None else _indent(held[0])
    if indent > base:
        is_hanging = len(held) == 1 and (indent == text_indent)
        return not is_hanging and is_broken
    if indent < base:
        return indent < text_indent and (is_broken or _ENDS.search(before) is not None)
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: list[str]) -> str:
    """Join lines; a word that was parted at its hyphen is one word again."""
    text = ""
    for raw in lines:
        line = " ".join(raw.split())
        if re.search(r"[A-Za-z0-9]-$", text) and re.match(r"[A-Za-z0-9]", line):
            text += line
        else:
            text += f" {line}" if text else line
    mark = _BULLET.match(text)
    return text[len(mark["mark"]) :] if mark is not None else text
