"""`mailproof teeth`: puts every fault before the checks that are about it, and says who caught it."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.cli.output import standard_output
from harness.cli.session import (
    Listeners,
    enough_accounts,
    run_suites,
    seed,
    verify_permitted,
    workers,
    xdist_options,
)
from harness.conformance.events import CheckFinished, CheckStarted, Event, RunStarted
from harness.conformance.teeth import chosen_faults
from harness.reports.bites import Bite, Fate, bites_of, bites_report, exit_code_of_bites, unsound_checks
from harness.reports.places import verify_writable
from harness.reports.record import Record
from harness.reports.run import Gatherer, Run
from harness.targets.embedded import embedded_target
from harness.targets.loader import load_target
from harness.targets.sole_use import sole_use
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import FAULTS

_STYLES = {
    Fate.CAUGHT: "green",
    Fate.CAUGHT_ELSEWHERE: "cyan",
    Fate.MISSED: "bold red",
    Fate.KNOWN_GAP: "yellow",
    Fate.UNTRIED: "dim",
}
_WORD_WIDTH = max(map(len, Fate)) + 1
_MOST_NAMED = 2
_EXAMPLES = """\
examples:
  mailproof teeth -n 2                      every fault, on the reference server
  mailproof teeth --fault imap-search       the faults whose names begin so
  mailproof teeth my-server.toml            before a server of your own, on which the checks must conform

exit codes:
  0  every fault that could be tried was caught, or is a known gap
  1  a fault was missed
  2  wrong usage or target file
  3  interrupted, nothing tried, or checks that do not conform without a fault
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "teeth",
        help="put known faults before the suites: which check catches which?",
        description="Put each known fault between the suites and the server that TARGET.toml describes, and "
        "print which check caught it, by which requirement, and what nobody caught. Without a target it "
        "is the reference server, which can also be started with faults of its own.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", nargs="?", metavar="TARGET.toml", help="a target file (ends in .toml)")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="PREFIX",
        help="only the faults whose names begin so (repeatable)",
    )
    parser.add_argument(
        "--widely",
        action="store_true",
        help="put each fault before every check that speaks its protocol, not only those that are about it",
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what became of each fault as JSON")
    parser.add_argument("--record", type=Path, metavar="FILE", help="record the run as it happens")
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the suites with the faults and return the exit code."""
    for option, path in (("--json", arguments.json), ("--record", arguments.record)):
        if path is not None:
            verify_writable(path, option)
    faults = chosen_faults(arguments.fault, on_any_server=arguments.target is not None)
    if not faults:
        raise UsageError(_no_such(arguments.fault, on_any_server=arguments.target is not None))
    console = standard_output(no_color=arguments.no_color)
    with ExitStack() as stack:
        if arguments.target is None:
            with console.status("starting the reference server"):
                file = stack.enter_context(embedded_target(accounts=enough_accounts(arguments.workers)))
        else:
            file = load_target(arguments.target)
        verify_permitted(file)
        if arguments.target is not None:
            stack.enter_context(sole_use(file))
        gatherer = Gatherer()
        record = Record(arguments.record) if arguments.record is not None else None
        progress = _Progress(console)
        options = [
            *("--target", str(file.path), "--mailproof-shown-target", arguments.target or ""),
            *(("--mailproof-seed", str(arguments.seed)) if arguments.seed is not None else ()),
            *(word for name in faults for word in ("--mailproof-fault", name)),
            *(("--mailproof-widely",) if arguments.widely else ()),
            *xdist_options(arguments.workers),
        ]
        try:
            status = run_suites(options, [Listeners([*([record] if record else []), gatherer, progress])])
        finally:
            progress.close()
            if record is not None:
                record.close()
    return _end(gatherer.run, status, arguments, console)


def _end(run: Run | None, status: int, arguments: argparse.Namespace, console: Console) -> ExitCode:
    if run is None:
        return ExitCode.USAGE if status == pytest.ExitCode.USAGE_ERROR else ExitCode.INCONCLUSIVE
    bites = bites_of(run)
    if run.tried or not run.end.problem:
        print_bites(run, bites, console)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(bites_report(run, bites), indent=1, ensure_ascii=False) + "\n")
    if run.end.problem:
        print(f"mailproof teeth: {run.end.problem}", file=sys.stderr)
    return exit_code_of_bites(run, bites)


def print_bites(run: Run, bites: Sequence[Bite], console: Console) -> None:
    """Print a line for each fault, what is wrong with the controls, and the counts."""
    width = max((len(bite.fault.name) for bite in bites), default=0) + 1
    for bite in bites:
        line = Text.assemble(
            "  ",
            (f"{bite.fate.value:<{_WORD_WIDTH}}", _STYLES[bite.fate]),
            f"{bite.fault.name:<{width}} ",
            (_said(bite, interrupted=run.end.interrupted), "dim"),
        )
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    for check, why in unsound_checks(run).items():
        console.print(Text.assemble(("control: ", "bold red"), f"{check}: {why}"), soft_wrap=True)
    closed = [bite.fault.name for bite in bites if bite.fault.gap and bite.caught_by]
    for name in closed:
        console.print(Text.assemble(("note: ", "yellow"), f"{name} is caught: it is no gap any more"))
    for note in run.end.notes:
        console.print(Text.assemble(("note: ", "yellow"), note), soft_wrap=True)
    counts = Counter(bite.fate for bite in bites)
    words = ", ".join(f"{counts[fate]} {fate.value}" for fate in Fate if counts[fate])
    trials = len(run.tried)
    console.print(
        f"\n{len(bites)} faults, {trials} trials, {run.end.seconds:.1f} s, seed {run.started.seed}: {words}"
    )
    if run.end.interrupted:
        console.print(Text.assemble(("interrupted: ", "bold yellow"), "what was tried until then is above"))


def _said(bite: Bite, *, interrupted: bool) -> str:
    match bite.fate:
        case Fate.CAUGHT | Fate.CAUGHT_ELSEWHERE:
            named = ", ".join(bite.caught_by[:_MOST_NAMED])
            more = len(bite.caught_by) - _MOST_NAMED
            return f"{named} and {more} more" if more > 0 else named
        case Fate.MISSED:
            return f"{bite.fault.summary} ({bite.fault.source}): unnoticed by {', '.join(bite.unnoticed_by)}"
        case Fate.KNOWN_GAP:
            return bite.fault.gap
        case Fate.UNTRIED:
            reasons = "; ".join(dict.fromkeys(why for _, why in bite.untried))
            return reasons or (
                "the run ended before" if interrupted else f"no check is about {bite.fault.source}"
            )


def _no_such(prefixes: Sequence[str], *, on_any_server: bool) -> str:
    named = " or ".join(prefixes)
    if on_any_server and chosen_faults(prefixes, on_any_server=False):
        return f"--fault {named}: such a fault is seeded in the reference server only; leave the target out"
    starts = ", ".join(dict.fromkeys(name.split("-", 1)[0] for name in FAULTS))
    return f"--fault {named}: no fault begins so; the names begin with {starts}, then a dash"


class _Progress:
    """Shows how far the run is, on a terminal."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.completed:>5.0f}/{task.total:.0f} checks"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None)

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._progress.update(self._task, total=len(event.checks))
                self._progress.start()
            case CheckStarted(info):
                self._progress.update(self._task, description=info.id)
            case CheckFinished():
                self._progress.advance(self._task)
            case _:
                pass

    def close(self) -> None:
        self._progress.stop()
