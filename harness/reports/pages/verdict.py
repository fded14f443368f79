"""What a run came to, in words that somebody understands who reads nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.reports.pages.rows import Row, count
from harness.reports.pages.words import GRAVE, OUTCOMES, TEETH
from harness.reports.run import Run
from harness.reports.summary import exit_code
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a run."""

    words: str
    detail: str
    """What it rests on: counts."""
    sign: str
    tone: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A line that must not be missed."""

    kind: str
    text: str
    tone: str


def verdict_of(run: Run, rows: Iterable[Row]) -> Verdict:
    """Return the verdict; a run that was broken off has one about what it judged."""
    counts = count(rows)
    grave = [word.counted(number) for word, number in counts if word in GRAVE]
    detail = ", ".join(grave) or f"{len(run.results)} checks judged, nothing found"
    if run.finished is None:
        words = "Broken off, and not conforming" if grave else "Broken off"
        return Verdict(words, detail, "✗" if grave else "?", "bad" if grave else "warn")
    refute = any(result.teeth for result in run.results)
    if refute:
        detail = ", ".join(f"{number} {word.text}" for word, number in counts if word in TEETH.values())
    match exit_code(run.results, run.finished, strict=run.started.strict):
        case ExitCode.CONFORMS:
            return Verdict("Every check can fail" if refute else "Conforms", detail, "✓", "good")
        case ExitCode.VIOLATES:
            words = "There are checks that cannot fail" if refute else "Does not conform"
            return Verdict(words, detail, "✗", "bad")
        case ExitCode.USAGE:
            return Verdict("Not checked", run.finished.problem, "!", "bad")
        case ExitCode.INCONCLUSIVE:
            open_ones = next(
                (word.counted(number) for word, number in counts if word is OUTCOMES[Outcome.INCONCLUSIVE]),
                "",
            )
            words = detail if grave else open_ones or run.finished.problem or "not enough was judged"
            return Verdict("Inconclusive", words, "?", "warn")


def notices_of(run: Run) -> tuple[Notice, ...]:
    """Return what a reader must know before believing the counts."""
    return tuple(_notices(run))


def _notices(run: Run) -> Iterable[Notice]:
    planned, judged = len(run.started.checks), len(run.results)
    of_planned = f"{judged} of {planned} checks were judged" if planned else f"{judged} checks were judged"
    finished = run.finished
    if finished is None:
        begun = f"; {len(run.unfinished)} had begun" if run.unfinished else ""
        yield Notice("broken off", f"the run never came to its end: {of_planned}{begun}", "bad")
        return
    if finished.problem:
        yield Notice("problem", finished.problem, "bad")
    if finished.interrupted:
        yield Notice("interrupted", of_planned, "warn")
    if finished.silence:
        yield Notice("silence", finished.silence, "bad")
    if not run.results and not finished.problem:
        yield Notice("nothing was executed", "a run of nothing proves nothing", "bad")
    for text in finished.waiver_notes:
        yield Notice("waiver", text, "warn")
    for text in finished.notes:
        yield Notice("note", text, "warn")
