"""`mailproof check`: runs the suites against a mail server, and says what it found."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from harness.catalogue import load_catalogue
from harness.cli.output import standard_output
from harness.cli.reporting import Reporting, add_file_options, add_github_option, add_record_option
from harness.cli.session import (
    Listeners,
    enough_accounts,
    run_suites,
    seed,
    verify_permitted,
    workers,
    xdist_options,
)
from harness.conformance.selection import GROUPS, verify_known, with_rfc
from harness.conformance.waiving import verify_waivers
from harness.reports.console import ConsoleReport
from harness.reports.failures import FailureFiles
from harness.reports.summary import exit_code_of
from harness.targets.embedded import embedded_target
from harness.targets.file import TargetFile
from harness.targets.loader import load_target
from harness.targets.sole_use import sole_use
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode, gravest

_TARGET_SUFFIX = ".toml"
_EXAMPLES = """\
examples:
  mailproof check                                  everything, on the reference server
  mailproof check my-server.toml imap pop3         two protocols, on a server of your own
  mailproof check my-server.toml rfc5321/4.5 --list
  mailproof check my-server.toml --depth deep -n 4 --html report.html

exit codes:
  0  conforms
  1  violations, or what can be exploited; with --strict deviations too; with --refute: a toothless check
  2  wrong usage or target file
  3  target unreachable, nothing executed, interrupted, inconclusive, or mailproof's own fault
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "check",
        help="run the conformance suites against a mail server",
        description="Run the conformance suites against the mail server that TARGET.toml describes; "
        "without one, against the reference server, which is started for it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="TARGET.toml | SELECT",
        help=f"a target file (ends in .toml), and what to select: the beginning of a requirement's id "
        f"(rfc5321/4.5), or one of {', '.join(GROUPS)}",
    )
    parser.add_argument("--list", action="store_true", help="show what would run, and what would not and why")
    parser.add_argument(
        "--depth",
        choices=("quick", "normal", "deep"),
        default="quick",
        help="examples for each property: at least 5, 25, 300 (default: %(default)s)",
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="seed of all examples, to repeat a run")
    parser.add_argument(
        "-n",
        "--workers",
        type=workers,
        default=1,
        metavar="WORKERS",
        help="how many processes check at once (default: %(default)s)",
    )
    parser.add_argument(
        "--level",
        choices=("must", "should", "may"),
        default="may",
        help="the lowest level that is judged: duties (must, prose) and hazards; advice (should) too; "
        "or all (default: %(default)s)",
    )
    add_record_option(parser)
    add_file_options(parser)
    add_github_option(parser)
    parser.add_argument(
        "--failures",
        type=Path,
        metavar="FOLDER",
        help="write each failure to a file of its own there, for mailproof replay",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="deviations from a SHOULD, and waivers without use, count as violations",
    )
    parser.add_argument(
        "--refute",
        action="store_true",
        help="run each check through what refutes it, to see that it can fail",
    )
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the suites and return the exit code."""
    target, selectors = split_arguments(arguments.arguments)
    verify_known(selectors, [requirement.id for requirement in load_catalogue()])
    reporting = Reporting.from_options(arguments)
    console = standard_output(no_color=arguments.no_color)
    with ExitStack() as stack:
        if target is None:
            with console.status("starting the reference server"):
                file = stack.enter_context(embedded_target(accounts=enough_accounts(arguments.workers)))
        else:
            file = load_target(target)
        verify_permitted(file)
        verify_waivers(file, load_catalogue())
        if target is not None and not arguments.list:
            stack.enter_context(sole_use(file))
        reporting.begin(file.name, console, listing=arguments.list)
        return _run_pytest(arguments, file, target or "", selectors, console=console, reporting=reporting)


def split_arguments(arguments: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the target file, if one is named, and the selectors."""
    targets = [argument for argument in arguments if argument.endswith(_TARGET_SUFFIX)]
    if len(targets) > 1:
        message = f"one target at a time, not {' and '.join(targets)}"
        raise UsageError(message)
    selectors = tuple(with_rfc(argument) for argument in arguments if not argument.endswith(_TARGET_SUFFIX))
    return (targets[0] if targets else None), selectors


def _run_pytest(
    arguments: argparse.Namespace,
    file: TargetFile,
    shown: str,
    selectors: Sequence[str],
    *,
    console: Console,
    reporting: Reporting,
) -> ExitCode:
    """Run the suites with pytest in this process, and nothing of the user's own pytest around them."""
    report = ConsoleReport(console, load_catalogue())
    failures = [FailureFiles(arguments.failures)] if arguments.failures is not None else []
    options = [
        *(
            "--target",
            str(file.path),
            "--mailproof-shown-target",
            shown,
            "--mailproof-depth",
            arguments.depth,
            "--mailproof-level",
            arguments.level,
        ),
        *(("--mailproof-seed", str(arguments.seed)) if arguments.seed is not None else ()),
        *(word for selector in selectors for word in ("--mailproof-select", selector)),
        *(("--mailproof-strict",) if arguments.strict else ()),
        *(("--mailproof-refute",) if arguments.refute else ()),
        *(("--mailproof-list",) if arguments.list else ()),
        *xdist_options(1 if arguments.list else arguments.workers),
    ]
    try:
        status = run_suites(options, [Listeners([*reporting.listeners, *failures, report])])
    finally:
        report.close()
        written = gravest([reporting.end(console), *map(_complain, failures)])
    run = reporting.run
    if run is None or run.finished is None:
        return ExitCode.USAGE if status == pytest.ExitCode.USAGE_ERROR else ExitCode.INCONCLUSIVE
    if run.finished.problem:
        print(f"mailproof check: {run.finished.problem}", file=sys.stderr)
    elif arguments.list:
        return written
    return gravest((exit_code_of(run), written))


def _complain(failures: FailureFiles) -> ExitCode:
    """Say what could not be written; the code says whether all was."""
    if failures.problem:
        print(f"mailproof check: {failures.problem}", file=sys.stderr)
    return ExitCode.INCONCLUSIVE if failures.problem else ExitCode.CONFORMS
