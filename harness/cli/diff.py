"""`mailproof diff`: what a newer run has that an older one had not, with an exit code for CI."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.cli.compare import STYLES
from harness.cli.output import standard_output
from harness.cli.writing import add_form_options, write_forms
from harness.conformance.evidence import CheckResult
from harness.reports.difference import Change, Difference, Kind, difference_of
from harness.reports.difference_forms import (
    difference_json,
    difference_markdown,
    outcome_text,
    verdict_line,
)
from harness.reports.pages.visible import one_line
from harness.reports.pages.words import OUTCOMES
from harness.reports.reading import read_run
from harness.vocabulary.exit_codes import ExitCode

_WORD_WIDTH = 18
_EPILOG = """\
exit codes:
  0  no new violations
  1  new violations: the newer run violates (or is exploitable) where the older did not, also where the check
     is new or was not judged, or its waiver is gone; with --strict also new deviations, and checks that are
     not judged any more
  2  wrong usage
  3  no new violations in what was judged, but a run is incomplete: broken off, interrupted, silence

example, for CI:
  mailproof check server.toml --record new.jsonl; mailproof diff old.jsonl new.jsonl --md summary.md
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "diff",
        help="say what changed from one run to another: broken, mended, added, removed",
        description="Say what changed from an older run to a newer one: what was broken, mended, added, "
        "removed, and what is no longer judged.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="the older run's record or JSON report")
    parser.add_argument("new", type=Path, metavar="NEW", help="the newer run's record or JSON report")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="new deviations from a SHOULD, and checks that are no longer judged, count as new violations",
    )
    add_form_options(parser, "the difference")
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Tell the difference and return what it says to CI."""
    difference = difference_of(read_run(arguments.old), read_run(arguments.new))
    forms = {
        "html": lambda: _page(difference, strict=arguments.strict),
        "md": lambda: difference_markdown(difference, strict=arguments.strict),
        "json": lambda: difference_json(difference, strict=arguments.strict),
    }
    console = standard_output(no_color=arguments.no_color)
    if write_forms(arguments, forms):
        _print_verdict(console, difference, strict=arguments.strict)
    else:
        print_difference(console, difference, strict=arguments.strict)
    return difference.exit_code(strict=arguments.strict)


def _page(difference: Difference, *, strict: bool) -> str:
    from harness.reports.html import (  # noqa: PLC0415 - its templates are loaded where it is asked for
        difference_page,
    )

    return difference_page(difference, strict=strict)


def print_difference(console: Console, difference: Difference, *, strict: bool) -> None:
    """Write the difference for a reader."""
    for note in difference.notes:
        console.print(Text.assemble(("note: ", "yellow"), note), soft_wrap=True)
    for kind in Kind:
        changes = difference.of(kind)
        if changes:
            console.print(Text(f"\n{kind.value} ({len(changes)})", style="bold"))
            for change in changes:
                _print_change(console, change)
    console.print()
    _print_verdict(console, difference, strict=strict)


def _print_change(console: Console, change: Change) -> None:
    said = one_line(change.said)
    line = Text("  ")
    line.append_text(_outcome(change.old))
    line.append("-> ")
    line.append_text(_outcome(change.new))
    line.append(change.info.id)
    if said:
        line.append(f"  {said}", style="dim")
    line.truncate(console.width, overflow="ellipsis")
    console.print(line)


def _outcome(result: CheckResult | None) -> Text:
    style = STYLES[OUTCOMES[result.outcome].tone] if result else "dim"
    return Text(f"{outcome_text(result):<{_WORD_WIDTH}}", style=style)


def _print_verdict(console: Console, difference: Difference, *, strict: bool) -> None:
    code = difference.exit_code(strict=strict)
    style = {ExitCode.CONFORMS: "bold green", ExitCode.VIOLATES: "bold red"}.get(code, "bold yellow")
    console.print(
        Text.assemble(
            (f"{difference.new.started.target}: ", "bold"),
            (verdict_line(difference, strict=strict), style),
            f" (changes: {len(difference.changes)}; checks as before: {difference.unchanged})",
        ),
        soft_wrap=True,
    )
