"""Servers side by side as JSON, for machines, and as Markdown."""

import json
from collections.abc import Iterable, Iterator, Sequence

from harness.conformance.evidence import Json
from harness.reports.matrix import Cell, Column, Matrix, Row
from harness.reports.pages.visible import in_markdown
from harness.reports.pages.words import OUTCOMES
from harness.vocabulary.judging import Outcome

SCHEMA = 1
_LONGEST_FACT = 200


def matrix_json(matrix: Matrix) -> str:
    """Return all rows as one JSON object of ASCII characters only; `differs` tells the rows that differ."""
    report = {
        "schema": SCHEMA,
        "servers": [_server(server) for server in matrix.servers],
        "notes": list(matrix.notes),
        "requirements": [_requirement(row) for row in matrix.rows],
    }
    return json.dumps(report, indent=1, ensure_ascii=True) + "\n"


def _server(server: Column) -> Json:
    return {
        "name": server.name,
        "version": server.version,
        "depth": server.depth,
        "seed": server.seed,
        "started": server.started.isoformat(timespec="seconds"),
        "summary": {outcome.value: count for outcome, count in server.counts.items()},
        "troubles": list(server.troubles),
    }


def _requirement(row: Row) -> Json:
    return {
        "id": row.id,
        "level": row.level.value,
        "title": row.title,
        "requirement": row.statement,
        "source": row.source,
        "group": row.group,
        "differs": row.differs,
        "results": [cell and _result(cell) for cell in row.cells],
    }


def _result(cell: Cell) -> Json:
    return {
        "outcome": cell.outcome.value,
        "said": cell.said,
        "expected": cell.expected,
        "actual": cell.actual,
        "observations": {key: list(values) for key, values in cell.facts},
    }


def matrix_markdown(matrix: Matrix, *, every: bool = False) -> str:
    """Return the rows that differ (with `every`, all rows) as Markdown."""
    return "\n".join(_markdown(matrix, every=every)) + "\n"


def _markdown(matrix: Matrix, *, every: bool) -> Iterator[str]:
    yield f"## {in_markdown(', '.join(server.name for server in matrix.servers))}\n"
    for note in matrix.notes:
        yield f"- **note**: {in_markdown(note)}"
    if matrix.notes:
        yield ""
    present = [outcome for outcome in OUTCOMES if any(server.counts[outcome] for server in matrix.servers)]
    yield from table(
        ("outcome", *(in_markdown(server.name) for server in matrix.servers)),
        (
            [_word(outcome), *(str(server.counts[outcome]) for server in matrix.servers)]
            for outcome in present
        ),
    )
    shown = [row for row in matrix.rows if every or row.differs]
    yield f"\n{rows_line(matrix, every=every)}\n"
    if shown:
        yield from table(
            ("requirement", "level", *(in_markdown(server.name) for server in matrix.servers)),
            (
                [f"`{row.id}`<br>{in_markdown(row.title)}", row.level.value, *map(_cell, row.cells)]
                for row in shown
            ),
        )


def rows_line(matrix: Matrix, *, every: bool) -> str:
    """Say what of the matrix is shown."""
    differing = sum(row.differs for row in matrix.rows)
    if every:
        return f"{len(matrix.rows)} requirements, on {differing} of which the servers differ:"
    if not differing:
        return f"The servers do not differ (requirements: {len(matrix.rows)})."
    return f"The servers differ on {differing} of {len(matrix.rows)} requirements:"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _word(outcome: Outcome) -> str:
    return f"{OUTCOMES[outcome].sign} {outcome.value}"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "not checked"
    if cell.outcome is not Outcome.OBSERVED or not cell.said:
        return _word(cell.outcome)
    said = cell.said if len(cell.said) <= _LONGEST_FACT else f"{cell.said[:_LONGEST_FACT]}..."
    return f"{_word(cell.outcome)}<br>{in_markdown(said)}"
