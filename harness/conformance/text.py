"""Evidence as plain text: what pytest shows, and what goes into JUnit's failures."""

import shlex
import textwrap
from collections.abc import Iterator

from harness.conformance.evidence import CheckInfo, CheckResult, Dialogue, Evidence
from harness.vocabulary.judging import Level, Outcome

_WIDTH = 110
_INDENT = "    "


def evidence_text(info: CheckInfo, outcome: Outcome, evidence: Evidence) -> str:
    """Return all evidence in its order: requirement, expected, actual, input, dialogues, replay."""
    return "\n".join(_parts(info, outcome, evidence))


def result_text(result: CheckResult) -> str:
    """Return all evidence of a check's result."""
    return evidence_text(result.info, result.outcome, result.evidence)


def requirement_line(info: CheckInfo) -> str:
    """Return id, level and source of a check in one line."""
    level = "hazard" if info.level is Level.HAZARD else info.level.value
    return f"{info.id}  [{level}, {info.source}]"


def replay_line(target: str, *check_ids: str, depth: str, seed: int, refute: bool) -> str:
    """Return the command that runs these checks again, with the same examples."""
    words = ["mailproof", "check", *([target] if target else []), *check_ids]
    words += ["--depth", depth, "--seed", str(seed), *(["--refute"] if refute else [])]
    return shlex.join(words)


def dialogue_lines(dialogue: Dialogue) -> Iterator[str]:
    """Return a dialogue with a head line that names the connection."""
    yield f"{dialogue.peer}:"
    yield from dialogue.text.splitlines()


def _parts(info: CheckInfo, outcome: Outcome, evidence: Evidence) -> Iterator[str]:
    yield f"{outcome.value}: {requirement_line(info)}"
    yield from _paragraph("requirement", info.statement)
    if evidence.reason:
        yield from _paragraph("reason", evidence.reason)
    if evidence.expected:
        yield from _paragraph("expected", evidence.expected)
        yield from _paragraph("actual", evidence.actual)
    if evidence.note:
        yield from _paragraph("note", evidence.note)
    for key, values in evidence.observations:
        yield f"  observed: {key}: {', '.join(values)}"
    yield from _block("input", evidence.input)
    for dialogue in evidence.dialogues:
        head, *lines = dialogue_lines(dialogue)
        yield from _block(f"dialogue with {head.removesuffix(':')}", lines)
    if evidence.traceback:
        yield from _block("traceback", evidence.traceback.splitlines())
    if evidence.replay:
        yield f"  replay: {evidence.replay}"


def _paragraph(name: str, text: str) -> Iterator[str]:
    lines = textwrap.wrap(text, _WIDTH - len(name) - 4, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    yield f"  {name}: {lines[0]}"
    yield from (f"{_INDENT}{line}" for line in lines[1:])


def _block(name: str, lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    if lines:
        yield f"  {name}:"
        yield from (f"{_INDENT}{line}" for line in lines)
