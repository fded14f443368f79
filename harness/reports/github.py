"""What GitHub Actions shows of a run: annotations of the job, and the summary of its step.

Annotations are lines on standard output: see "Workflow commands for GitHub Actions" in GitHub's
documentation. Of one step it shows ten of each kind.
"""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.conformance.evidence import CheckResult, Teeth
from harness.conformance.outcomes import fails
from harness.reports.markdown import MOST_OCTETS, markdown_report
from harness.reports.pages.visible import visible
from harness.reports.run import Run
from harness.reports.summary import troubles
from harness.vocabulary.errors import UsageError
from harness.vocabulary.judging import Outcome

MOST_OF_A_KIND = 10

_LONGEST_LINE = 400
_MOST_LINES = 20
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})
_WARNINGS = frozenset({Outcome.DEVIATES, Outcome.INCONCLUSIVE})


def annotations(run: Run) -> Iterator[str]:
    """Yield the lines of the annotations: what fails the run, what should be looked at, and notes."""
    strict = run.started.strict
    errors = [("mailproof", line) for line in troubles(run)]
    warnings: list[tuple[str, str]] = []
    for result in run.results:
        if result.teeth is Teeth.TOOTHLESS or (result.teeth is None and fails(result.outcome, strict=strict)):
            errors.append(_annotation(result))
        elif result.teeth is None and result.outcome in _WARNINGS:
            warnings.append(_annotation(result))
    (errors if strict else warnings).extend(("mailproof: waiver", line) for line in run.end.waiver_notes)
    yield from _of_a_kind("error", errors)
    yield from _of_a_kind("warning", warnings)
    yield from _of_a_kind("notice", [("mailproof", line) for line in (run.finished or run.end).notes])


def pause_commands() -> tuple[str, str]:
    """Return two lines: between them GitHub takes nothing for a command, whatever a server has said."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}", f"::{token}::"


def append_summary(run: Run, path: Path) -> None:
    """Append the run to the summary of this step, within what GitHub leaves of it."""
    try:
        used = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(markdown_report(run, most_octets=max(MOST_OCTETS - used, 0)))
    except OSError as error:
        raise UsageError(f"GITHUB_STEP_SUMMARY {path}: cannot be written ({error.strerror})") from None


def _annotation(result: CheckResult) -> tuple[str, str]:
    """Return title and text of what a check has found."""
    info, evidence = result.info, result.evidence
    if result.teeth is Teeth.TOOTHLESS:
        return f"TOOTHLESS: {info.id}", f"{info.title}\nit did not notice {result.refutation}"
    lines = [info.statement]
    lines += [f"expected {evidence.expected}", f"got {evidence.actual}"] if evidence.expected else []
    lines += [evidence.reason] if evidence.reason else []
    lines += [f"replay: {evidence.replay}"] if evidence.replay else []
    return f"{result.outcome.value}: {info.id}", "\n".join(lines)


def _of_a_kind(kind: str, found: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield as many as are shown; the last place tells how many more there are."""
    lines = list(found)
    shown = lines if len(lines) <= MOST_OF_A_KIND else lines[: MOST_OF_A_KIND - 1]
    for title, text in shown:
        yield _command(kind, title, text)
    if len(lines) > len(shown):
        rest = len(lines) - len(shown)
        yield _command(kind, "mailproof", f"{rest} more like this are in the summary and the reports")


def _command(kind: str, title: str, text: str) -> str:
    lines = [
        line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."
        for line in visible(text).split("\n")[:_MOST_LINES]
    ]
    text = "\n".join(lines)
    return f"::{kind} title={visible(title).translate(_PROPERTY)}::{text.translate(_DATA)}"
