"""What `mailproof check` and `mailproof report` leave behind of a run: its record, files, marks on GitHub."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.conformance.events import Listener
from harness.reports.formats import FORMATS, Wanted, wanted, write_reports
from harness.reports.github import annotations, append_summary, pause_commands
from harness.reports.places import verify_writable
from harness.reports.record import Record
from harness.reports.run import Gatherer, Run
from harness.reports.shelf import new_record, shelf
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name files for reports."""
    for name, form in FORMATS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write the run as {form.what}")


def add_record_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the record."""
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="record the run as it happens, as lines of JSON, for mailproof report "
        f"(default: a new file below {shelf()}, where the newest are kept)".replace("%", "%%"),
    )


def add_github_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for what is told to GitHub."""
    parser.add_argument(
        "--github",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("GITHUB_ACTIONS") == "true",
        help="annotate the job and append to the summary of its step (default: where GitHub Actions runs it)",
    )


class Reporting:
    """Listens to a run; records it as it happens, and writes its reports at the end."""

    def __init__(self, files: Wanted, record: Path | None, *, github: bool) -> None:
        self._files = files
        self._record_path = record
        self._record: Record | None = None
        self._note = ""
        self._gatherer = Gatherer()
        self._github = github
        self._resume = ""

    @classmethod
    def from_options(cls, arguments: argparse.Namespace) -> "Reporting":
        """Read the options; a file that cannot be written is a `UsageError`."""
        if arguments.record is not None:
            verify_writable(arguments.record, "--record")
        return cls(wanted(vars(arguments)), arguments.record, github=arguments.github and not arguments.list)

    @property
    def run(self) -> Run | None:
        """The run so far; None before it has started."""
        return self._gatherer.run

    def begin(self, target: str, console: Console, *, listing: bool) -> None:
        """Begin the record: where the user says, else on the user's shelf, which may be missing."""
        if self._record_path is not None:
            self._record = Record(self._record_path)
        elif not listing:
            try:
                self._record = new_record(target)
            except UsageError as error:
                self._note = f"the run is not recorded: {error} with --record"
        if self._github:
            pause, self._resume = pause_commands()
            console.print(pause)

    @property
    def listeners(self) -> Sequence[Listener]:
        """Who must be told of every event, before those who talk to the user."""
        return (*([self._record] if self._record else []), self._gatherer)

    def end(self, console: Console) -> ExitCode:
        """Write the reports, and say where the record is; the code says whether all was written."""
        code = ExitCode.CONFORMS
        if self.run is not None:
            try:
                write_reports(self.run, self._files)
            except UsageError as error:
                print(f"mailproof check: {error}", file=sys.stderr)
                code = ExitCode.INCONCLUSIVE
        self._end_record(console)
        if self._github:
            console.print(self._resume)
            if self.run is not None:
                tell_github(self.run, console)
        return code

    def _end_record(self, console: Console) -> None:
        if self._record is not None:
            self._record.close()
            if self._record.problem:
                self._note = f"the record is not complete: {self._record.problem}"
            if not self._record.results and self._record_path is None:
                self._record.discard()
            else:
                say(console, "record", str(self._record.path), "dim")
        if self._note:
            say(console, "note", self._note, "yellow")


def tell_github(run: Run, console: Console) -> None:
    """Print the annotations, and append to the summary of the step, where there is one."""
    for line in annotations(run):
        console.print(Text(line), soft_wrap=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            append_summary(run, Path(summary))
        except UsageError as error:
            say(console, "note", str(error), "yellow")


def say(console: Console, word: str, text: str, style: str) -> None:
    """Print a line that begins with a word."""
    console.print(Text.assemble((f"{word}: ", style), text), soft_wrap=True)
