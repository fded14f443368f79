"""Puts a run together: who conducts, who examines, who reports, and on which target."""

import pytest

from harness.catalogue import DIRECTORY, CatalogueError, load_catalogue
from harness.conformance.bench import Bench, Share
from harness.conformance.collection import Register
from harness.conformance.conductor import Conductor
from harness.conformance.events import Listener
from harness.conformance.examiner import Examiner
from harness.conformance.options import RunOptions
from harness.conformance.workbench import Workbench
from harness.plugin import fixtures
from harness.reports.json_report import JsonReport
from harness.reports.junit import JUnitReport
from harness.targets.loader import load_target
from harness.vocabulary.errors import TargetFileError, UsageError


def register(config: pytest.Config) -> None:
    """Register the plugins of this process's part; a mistake of the user is pytest's usage error."""
    try:
        options = RunOptions.from_config(config)
        file = load_target(options.target_file, directory=options.directory)
        catalogue = load_catalogue(config.getoption("mailproof_catalogue") or DIRECTORY)
    except (TargetFileError, CatalogueError, UsageError) as error:
        raise pytest.UsageError(str(error)) from None
    manager = config.pluginmanager
    manager.register(Defaults(), "mailproof-defaults")
    manager.register(fixtures, "mailproof-fixtures")
    conductor = None
    if not hasattr(config, "workerinput"):
        conductor = Conductor(config, options, file)
        manager.register(conductor, "mailproof-conductor")
    manager.register(Examiner(config, options, file, Register(catalogue), conductor), "mailproof-examiner")


class Defaults:
    """What happens where no other plugin has a say."""

    def pytest_mailproof_listeners(self, config: pytest.Config) -> list[Listener]:
        """Write the reports that are asked for."""
        listeners: list[Listener] = []
        if (path := config.getoption("mailproof_json")) is not None:
            listeners.append(JsonReport(path))
        if (path := config.getoption("mailproof_junit")) is not None:
            listeners.append(JUnitReport(path))
        return listeners

    @pytest.hookimpl(trylast=True)
    def pytest_mailproof_open(self, options: RunOptions, share: Share) -> Bench:
        """Open the mail server that the target file names."""
        return Workbench.open(options, share)
