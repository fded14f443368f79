"""`mailproof replay`: runs a recorded failure again, and says whether it is fixed, failed or flaky."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.text import Text

from harness.cli.output import standard_output
from harness.cli.session import Listeners, run_suites
from harness.conformance.events import CheckFinished, Event, RunFinished
from harness.conformance.evidence import CaseResult, CheckInfo, Evidence
from harness.conformance.replaying import TIMES, TIMES_IF_MIXED, Replay, Verdict, Word
from harness.conformance.text import evidence_text, requirement_line
from harness.reports.failures import Failure, find_failure, write_failure
from harness.reports.places import verify_writable
from harness.targets.embedded import embedded_target
from harness.targets.file import Permit, TargetFile
from harness.targets.loader import load_target
from harness.targets.sole_use import sole_use
from harness.vocabulary.errors import TargetFileError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome

_TARGET_SUFFIX = ".toml"
_MOST_SHOWN = 300
_STYLES = {Word.FIXED: "bold green", Word.FAILED: "bold red", Word.FLAKY: "bold yellow"}
_EPILOG = """\
examples:
  mailproof replay run.jsonl rfc5321/4.5.2/remove-one-dot     on the server of that run
  mailproof replay failure.jsonl my-server.toml               on another server
  mailproof replay run.jsonl rfc5321/4.5.2/remove-one-dot --extract failure.jsonl

exit codes:
  0  FIXED: it did not fail any more
  1  FAILED: it failed every time; FLAKY: it failed sometimes
  2  wrong usage, or no such failure
  3  it could not be run, or not be judged
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "replay",
        help="run a recorded failure again: FIXED, FAILED or FLAKY",
        description="Run a failure that mailproof check has recorded again: the very example that failed, "
        "on the server of that run or on another one. Without a target file in the record the reference "
        "server is started for it.",
        usage="%(prog)s [-h] [--times N] [--extract FILE] [--no-color] RECORD [REQUIREMENT] [TARGET.toml]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "arguments",
        nargs="+",
        metavar="RECORD [REQUIREMENT] | TARGET.toml",
        help="the record of a run, or the file of one failure (check --failures); which failure of it is "
        "meant, if there are several; another server (ends in .toml)",
    )
    parser.add_argument(
        "--times",
        type=_times,
        metavar="N",
        help=f"how often it is run (default: {TIMES}, and {TIMES_IF_MIXED} if it does not always end alike)",
    )
    parser.add_argument(
        "--extract",
        type=Path,
        metavar="FILE",
        help="write this failure to a file of its own, to be handed over, and run nothing",
    )
    parser.add_argument("--no-color", action="store_true", help="no colours (as with the variable NO_COLOR)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the failure again and return the exit code."""
    record, requirement, target = _split(arguments.arguments)
    failure = find_failure(record, requirement)
    if arguments.extract is not None:
        verify_writable(arguments.extract, "--extract")
        write_failure(arguments.extract, failure)
        return ExitCode.CONFORMS
    console = standard_output(no_color=arguments.no_color)
    with ExitStack() as stack:
        shown = target if target is not None else failure.started.target_file
        if shown:
            file = _load(shown, recorded=target is None)
        else:
            with console.status("starting the reference server"):
                file = stack.enter_context(embedded_target())
        if Permit.CONFORMANCE not in file.permits:
            message = f'{file.path}: permits does not name "conformance"; add it to have the checks run'
            raise UsageError(message)
        if shown:
            stack.enter_context(sole_use(file))
        for line in _heading(failure, file):
            console.print(line, soft_wrap=True)
        verdict = _replayed(failure, file, shown, arguments.times)
    for styled in _conclusion(failure, verdict):
        console.print(styled, soft_wrap=True)
    if verdict.word is None:
        print(f"mailproof replay: {verdict.problem}", file=sys.stderr)
    return _exit_code(verdict)


def _split(arguments: Sequence[str]) -> tuple[Path, str | None, str | None]:
    """Return the record, which failure of it is meant, and the target file, the latter two if named."""
    targets = [argument for argument in arguments if argument.endswith(_TARGET_SUFFIX)]
    others = [argument for argument in arguments if not argument.endswith(_TARGET_SUFFIX)]
    if len(targets) > 1:
        raise UsageError(f"one target at a time, not {' and '.join(targets)}")
    if not others:
        raise UsageError("name the record of a run, or the file of a failure, beside the target file")
    if len(others) > 2:
        raise UsageError(f"one failure at a time, not {' and '.join(others[1:])}")
    return Path(others[0]), others[1] if len(others) == 2 else None, targets[0] if targets else None


def _load(path: str, *, recorded: bool) -> TargetFile:
    try:
        return load_target(path)
    except TargetFileError as error:
        if not recorded:
            raise
        raise UsageError(f"{error}; name another target file after the record") from None


def _replayed(failure: Failure, file: TargetFile, shown: str, times: int | None) -> Verdict:
    """Run the one check, as it was run then."""
    info, started = failure.result.info, failure.started
    replay = Replay(info.id, failure.result.evidence, times)
    end = _End()
    options = [
        *("--target", str(file.path), "--mailproof-shown-target", shown),
        *("--mailproof-depth", started.depth, "--mailproof-seed", str(started.seed)),
        *("--mailproof-select", info.id),
    ]
    run_suites(options, [Listeners([end]), replay])
    return replay.verdict(end.problem)


class _End:
    """Listens for why nothing came of a run."""

    def __init__(self) -> None:
        self.problem = ""

    def __call__(self, event: Event) -> None:
        match event:
            case CheckFinished(result) if result.outcome in {Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE}:
                self.problem = f"{result.outcome.value}: {result.evidence.reason}"
            case RunFinished() if event.problem:
                self.problem = event.problem
            case RunFinished() if event.interrupted:
                raise KeyboardInterrupt
            case _:
                pass


def _heading(failure: Failure, file: TargetFile) -> Iterator[str]:
    started, result = failure.started, failure.result
    yield requirement_line(result.info)
    yield f"  {result.info.statement}" if result.info.statement else f"  {result.info.title}"
    yield f"  recorded: {result.outcome.value} on {started.target}, {started.started:%Y-%m-%d %H:%M} UTC"
    yield from (f"  {line}" for line in _finding(result.evidence))
    yield from (f"    {_cut(line)}" for line in result.evidence.input)
    yield f"  now on:   {file.name}"


def _conclusion(failure: Failure, verdict: Verdict) -> Iterator[Text]:
    """Return what came of it: the evidence, what is different from the recorded, and last the word."""
    info, recorded = failure.result.info, failure.result.evidence
    if not verdict.exact:
        yield Text(
            f"  note: not the recorded example: {verdict.note}; the check was run with the recorded seed "
            f"{failure.started.seed} at depth {failure.started.depth}"
        )
    if verdict.word is None:
        return
    if verdict.failures:
        yield Text(_evidence(info, verdict.failures[0]))
        yield from (Text(f"  note: {line}") for line in _differences(recorded, verdict.failures[0].evidence))
    yield Text.assemble((verdict.word.value, _STYLES[verdict.word]), f": {_count(verdict)}")


def _evidence(info: CheckInfo, result: CaseResult) -> str:
    return evidence_text(info, result.outcome, result.evidence)


def _count(verdict: Verdict) -> str:
    times, failures = len(verdict.attempts), len(verdict.failures)
    if not failures:
        return "it did not fail" if times == 1 else f"it did not fail in any of {times} runs"
    return "it failed" if times == 1 else f"it failed in {failures} of {times} runs"


def _differences(recorded: Evidence, now: Evidence) -> Iterator[str]:
    """Say what is different from the recorded finding: it may be another failure."""
    if recorded.expected != now.expected:
        yield "another failure than the recorded one, which was:"
        yield from _finding(recorded)
    elif recorded.actual != now.actual:
        yield f"another answer than the recorded one, which was: {_cut(recorded.actual)}"


def _finding(evidence: Evidence) -> Iterator[str]:
    if evidence.expected:
        yield f"expected: {_cut(evidence.expected)}"
        yield f"actual:   {_cut(evidence.actual)}"
    elif evidence.reason:
        yield f"reason:   {_cut(evidence.reason)}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}... ({len(text)} characters)"


def _exit_code(verdict: Verdict) -> ExitCode:
    match verdict.word:
        case Word.FIXED:
            return ExitCode.CONFORMS
        case Word.FAILED | Word.FLAKY:
            return ExitCode.VIOLATES
        case None:
            return ExitCode.INCONCLUSIVE


def _times(text: str) -> int:
    if not text.isdecimal() or not int(text):
        message = f"a number of times is a whole number from 1, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)
