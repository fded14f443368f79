"""Puts a run together: who conducts, who examines, who reports, and on which target."""

from pathlib import Path

import pytest

from harness.catalogue import DIRECTORY, CatalogueError, load_catalogue
from harness.conformance.bench import Bench, Share
from harness.conformance.collection import Register
from harness.conformance.conductor import Conductor
from harness.conformance.events import Listener
from harness.conformance.examiner import Examiner
from harness.conformance.options import RunOptions
from harness.conformance.waiving import verify_waivers
from harness.conformance.workbench import Workbench
from harness.plugin import fixtures
from harness.reports.formats import FileReports, Wanted, wanted
from harness.reports.places import verify_writable
from harness.reports.record import Record
from harness.targets.loader import load_target
from harness.vocabulary.errors import TargetFileError, UsageError

_PREFIX = "mailproof-"
"""Of the options that name files; pytest has some of its own."""


def register(config: pytest.Config) -> None:
    """Register the plugins of this process's part; a mistake of the user is pytest's usage error."""
    try:
        options = RunOptions.from_config(config)
        file = load_target(options.target_file, directory=options.directory)
        place = config.getoption("mailproof_catalogue") or DIRECTORY
        catalogue = load_catalogue(config.invocation_params.dir / place)  # kept by its path
        verify_waivers(file, catalogue)
        files = wanted(vars(config.option), prefix=_PREFIX)
        if (record := config.getoption("mailproof_record")) is not None:
            verify_writable(record, "--mailproof-record")
    except (TargetFileError, CatalogueError, UsageError) as error:
        raise pytest.UsageError(str(error)) from None
    manager = config.pluginmanager
    manager.register(Defaults(files, record), "mailproof-defaults")
    manager.register(fixtures, "mailproof-fixtures")
    conductor = None
    if not hasattr(config, "workerinput"):
        conductor = Conductor(config, options, file)
        manager.register(conductor, "mailproof-conductor")
    manager.register(Examiner(config, options, file, Register(catalogue), conductor), "mailproof-examiner")


class Defaults:
    """What happens where no other plugin has a say."""

    def __init__(self, files: Wanted, record: Path | None) -> None:
        self._reports = FileReports(files, prefix=_PREFIX)
        self._record_path = record
        self._record: Record | None = None

    def pytest_mailproof_listeners(self) -> list[Listener]:
        """Record the run, and write the reports that are asked for."""
        if self._record_path is None:
            return [self._reports]
        try:
            self._record = Record(self._record_path)
        except UsageError as error:
            raise pytest.UsageError(f"--mailproof-record {error}") from None
        return [self._record, self._reports]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what could not be written."""
        for problem in (self._record.problem if self._record else "", self._reports.problem):
            if problem:
                terminalreporter.write_line(f"mailproof: {problem}", red=True)

    @pytest.hookimpl(trylast=True)
    def pytest_mailproof_open(self, options: RunOptions, share: Share) -> Bench:
        """Open the mail server that the target file names."""
        return Workbench.open(options, share)
