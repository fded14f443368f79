"""`mailproof catalogue [RFC[/SECTION]]`: what the RFCs demand, what judges it, or why nothing does."""

import argparse
import difflib
import json
import textwrap
from collections import defaultdict
from dataclasses import asdict, fields

from rich import box
from rich.console import Console
from rich.table import Table

from harness.catalogue import Catalogue, Requirement, Side, load_catalogue, source_of
from harness.cli.output import standard_output
from harness.conformance.declared import declared_checks
from harness.conformance.selection import is_prefix, with_rfc
from harness.reports.coverage import Coverage, Position, Standing, Tally, coverage_of
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Level

_SCHEMA = 1
_EXAMPLES = """\
examples:
  mailproof catalogue                              a table: how much of each RFC is judged
  mailproof catalogue rfc5321/4.5                  the sentences of a section, and those below it
  mailproof catalogue rfc9051 --gaps               what no check judges yet, though one could
  mailproof catalogue --json > catalogue.json      everything, for machines
"""
_TEXT_WIDTH = 100


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "catalogue",
        help="list what the RFCs demand, and which check judges it",
        description="List the normative sentences of the RFCs in mailproof's own words: level, whose duty, "
        "how it is seen from outside, and the checks that judge it, or the reason why none does.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="RFC[/SECTION]",
        help="the beginning of an id, as rfc5321, rfc5321/4.5 or hazard; without one: a table of all",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--gaps",
        action="store_true",
        help="only duties of the server that can be seen and have neither a check nor a reason",
    )
    only.add_argument("--unreviewed", action="store_true", help="only what nobody has read with care yet")
    parser.add_argument("--json", action="store_true", help="write JSON to standard output")
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what is asked for."""
    catalogue = load_catalogue()
    selectors = [with_rfc(selector) for selector in arguments.arguments]
    for selector in selectors:
        _verify_known(selector, catalogue)
    coverage = coverage_of(catalogue, declared_checks()).only(
        lambda one: not selectors or any(is_prefix(selector, one) for selector in selectors)
    )
    is_partial = arguments.gaps or arguments.unreviewed
    shown = _left(coverage, gaps=arguments.gaps) if is_partial else coverage
    if arguments.json:
        print(json.dumps(_as_json(coverage, shown), indent=1, ensure_ascii=False))
        return ExitCode.CONFORMS
    console = standard_output(no_color=arguments.no_color)
    if selectors or is_partial:
        _print_sections(console, shown)
    if is_partial:
        console.print(f"{len(shown.positions)} {'open' if arguments.gaps else 'unreviewed'}")
    else:
        console.print(_table(coverage))
    return ExitCode.CONFORMS


def _verify_known(selector: str, catalogue: Catalogue) -> None:
    """Raise `UsageError` for a selector that means nothing in the catalogue."""
    if any(is_prefix(selector, entry.id) for entry in catalogue):
        return
    folder, _, section = selector.partition("/")
    sections = list(dict.fromkeys(_section(entry) for entry in catalogue if entry.folder == folder))
    if sections:
        similar = [f"{folder}/{one}" for one in difflib.get_close_matches(section, sections, n=3, cutoff=0.5)]
    else:
        folders = list(dict.fromkeys(entry.folder for entry in catalogue))
        similar = difflib.get_close_matches(folder, folders, n=2, cutoff=0.8)
    meant = f"; did you mean {' or '.join(similar)}?" if similar else ""
    message = f"the catalogue has nothing of {selector!r}{meant} (mailproof catalogue shows all RFCs)"
    raise UsageError(message)


def _left(coverage: Coverage, *, gaps: bool) -> Coverage:
    """Return what is open, or what nobody has reviewed."""
    left = [
        position
        for position in coverage.positions
        if (position.standing is Standing.OPEN if gaps else not position.requirement.is_reviewed)
    ]
    return Coverage(coverage.catalogue, left, [])


def _section(entry: Requirement) -> str:
    parts = entry.id.split("/")
    return parts[1] if len(parts) > 2 else ""


def _print_sections(console: Console, coverage: Coverage) -> None:
    """Print the requirements by RFC and section, and behind them what only looks like one."""
    positions, no_duties = defaultdict(list), defaultdict(list)
    for position in coverage.positions:
        positions[position.requirement.folder, _section(position.requirement)].append(position)
    for one in coverage.no_duties:
        no_duties[one.folder, one.section].append(one)
    shown = ""
    for folder, section in sorted({*positions, *no_duties}, key=_place):
        rfc = coverage.catalogue.rfc_of(folder)
        if folder != shown:
            shown = folder
            _print(console, f"\n{f'RFC {rfc.number}: {rfc.title}' if rfc else 'Hazards'}", "bold")
        if section:
            _print(console, f"\n{source_of(f'{folder}/{section}/x')}", "bold")
        for position in positions[folder, section]:
            _print_position(console, position)
        for one in no_duties[folder, section]:
            _print(console, f"  {one.digest}  (no duty)\n    - {one.reason}", "dim")
    console.print()


def _place(folder_and_section: tuple[str, str]) -> tuple[object, ...]:
    folder, section = folder_and_section
    return Requirement(f"{folder}/{section}/x", Level.MAY, Side.SERVER, "", "").sort_key()


def _print_position(console: Console, position: Position) -> None:
    entry = position.requirement
    words = [entry.level.value, *(() if entry.folder == "hazard" else (entry.side.value,))]
    words.extend(word for word in (entry.visibility, entry.severity) if word is not None)
    _print(console, f"  {entry.id}  ({', '.join(words)})", _STYLES.get(position.standing, ""))
    for text in (entry.statement, position.why):
        if text:
            mark = "- " if text == position.why else ""
            for line in textwrap.wrap(
                mark + text, _TEXT_WIDTH, initial_indent="    ", subsequent_indent="    "
            ):
                _print(console, line)
    for check in position.checks:
        _print(console, f"    + {check.place}")


_STYLES = {Standing.JUDGED: "green", Standing.OPEN: "yellow", Standing.UNREVIEWED: "yellow"}


def _print(console: Console, line: str, style: str = "") -> None:
    console.print(line, style=style or None, soft_wrap=True)


_COLUMNS = tuple(field.name for field in fields(Tally) if field.name not in {"sentences", "entries"})
_LEGEND = """\
duties: of the server, without what it may do; visible: of these, what shows from outside, which is judged by
a check, reasoned (the entry says why no check does), replaced (judged where the newer RFC says it), or open;
surveyed: what the server may do, and what a check records of it"""


def _table(coverage: Coverage) -> Table:
    """Return the counts of each RFC."""
    table = Table(
        caption=_LEGEND, caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column("", no_wrap=True, min_width=len("rfc0000"))
    table.add_column("", max_width=30, no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    total = Tally()
    folders = coverage.folders()
    for folder in folders:
        tally = coverage.tally(folder)
        total += tally
        rfc = coverage.catalogue.rfc_of(folder)
        table.add_row(folder, rfc.title if rfc else "known dangers", *_cells(tally))
    if len(folders) > 1:
        table.add_section()
        table.add_row("all", "", *_cells(total))
    return table


def _cells(tally: Tally) -> list[str]:
    return [str(getattr(tally, name)) for name in _COLUMNS]


def _as_json(coverage: Coverage, shown: Coverage) -> dict[str, object]:
    return {
        "schema": _SCHEMA,
        "summary": {folder: asdict(coverage.tally(folder)) for folder in coverage.folders()},
        "requirements": [_position_as_json(position) for position in shown.positions],
        "no_duties": [asdict(one) for one in shown.no_duties],
    }


def _position_as_json(position: Position) -> dict[str, object]:
    entry = position.requirement
    return {
        "id": entry.id,
        "source": entry.source,
        "level": entry.level.value,
        "side": entry.side.value,
        "visibility": entry.visibility.value if entry.visibility else None,
        "severity": entry.severity.value if entry.severity else None,
        "statement": entry.statement or None,
        "standing": position.standing.value,
        "why": position.why or None,
        "checks": [check.place for check in position.checks],
        "digests": list(entry.digests),
        "replaced_by": entry.replaced_by or None,
    }
