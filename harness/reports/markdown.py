"""The run in Markdown, as a summary of a job or a comment: counts, findings with their dialogue, notes."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from harness.conformance.evidence import CheckResult, Teeth
from harness.conformance.text import dialogue_lines, requirement_line
from harness.reports.pages.visible import in_markdown, one_line, visible
from harness.reports.pages.words import OUTCOMES, TEETH, Word, word_of
from harness.reports.run import Run
from harness.reports.summary import count_outcomes, exit_code_of, troubles
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome

MOST_OCTETS = 1 << 20
"""GitHub shows no summary of a job's step that is larger than 1 MiB."""

_BACKTICKS = re.compile("`+")
_FINDINGS = (Outcome.VIOLATES, Outcome.EXPLOITABLE, Outcome.DEVIATES, Outcome.ERROR)
_UNDECIDED = frozenset({Outcome.INCONCLUSIVE, Outcome.WAIVED})
_SENTENCES = {
    ExitCode.CONFORMS: ("conforms", "every check can fail"),
    ExitCode.VIOLATES: ("does not conform", "there are checks that cannot fail"),
    ExitCode.USAGE: ("not checked", "not checked"),
    ExitCode.INCONCLUSIVE: ("inconclusive", "inconclusive"),
}
_RESERVE = 300
"""Octets kept for the word on what was cut."""
_LONGEST_LINE = 2000
_MOST_LINES = 400


def markdown_report(run: Run, *, most_octets: int = MOST_OCTETS) -> str:
    """Return the report; findings that would make it longer than `most_octets` are counted instead."""
    head = "\n".join(_head(run))
    tail = "\n".join(_notes(run))
    room = most_octets - len(_octets(head)) - len(_octets(tail)) - _RESERVE
    blocks = ["\n".join(_finding(result)) for result in _findings(run.results)]
    shown: list[str] = []
    for block in blocks:
        room -= len(_octets(block)) + 1
        if room < 0:
            break
        shown.append(block)
    if left_out := len(blocks) - len(shown):
        shown.append(f"\n**{left_out} more findings are not shown here**: the record of the run has all.\n")
    text = "\n".join((head, *shown, tail))
    return _octets(text)[:most_octets].decode(errors="ignore")


def _head(run: Run) -> Iterator[str]:
    started = run.started
    yield f"## mailproof: {in_markdown(started.target)}: {_SENTENCES[exit_code_of(run)][started.refute]}\n"
    for line in troubles(run):
        yield f"**{in_markdown(line)}**\n"
    examples = sum(result.examples for result in run.results)
    yield (
        f"{len(run.results)} checks, {examples} examples, {run.end.seconds:.1f} s, "
        f"depth {in_markdown(started.depth)}, seed {started.seed}, mailproof {in_markdown(started.version)}\n"
    )
    if run.results:
        yield "| | outcome | checks |\n|---|---|---:|"
        yield from (f"| {word.sign} | {word.text} | {count} |" for word, count in _counts(run))
        yield ""


def _counts(run: Run) -> Iterator[tuple[Word, int]]:
    """Yield the words that occur, in the order in which a reader wants to know of them."""
    if run.started.refute:
        teeth = Counter(result.teeth for result in run.results)
        yield from ((word, teeth[one]) for one, word in TEETH.items() if teeth[one])
        return
    outcomes = count_outcomes(run.results)
    yield from ((word, outcomes[one]) for one, word in OUTCOMES.items() if outcomes[one])


def _findings(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return what a reader has to see, the gravest first; under `--refute` that is what has no teeth."""
    judged = [result for result in results if result.teeth is None]
    toothless = [result for result in results if result.teeth is Teeth.TOOTHLESS]
    findings = [result for outcome in _FINDINGS for result in judged if result.outcome is outcome]
    return [*toothless, *findings, *(result for result in judged if result.outcome in _UNDECIDED)]


def _finding(result: CheckResult) -> Iterator[str]:
    """Yield a finding: one line, and the rest behind it."""
    info, evidence, word = result.info, result.evidence, word_of(result)
    yield (
        f"<details><summary>{word.sign} <b>{html.escape(word.text)}</b> "
        f"<code>{html.escape(visible(info.id))}</code> {html.escape(one_line(info.title))}</summary>\n"
    )
    yield f"{in_markdown(requirement_line(info))}\n"
    parts = {
        "did not notice": in_markdown(result.refutation if result.teeth is Teeth.TOOTHLESS else ""),
        "requirement": in_markdown(info.statement),
        "reason": in_markdown(evidence.reason),
        "expected": _code(evidence.expected),
        "actual": _code(evidence.actual if evidence.expected else ""),
        "note": in_markdown(evidence.note),
    }
    yield from (f"- **{name}**: {text}" for name, text in parts.items() if text)
    yield ""
    if evidence.input:
        yield _block("input", evidence.input)
    for dialogue in evidence.dialogues:
        head, *lines = dialogue_lines(dialogue)
        yield _block(f"dialogue with {head.removesuffix(':')}", lines)
    if evidence.traceback:
        yield _block("traceback", evidence.traceback.splitlines())
    if evidence.replay:
        yield _block("replay", (evidence.replay,))
    yield "</details>\n"


def _notes(run: Run) -> Iterator[str]:
    lines = (*(run.finished.notes if run.finished else ()), *run.end.waiver_notes)
    if lines:
        yield "### Notes\n"
        yield from (f"- {in_markdown(line)}" for line in lines)
        yield ""


def _block(name: str, lines: Iterable[str]) -> str:
    """Return lines as they are, behind a fence that is longer than any row of backticks in them."""
    kept = [line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..." for line in lines]
    if len(kept) > _MOST_LINES:
        middle = f"... {len(kept) - _MOST_LINES} lines are not shown here ..."
        kept = [*kept[: _MOST_LINES // 4], middle, *kept[-(_MOST_LINES - _MOST_LINES // 4) :]]
    text = visible("\n".join(kept))
    fence = _fence(text, 3)
    return f"{in_markdown(name)}:\n\n{fence}text\n{text}\n{fence}\n"


def _code(text: str) -> str:
    """Return `text` in one line of code; empty if it is."""
    line = one_line(text)
    fence = _fence(line, 1)
    return f"{fence} {line} {fence}" if line else ""


def _fence(text: str, least: int) -> str:
    """Return backticks that end nowhere in `text`."""
    return "`" * max(least, max(map(len, _BACKTICKS.findall(text)), default=0) + 1)


def _octets(text: str) -> bytes:
    return text.encode(errors="backslashreplace")
