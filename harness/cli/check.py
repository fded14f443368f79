"""`mailproof check`: runs the suites against a mail server, and says what it found."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from platformdirs import user_cache_path
from rich.console import Console

from harness.catalogue import load_catalogue
from harness.cli.output import Output
from harness.cli.places import verify_writable
from harness.conformance.collection import SUITES
from harness.conformance.events import CheckFinished, CheckListed, Event, Listener, RunFinished, RunStarted
from harness.conformance.evidence import CheckResult
from harness.conformance.selection import GROUPS, verify_known
from harness.reports.console import ConsoleReport
from harness.reports.json_report import JsonReport
from harness.reports.junit import JUnitReport
from harness.reports.summary import exit_code
from harness.targets.embedded import DEFAULT_ACCOUNTS, embedded_target
from harness.targets.file import Permit, TargetFile
from harness.targets.loader import load_target
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode

_TARGET_SUFFIX = ".toml"
_INI = Path(__file__).with_name("pytest.toml")
_ACCOUNTS_PER_WORKER = 4
_EXAMPLES = """\
examples:
  mailproof check                                  everything, on the reference server
  mailproof check my-server.toml imap pop3         two protocols, on a server of your own
  mailproof check my-server.toml rfc5321/4.5 --list
  mailproof check my-server.toml --depth deep -n 4 --json run.json
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
    parser.add_argument("--seed", type=_seed, metavar="N", help="seed of all examples, to repeat a run")
    parser.add_argument(
        "-n",
        "--workers",
        type=_workers,
        default=1,
        metavar="WORKERS",
        help="how many processes check at once",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the run as one JSON object")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the run as JUnit XML")
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
    for option, report in (("--json", arguments.json), ("--junit", arguments.junit)):
        if report is not None:
            verify_writable(report, option)
    console = _console(no_color=arguments.no_color)
    with ExitStack() as stack:
        if target is None:
            with console.status("starting the reference server"):
                accounts = max(DEFAULT_ACCOUNTS, _ACCOUNTS_PER_WORKER * arguments.workers)
                file = stack.enter_context(embedded_target(accounts=accounts))
        else:
            file = load_target(target)
        _verify_permitted(file)
        return _run_pytest(arguments, file, target or "", selectors, console)


def split_arguments(arguments: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the target file, if one is named, and the selectors."""
    targets = [argument for argument in arguments if argument.endswith(_TARGET_SUFFIX)]
    if len(targets) > 1:
        message = f"one target at a time, not {' and '.join(targets)}"
        raise UsageError(message)
    selectors = tuple(argument for argument in arguments if not argument.endswith(_TARGET_SUFFIX))
    return (targets[0] if targets else None), selectors


def _run_pytest(
    arguments: argparse.Namespace, file: TargetFile, shown: str, selectors: Sequence[str], console: Console
) -> ExitCode:
    """Run the suites with pytest in this process, and nothing of the user's own pytest around them."""
    workers = 1 if arguments.list else arguments.workers
    report = ConsoleReport(console, load_catalogue())
    verdict = _Verdict()
    listeners: list[Listener] = [report, verdict]
    if arguments.json is not None:
        listeners.append(JsonReport(arguments.json))
    if arguments.junit is not None:
        listeners.append(JUnitReport(arguments.junit))
    options = [
        *(
            "--target",
            str(file.path),
            "--mailproof-shown-target",
            shown,
            "--mailproof-depth",
            arguments.depth,
        ),
        *(("--mailproof-seed", str(arguments.seed)) if arguments.seed is not None else ()),
        *(word for selector in selectors for word in ("--mailproof-select", selector)),
        *(("--mailproof-strict",) if arguments.strict else ()),
        *(("--mailproof-refute",) if arguments.refute else ()),
        *(("--mailproof-list",) if arguments.list else ()),
        *(
            ("-p", "xdist.plugin", "-n", str(workers), "--dist=loadgroup", "--max-worker-restart=0")
            if workers > 1
            else ()
        ),
    ]
    try:
        with _own_environment(), _terminated_as_interrupted():
            status = pytest.main([*_isolation(), *options, str(SUITES)], plugins=[_Listeners(listeners)])
    finally:
        report.close()
    return verdict.exit_code(status)


def _isolation() -> list[str]:
    """Return options that keep the user's own pytest configuration, plugins and conftest files out."""
    return [
        *("-c", str(_INI), "--rootdir", str(SUITES), "--confcutdir", str(SUITES)),
        *("--import-mode=importlib", "--assert=plain", "--capture=sys"),
        *("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "harness.plugin.door"),
    ]


@contextmanager
def _own_environment() -> Iterator[None]:
    """Keep pytest's variables of the user out, no plugin in by itself, and all caches in their place."""
    changes: Mapping[str, str | None] = {
        "PYTEST_ADDOPTS": None,
        "PYTEST_PLUGINS": None,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        # The workers' interpreters would look for modules where we stand, before their own.
        "PYTHONSAFEPATH": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(user_cache_path("mailproof") / "hypothesis"),
    }
    before = {name: os.environ.get(name) for name in changes}
    _set_environment(changes)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does: with what was judged, and nothing left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Listeners:
    """A plugin that lets our reports listen."""

    def __init__(self, listeners: list[Listener]) -> None:
        self._listeners = listeners

    def pytest_mailproof_listeners(self) -> list[Listener]:
        """Return the reports."""
        return self._listeners


class _Verdict:
    """Listens for what the exit code depends on."""

    def __init__(self) -> None:
        self._started: RunStarted | None = None
        self._finished: RunFinished | None = None
        self._results: list[CheckResult] = []
        self._listed = False

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._started = event
            case CheckListed():
                self._listed = True
            case CheckFinished(result):
                self._results.append(result)
            case RunFinished():
                self._finished = event
            case _:
                pass

    def exit_code(self, status: int) -> ExitCode:
        """Return the exit code of the run, and say on standard error why nothing was run."""
        if self._started is None or self._finished is None:
            return ExitCode.USAGE if status == pytest.ExitCode.USAGE_ERROR else ExitCode.INCONCLUSIVE
        if self._finished.problem:
            print(f"mailproof check: {self._finished.problem}", file=sys.stderr)
        if self._listed and not self._finished.problem:
            return ExitCode.CONFORMS
        return exit_code(self._results, self._finished, strict=self._started.strict)


def _verify_permitted(file: TargetFile) -> None:
    if Permit.CONFORMANCE not in file.permits:
        message = f'{file.path}: permits does not name "conformance"; add it to have the checks run'
        raise UsageError(message)


def _console(*, no_color: bool) -> Console:
    width = None if sys.stdout.isatty() else 120
    return Output(file=sys.stdout, highlight=False, markup=False, width=width, no_color=no_color or None)


def _seed(text: str) -> int:
    if not text.isdecimal():
        message = f"a seed is a whole number from 0, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not int(text):
        message = f"a number of workers is a whole number from 1, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)
