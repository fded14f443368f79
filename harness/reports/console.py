"""The run on a terminal: progress, a line per check grouped by RFC, findings with evidence, a summary."""

from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.catalogue import Catalogue
from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    Event,
    RunFinished,
    RunStarted,
)
from harness.conformance.evidence import CheckInfo, CheckResult, Teeth
from harness.conformance.text import result_text
from harness.reports.summary import count_outcomes, exit_code
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome

_STYLES = {
    Outcome.CONFORMS: "green",
    Outcome.VIOLATES: "bold red",
    Outcome.DEVIATES: "yellow",
    Outcome.OBSERVED: "cyan",
    Outcome.EXPLOITABLE: "bold red",
    Outcome.NOT_EXPLOITABLE: "green",
    Outcome.UNSUPPORTED: "dim",
    Outcome.WAIVED: "magenta",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "bold red",
}
_TEETH_STYLES = {Teeth.REFUTED: "green", Teeth.TOOTHLESS: "bold red", Teeth.UNPROVEN: "yellow"}
_SHOWN = (Outcome.VIOLATES, Outcome.EXPLOITABLE, Outcome.DEVIATES, Outcome.ERROR)
"""Outcomes whose evidence is shown, in this order."""
_WORD_WIDTH = max(len(outcome.value) for outcome in Outcome) + 1
_KEY_WIDTH = 44
_MOST_LINES = 120
_LONGEST_LINE = 400
_MOST_ALIKE = 3
"""So many checks in a row that the target gives nothing to are a line each; more of them are one line."""


class ConsoleReport:
    """Listens to a run and writes it for a reader."""

    def __init__(self, console: Console, catalogue: Catalogue, *, live: bool = True) -> None:
        self._console = console
        self._live = live
        """The run happens now, and its progress can be shown."""
        self._catalogue = catalogue
        self._started: RunStarted | None = None
        self._results: list[CheckResult] = []
        self._groups: dict[str, list[CheckResult]] = {}
        self._missing: Counter[str] = Counter()
        self._waiting: list[str] = []
        """Groups that are not printed yet, where workers finish checks in any order."""
        self._places: dict[str, int] = {}
        self._header = ""
        self._alike: list[CheckResult] = []
        """The last checks, all unsupported for the same reason, which are not printed yet."""
        self._listed: list[CheckListed] = []
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self._start(event)
            case CheckListed():
                self._list(event)
            case CheckStarted(info):
                self._show_current(info)
            case CheckFinished(result):
                self._finish(result)
            case RunFinished():
                self._end(event)

    def close(self) -> None:
        """Take the progress line away, also after a run that ended without its last event."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    # -- as it goes

    def _start(self, event: RunStarted) -> None:
        self._started = event
        self._missing = Counter(info.folder for info in event.checks)
        self._waiting = list(self._missing)
        self._places = {info.id: place for place, info in enumerate(event.checks)}
        if event.checks and self._live and self._console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
                BarColumn(bar_width=30),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                transient=True,
            )
            self._progress.start()
            self._task = self._progress.add_task("", total=len(event.checks))

    def _show_current(self, info: CheckInfo) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=info.id)

    def _list(self, event: CheckListed) -> None:
        self._listed.append(event)
        self._print_header(event.info.folder)
        self._print_line(
            "runs" if event.lacks is None else "unsupported",
            "dim" if event.lacks else "green",
            _key(event.info),
            event.lacks or event.info.title,
        )

    def _finish(self, result: CheckResult) -> None:
        self._results.append(result)
        folder = result.info.folder
        self._groups.setdefault(folder, []).append(result)
        self._missing[folder] -= 1
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)
        if self._started is not None and self._started.workers == 1:
            self._print_group(folder)
            return
        while self._waiting and self._missing[self._waiting[0]] <= 0:
            self._print_group(self._waiting.pop(0))

    def _print_group(self, folder: str) -> None:
        """Print what is known and not printed yet of one RFC."""
        results = sorted(self._groups.pop(folder, []), key=lambda result: self._place(result.info))
        if results:
            self._print_header(folder)
        for result in results:
            self._print_result(result)

    def _place(self, info: CheckInfo) -> int:
        """Return where a check stands in the plan."""
        return self._places.get(info.id, len(self._places))

    def _print_header(self, folder: str) -> None:
        if folder == self._header:
            return
        self._print_alike()
        self._header = folder
        rfc = self._catalogue.rfc_of(folder)
        title = f"RFC {rfc.number}  {rfc.title}" if rfc is not None else "Hazards"
        self._console.print(Text(f"\n{title}", style="bold"))

    def _print_result(self, result: CheckResult) -> None:
        evidence = result.evidence
        if result.outcome is Outcome.UNSUPPORTED and result.teeth is None:
            if self._alike and self._alike[0].evidence.reason != evidence.reason:
                self._print_alike()
            self._alike.append(result)
            return
        self._print_alike()
        if result.teeth is not None:
            said = f"{result.outcome.value} under {result.refutation}"
            if result.teeth is Teeth.UNPROVEN:
                said = f"{result.outcome.value}: {evidence.reason or evidence.actual}"
            self._print_line(_teeth_word(result.teeth), _TEETH_STYLES[result.teeth], _key(result.info), said)
            return
        said = result.info.title
        if result.outcome in {Outcome.INCONCLUSIVE, Outcome.WAIVED, Outcome.ERROR}:
            said = evidence.reason
        elif result.outcome is Outcome.OBSERVED and evidence.observations:
            said = "; ".join(f"{key}: {', '.join(values)}" for key, values in evidence.observations)
        self._print_line(result.outcome.value, _STYLES[result.outcome], _key(result.info), said)

    def _print_alike(self) -> None:
        """Print what was held back: a target with one service gives nothing to hundreds of checks."""
        alike, self._alike = self._alike, []
        if len(alike) <= _MOST_ALIKE:
            for result in alike:
                reason = result.evidence.reason
                self._print_line(Outcome.UNSUPPORTED.value, "dim", _key(result.info), reason)
        else:
            self._print_line(
                Outcome.UNSUPPORTED.value, "dim", f"{len(alike)} checks", alike[0].evidence.reason
            )

    def _print_line(self, word: str, style: str, key: str, said: str) -> None:
        line = Text.assemble(
            "  ", (f"{word:<{_WORD_WIDTH}}", style), f"{key:<{_KEY_WIDTH}} ", (_one_line(said), "dim")
        )
        line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line)

    # -- at the end

    def _end(self, finished: RunFinished) -> None:
        self.close()
        for folder in (*self._waiting, *list(self._groups)):
            self._print_group(folder)
        self._print_alike()
        if self._listed:
            self._print_listed()
        elif self._results:
            self._print_findings()
            self._print_summary(finished)
        for line in (*finished.notes, *finished.waiver_notes):
            self._say("note", line, "yellow")
        if finished.silence:
            self._say("silence", finished.silence, "bold red")
        if finished.interrupted:
            self._say("interrupted", "what was judged until then is above", "bold yellow")
        if not (self._results or self._listed or finished.problem):
            self._say("error", "nothing was executed", "bold red")

    def _print_findings(self) -> None:
        for outcome in _SHOWN:
            for result in self._results:
                if result.outcome is outcome and result.teeth is not Teeth.REFUTED:
                    self._console.print()
                    self._print_evidence(result)
        toothless = [result for result in self._results if result.teeth is Teeth.TOOTHLESS]
        for result in toothless:
            if result.outcome not in _SHOWN:
                self._console.print()
                self._print_evidence(result)

    def _print_evidence(self, result: CheckResult) -> None:
        head, *lines = result_text(result).splitlines()
        if result.teeth is Teeth.TOOTHLESS:
            head = f"TOOTHLESS: {head}; it did not notice {result.refutation}"
        self._console.print(Text(head, style=_STYLES[result.outcome]), soft_wrap=True)
        left_out = len(lines) - _MOST_LINES
        if left_out > 0:
            middle = f"    ... {left_out} lines are not shown here; the record has all ..."
            lines = [*lines[: _MOST_LINES // 2], middle, *lines[-_MOST_LINES // 2 :]]
        for line in map(_cut, lines):
            self._console.print(Text(line, style=_dialogue_style(line)), soft_wrap=True)

    def _print_summary(self, finished: RunFinished) -> None:
        assert self._started is not None, "results come after the start"
        counts = count_outcomes(self._results)
        parts = [
            Text(f"{count} {outcome.value}", style=_STYLES[outcome])
            for outcome, count in counts.items()
            if count
        ]
        teeth = Counter(result.teeth for result in self._results if result.teeth is not None)
        if teeth:
            parts = [
                Text(f"{teeth[one]} {_teeth_word(one)}", style=_TEETH_STYLES[one])
                for one in Teeth
                if teeth[one]
            ]
        code = exit_code(self._results, finished, strict=self._started.strict)
        examples = sum(result.examples for result in self._results)
        self._console.print()
        self._console.print(
            Text.assemble(
                (f"{self._started.target}: ", "bold"),
                (
                    _verdict(code, refute=bool(teeth)),
                    "bold green" if code is ExitCode.CONFORMS else "bold red",
                ),
            )
        )
        self._console.print(
            Text(
                f"{len(self._results)} checks, {examples} examples, {finished.seconds:.1f} s, "
                f"seed {self._started.seed}: "
            )
            + Text(", ").join(parts),
            soft_wrap=True,
        )

    def _print_listed(self) -> None:
        would = sum(event.lacks is None for event in self._listed)
        self._console.print(f"\n{would} checks would run, {len(self._listed) - would} would not")

    def _say(self, word: str, text: str, style: str) -> None:
        self._console.print(Text.assemble((f"{word}: ", style), text), soft_wrap=True)


def _verdict(code: ExitCode, *, refute: bool) -> str:
    match code:
        case ExitCode.CONFORMS:
            return "every check can fail" if refute else "conforms"
        case ExitCode.VIOLATES:
            return "there are checks that cannot fail" if refute else "does not conform"
        case ExitCode.USAGE:
            return "not checked"
        case ExitCode.INCONCLUSIVE:
            return "inconclusive"


def _teeth_word(teeth: Teeth) -> str:
    return "TOOTHLESS" if teeth is Teeth.TOOTHLESS else teeth.value


def _dialogue_style(line: str) -> str:
    return "cyan" if line.startswith("    C: ") else "default"


def _key(info: CheckInfo) -> str:
    """Return how a check is named below the heading of its RFC."""
    return info.id.removeprefix(f"{info.folder}/")


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}... ({len(line)} characters)"


def _one_line(text: str) -> str:
    return " ".join(text.split())
