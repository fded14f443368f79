"""The HTML pages: a run, servers side by side, the difference of two runs.

Each is one file that needs no network, for every reader and every screen.
"""

from collections.abc import Iterable
from functools import partial
from itertools import groupby
from operator import attrgetter

from harness.catalogue import load_catalogue
from harness.reports.difference import Difference, Kind
from harness.reports.difference_forms import verdict_line
from harness.reports.matrix import Matrix
from harness.reports.pages.dialogues import fair_share, heavy_part, heavy_to_json
from harness.reports.pages.frame import render, render_part
from harness.reports.pages.rows import Row, count, folder_name, folders_of, rows_of
from harness.reports.pages.verdict import Notice, notices_of, verdict_of
from harness.reports.pages.visible import json_in_html
from harness.reports.pages.words import GRAVE, OUTCOMES
from harness.reports.run import Run
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Level

MOST_OCTETS = 2_900_000
"""A page is to be under 3 MB: evidence gets what the list of checks leaves of it."""
_LEAST_EVIDENCE = 200_000


def html_page(run: Run) -> str:
    """Return the page: verdict, counts, findings, a matrix by RFC and section, and every check's evidence."""
    rows = rows_of(run)
    folders = folders_of(rows, load_catalogue())
    heavy = {row.info.id: part for row in rows if (part := heavy_part(row.evidence)) is not None}
    page = partial(
        render,
        "run.html.j2",
        ("page.js", "dialogue.js", "run.js"),
        run=run,
        verdict=verdict_of(run, rows),
        notices=notices_of(run),
        counts=count(rows),
        total=len(rows),
        examples=sum(result.examples for result in run.results),
        findings=_findings(rows),
        folders=folders,
        checks=render_part("checks.html.j2", folders=folders, with_heavy=frozenset(heavy)),
        levels=_levels(rows),
        groups=sorted({row.info.group for row in rows}),
    )
    room = max(MOST_OCTETS - len(page(data="").encode()), _LEAST_EVIDENCE)
    most = fair_share((part.weight for part in heavy.values()), room)
    return page(data=json_in_html({key: heavy_to_json(part, most) for key, part in heavy.items()}))


def matrix_page(matrix: Matrix) -> str:
    """Return the page of several servers side by side; first it shows only where they differ."""
    present = [outcome for outcome in OUTCOMES if any(server.counts[outcome] for server in matrix.servers)]
    catalogue = load_catalogue()
    return render(
        "matrix.html.j2",
        ("page.js", "comparison.js"),
        matrix=matrix,
        notices=[Notice("note", note, "warn") for note in matrix.notes],
        differing=sum(row.differs for row in matrix.rows),
        words=OUTCOMES,
        outcomes=[(OUTCOMES[outcome], outcome) for outcome in present],
        folders=[
            (folder, *folder_name(folder, catalogue), list(rows))
            for folder, rows in groupby(matrix.rows, key=attrgetter("folder"))
        ],
        levels=[level for level in Level if any(row.level is level for row in matrix.rows)],
        groups=sorted({row.group for row in matrix.rows}),
    )


def difference_page(difference: Difference, *, strict: bool = False) -> str:
    """Return the page of what changed between two runs."""
    code = difference.exit_code(strict=strict)
    sign, tone = {ExitCode.CONFORMS: ("✓", "good"), ExitCode.VIOLATES: ("✗", "bad")}.get(code, ("?", "warn"))
    return render(
        "difference.html.j2",
        ("page.js", "comparison.js"),
        difference=difference,
        verdict=verdict_line(difference, strict=strict),
        sign=sign,
        tone=tone,
        notices=[Notice("note", note, "warn") for note in difference.notes],
        words=OUTCOMES,
        kinds=[(kind, changes) for kind in Kind if (changes := difference.of(kind))],
    )


def _findings(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return what is shown before everything else, the gravest first."""
    grave = [row for row in rows if row.word in GRAVE]
    order = {word: place for place, (word, _) in enumerate(count(grave))}
    return tuple(sorted(grave, key=lambda row: order[row.word]))


def _levels(rows: Iterable[Row]) -> tuple[Level, ...]:
    present = {row.info.level for row in rows}
    return tuple(level for level in Level if level in present)
