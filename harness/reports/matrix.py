"""Servers side by side: a row for each requirement, a column for each run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.conformance.evidence import CheckInfo, CheckResult
from harness.reports.pages.rows import reading_order, said_of
from harness.reports.run import Run
from harness.reports.summary import count_outcomes, troubles
from harness.vocabulary.errors import UsageError
from harness.vocabulary.judging import Level, Outcome

Facts = tuple[tuple[str, tuple[str, ...]], ...]
"""What was observed: key and distinct values."""


@dataclass(frozen=True, slots=True)
class Column:
    """One run."""

    name: str
    """The target's name; with a number where two runs are of the same target."""
    version: str
    depth: str
    seed: int
    started: datetime
    checks: int
    counts: Mapping[Outcome, int]
    troubles: tuple[str, ...] = ()
    """Why the run does not say all that it should; empty where it is complete."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one server did about one requirement."""

    outcome: Outcome
    said: str
    """One line about it; empty where the outcome says it all."""
    expected: str = ""
    actual: str = ""
    facts: Facts = ()

    @property
    def supported(self) -> bool:
        """Whether the server offers what the requirement is about; if not, it does nothing otherwise."""
        return self.outcome is not Outcome.UNSUPPORTED

    @property
    def essence(self) -> tuple[Outcome, Facts]:
        """What two cells are compared by: the outcome, and of what is left free also the facts."""
        return (self.outcome, tuple(sorted(self.facts)) if self.outcome is Outcome.OBSERVED else ())


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement."""

    id: str
    level: Level
    title: str
    statement: str
    source: str
    group: str
    cells: tuple[Cell | None, ...]
    """In the order of the servers; None where the run did not have the check."""

    @property
    def differs(self) -> bool:
        """Whether the servers that support it differ."""
        return len({cell.essence for cell in self.cells if cell is not None and cell.supported}) > 1

    @property
    def folder(self) -> str:
        """The first part of the id."""
        return self.id.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Several runs beside each other."""

    servers: tuple[Column, ...]
    rows: tuple[Row, ...]
    """In the order in which the RFCs read."""
    notes: tuple[str, ...] = ()
    """What makes the columns less comparable than they look."""

    @property
    def complete(self) -> bool:
        """Whether every run says all that it should."""
        return not any(server.troubles for server in self.servers)


def matrix_of(runs: Sequence[Run]) -> Matrix:
    """Put runs side by side; runs with `--refute` judge the checks and no server, so they are refused."""
    verify_judging(runs)
    results = [{result.info.id: result for result in run.results} for run in runs]
    infos: dict[str, CheckInfo] = {}
    for run in runs:
        infos.update((result.info.id, result.info) for result in run.results)
    names = _names(runs)
    rows = tuple(
        _row(infos[one], tuple(_cell(known.get(one)) for known in results))
        for one in sorted(infos, key=reading_order)
    )
    servers = tuple(_column(run, name) for run, name in zip(runs, names, strict=True))
    return Matrix(servers, rows, (*notes_on(runs, names), *_notes_on_rows(rows)))


def verify_judging(runs: Sequence[Run]) -> None:
    """Raise `UsageError` if a run judges the checks instead of a server."""
    for run in runs:
        if run.started.refute:
            message = (
                f"the run on {run.started.target} of {run.started.started:%Y-%m-%d %H:%M} was made with "
                "--refute: it judges the checks, not the server; name a run without it"
            )
            raise UsageError(message)


def notes_on(runs: Sequence[Run], names: Sequence[str]) -> Iterator[str]:
    """Yield what makes runs less comparable than they look."""
    for word, values in (
        ("depths", [run.started.depth for run in runs]),
        ("versions of mailproof", [run.started.version for run in runs]),
    ):
        if len(set(values)) > 1:
            each = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
            yield f"the runs have different {word} ({each})"
    for run, name in zip(runs, names, strict=True):
        for line in troubles(run):
            yield f"{name}: {line}"


def _notes_on_rows(rows: Sequence[Row]) -> Iterator[str]:
    partly = sum(not all(cell and cell.supported for cell in row.cells) for row in rows)
    if partly:
        yield (
            f"{partly} of {len(rows)} requirements were not checked on every server: "
            "it does not support what they are about, or its run left them out"
        )


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the names of the targets, numbered where they are not distinct."""
    counts = Counter(run.started.target for run in runs)
    seen: Counter[str] = Counter()
    names = []
    for run in runs:
        name = run.started.target
        seen[name] += 1
        names.append(f"{name} ({seen[name]})" if counts[name] > 1 else name)
    return names


def _column(run: Run, name: str) -> Column:
    started = run.started
    return Column(
        name=name,
        version=started.version,
        depth=started.depth,
        seed=started.seed,
        started=started.started,
        checks=len(run.results),
        counts=count_outcomes(run.results),
        troubles=tuple(troubles(run)),
    )


def _row(info: CheckInfo, cells: tuple[Cell | None, ...]) -> Row:
    return Row(info.id, info.level, info.title, info.statement, info.source, info.group, cells)


def _cell(result: CheckResult | None) -> Cell | None:
    if result is None:
        return None
    evidence = result.evidence
    return Cell(
        result.outcome, said_of(result), evidence.expected, evidence.actual, facts=evidence.observations
    )
