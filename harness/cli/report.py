"""`mailproof report`: makes reports of a recorded run, also of one that was killed in the middle."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from harness.catalogue import load_catalogue
from harness.cli.output import standard_output
from harness.cli.reporting import add_file_options, tell_github
from harness.conformance.events import Event
from harness.reports.console import ConsoleReport
from harness.reports.formats import wanted, write_reports
from harness.reports.run import Run, gathered, read_record
from harness.vocabulary.exit_codes import ExitCode

_EPILOG = """\
examples:
  mailproof report run.jsonl                       what mailproof check has shown
  mailproof report run.jsonl --html report.html --junit junit.xml

A record is made by mailproof check, which prints its path at the end (--record names another). One whose run
was killed has all that was judged until then. The exit code is 0 if the reports were made, whatever is in
them; that of the run is in the JSON report.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="make reports of a recorded run",
        description="Make reports of a recorded run; without options, the one that mailproof check prints.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("record", type=Path, metavar="RUN.jsonl", help="the record of the run")
    add_file_options(parser)
    parser.add_argument(
        "--github", action="store_true", help="annotate the job of GitHub Actions, and append to its summary"
    )
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the reports."""
    files = wanted(vars(arguments))
    events = list(read_record(arguments.record))
    recorded = gathered(events)
    write_reports(recorded, files)
    if arguments.github:
        tell_github(recorded, standard_output())
    if not (files or arguments.github):
        _print(events, recorded, no_color=arguments.no_color)
    return ExitCode.CONFORMS


def _print(events: Iterable[Event], run: Run, *, no_color: bool) -> None:
    """Let the run happen again on the console; one that was broken off ends here too."""
    report = ConsoleReport(standard_output(no_color=no_color), load_catalogue(), live=False)
    for event in events:
        report(event)
    if run.finished is None:
        report(run.end)
