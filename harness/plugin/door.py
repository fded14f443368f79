"""The door to pytest: options and hooks only, so that it costs nothing in sessions that are not mailproof's.

Everything else is imported when a target is given: `pytest --pyargs suites --target TARGET.toml`.
"""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.conformance.bench import Bench, Share
    from harness.conformance.events import Listener
    from harness.conformance.options import RunOptions


_SUITE = re.compile(r"suites(\.\w+)*(::.*)?")


class Hooks:
    """Hooks of mailproof's own, for plugins and conftest files."""

    @pytest.hookspec
    def pytest_mailproof_listeners(self, config: pytest.Config) -> "list[Listener] | None":
        """Return functions that are told every event of the run, in the process that the user started."""

    @pytest.hookspec(firstresult=True)
    def pytest_mailproof_open(
        self, config: pytest.Config, options: "RunOptions", share: "Share"
    ) -> "Bench | None":
        """Open the target for one process; the first that returns something wins."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Make the hooks known."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a conformance run."""
    group = parser.getgroup("mailproof", "conformance of mail servers (mailproof)")
    group.addoption(
        "--target",
        dest="mailproof_target",
        metavar="FILE",
        help="target file that names the mail server under test",
    )
    group.addoption(
        "--mailproof-depth",
        choices=("quick", "normal", "deep"),
        default="quick",
        help="how many examples each property gets: 5, 25 or 300 (default: quick)",
    )
    group.addoption(
        "--mailproof-seed", type=int, metavar="N", help="seed of all examples (default: a new one)"
    )
    group.addoption(
        "--mailproof-select",
        action="append",
        default=[],
        metavar="SELECTOR",
        help="run only checks of this group (smtp, imap, ...) or requirement (rfc5321/4.5); can be repeated",
    )
    group.addoption(
        "--mailproof-level",
        choices=("must", "should", "may"),
        default="may",
        help="the lowest level that is judged: duties and hazards; advice too; or all (default: may)",
    )
    group.addoption(
        "--mailproof-strict",
        action="store_true",
        help="deviations from a SHOULD and waivers without use fail too",
    )
    group.addoption(
        "--mailproof-refute", action="store_true", help="run each check through what refutes it: can it fail?"
    )
    group.addoption(
        "--mailproof-record", type=Path, metavar="FILE", help="record the run as it happens, as lines of JSON"
    )
    group.addoption("--mailproof-html", type=Path, metavar="FILE", help="write the run as one HTML page")
    group.addoption("--mailproof-json", type=Path, metavar="FILE", help="write the run as one JSON object")
    group.addoption("--mailproof-junit", type=Path, metavar="FILE", help="write the run as JUnit XML")
    group.addoption("--mailproof-md", type=Path, metavar="FILE", help="write the run as Markdown")
    group.addoption(
        "--mailproof-catalogue",
        type=Path,
        metavar="DIRECTORY",
        help="another catalogue of requirements (index.toml, rfc/, hazards.toml), for checks of your own",
    )
    group.addoption("--mailproof-fault", action="append", default=[], help=argparse.SUPPRESS)
    group.addoption("--mailproof-widely", action="store_true", help=argparse.SUPPRESS)
    group.addoption("--mailproof-list", action="store_true", help=argparse.SUPPRESS)
    group.addoption("--mailproof-shown-target", metavar="NAME", help=argparse.SUPPRESS)
    group.addoption("--mailproof-directory", metavar="DIRECTORY", help=argparse.SUPPRESS)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Let `--pyargs suites` mean ours, also where the user has a folder or package of that name.

    pytest looks for conftest files in folders first, and imports packages by the order of `sys.path`. Which
    suites are run must not hang on the directory; those of a run with a target are beside this package.
    """
    known = early_config.known_args_namespace
    if known.mailproof_target is None:
        return
    if known.pyargs:
        for words in (args, known.file_or_dir):
            words[:] = [_path_of_suite(word) if _SUITE.fullmatch(word) else word for word in words]
    if getattr(known, "numprocesses", None) and known.dist == "no":
        args.append("--dist=loadgroup")  # keeps checks in one worker that cannot be beside each other


def _path_of_suite(word: str) -> str:
    """Return the path of `suites`, `suites.rfc5321`, `suites.rfc5321.test_s04::test_name`."""
    module, colons, names = word.partition("::")
    path = Path(__file__).resolve().parents[2].joinpath(*module.split("."))
    return f"{path if path.is_dir() else path.with_suffix('.py')}{colons}{names}"


def pytest_configure(config: pytest.Config) -> None:
    """Let the run begin, if a target is given."""
    if config.getoption("mailproof_target") is not None:
        from harness.plugin import run  # noqa: PLC0415 - what other sessions are spared is behind this

        run.register(config)
