"""`mailproof compare`: several servers side by side, requirement by requirement."""

import argparse
from pathlib import Path

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from harness.cli.output import standard_output
from harness.cli.writing import add_form_options, write_forms
from harness.reports.matrix import Cell, Matrix, matrix_of
from harness.reports.matrix_forms import matrix_json, matrix_markdown, rows_line
from harness.reports.pages.visible import one_line
from harness.reports.pages.words import OUTCOMES
from harness.reports.reading import read_run
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome

STYLES = {
    "good": "green", "bad": "bold red", "warn": "yellow", "held": "magenta", "fact": "cyan", "mute": "dim",
}  # fmt: skip
"""The tones of verdicts on a terminal."""
_LONGEST_FACT = 80
_LEAST_WIDTH = max(len(word.text) for word in OUTCOMES.values()) + 2
_BORDERS = 5
"""What a column takes besides its text, and its part of the rest."""
_EPILOG = """\
examples:
  mailproof check one.toml --record one.jsonl
  mailproof check two.toml --record two.jsonl
  mailproof compare one.jsonl two.jsonl
  mailproof compare one.jsonl two.jsonl three.json --html matrix.html

A run is named by its record (--record) or by its report (--json). The exit code is 0 if the comparison was
made, whatever is in it; mailproof diff has one for CI.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "compare",
        help="put the runs on several servers side by side",
        description="Put the runs on several servers side by side, requirement by requirement, with what was "
        "observed where an RFC leaves it free.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "arguments", nargs="+", type=Path, metavar="RUN", help="a run's record or JSON report"
    )
    parser.add_argument(
        "--all", action="store_true", help="also requirements on which the servers do not differ"
    )
    add_form_options(parser, "the comparison")
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, and write what is asked for; on the console if nothing is."""
    paths = [Path(path) for path in arguments.arguments]
    if len(paths) < 2:
        raise UsageError("one run is nothing to compare; name two or more")
    matrix = matrix_of([read_run(path) for path in paths])
    forms = {
        "html": lambda: _page(matrix),
        "md": lambda: matrix_markdown(matrix, every=arguments.all),
        "json": lambda: matrix_json(matrix),
    }
    if not write_forms(arguments, forms):
        print_matrix(standard_output(no_color=arguments.no_color), matrix, every=arguments.all)
    return ExitCode.CONFORMS


def _page(matrix: Matrix) -> str:
    from harness.reports.html import matrix_page  # noqa: PLC0415 - its templates are loaded where it is asked for

    return matrix_page(matrix)


def print_matrix(console: Console, matrix: Matrix, *, every: bool) -> None:
    """Write the comparison for a reader."""
    for note in matrix.notes:
        console.print(Text.assemble(("note: ", "yellow"), note), soft_wrap=True)
    summary = _table(matrix, "outcome", justify="right")
    for outcome, word in OUTCOMES.items():
        counts = [server.counts[outcome] for server in matrix.servers]
        if any(counts):
            name = Text(f"{word.sign} {word.text}", style=STYLES[word.tone])
            summary.add_row(name, *(Text(str(count or "")) for count in counts))
    console.print(summary)
    console.print(rows_line(matrix, every=every))
    rows = [row for row in matrix.rows if every or row.differs]
    if not rows:
        return
    longest = max(len(row.id) for row in rows)
    room = (console.width - longest) // len(matrix.servers) - _BORDERS
    table = _table(matrix, "requirement", most=max(room, _LEAST_WIDTH))
    for row in rows:
        table.add_row(Text(row.id), *map(_cell, row.cells))
    console.print(table)


def _table(matrix: Matrix, head: str, *, most: int | None = None, justify: JustifyMethod = "left") -> Table:
    """Return a table that has a column for each server after the one that is named."""
    table = Table()
    table.add_column(head, overflow="fold")
    for server in matrix.servers:
        table.add_column(Text(one_line(server.name)), justify=justify, max_width=most)
    return table


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("not checked", style="dim")
    word = OUTCOMES[cell.outcome]
    text = Text(f"{word.sign} {word.text}", style=STYLES[word.tone])
    if cell.outcome is Outcome.OBSERVED and cell.said:
        said = one_line(cell.said)
        text.append(f"\n{said[:_LONGEST_FACT]}{'...' if len(said) > _LONGEST_FACT else ''}", style="default")
    return text
