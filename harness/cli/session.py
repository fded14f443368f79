"""Runs the suites with pytest in this process, and with nothing of the user's own pytest around them.

And what the commands that do so have in common.
"""

import argparse
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from harness.conformance.collection import SUITES
from harness.conformance.events import Listener
from harness.targets.embedded import DEFAULT_ACCOUNTS
from harness.targets.file import Permit, TargetFile
from harness.vocabulary.errors import UsageError

_ACCOUNTS_PER_WORKER = 4
_INI = Path(__file__).with_name("pytest.toml")


class Listeners:
    """A plugin that lets reports of ours listen."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = list(listeners)

    def pytest_mailproof_listeners(self) -> list[Listener]:
        """Return the reports."""
        return self._listeners


def run_suites(options: Sequence[str], plugins: Sequence[object]) -> int:
    """Run the suites with these options of pytest, and return pytest's exit status."""
    with _own_environment(), _terminated_as_interrupted():
        return pytest.main([*_isolation(), *options, str(SUITES)], plugins=list(plugins))


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


def enough_accounts(workers: int) -> int:
    """Return how many accounts the reference server needs for so many processes."""
    return max(DEFAULT_ACCOUNTS, _ACCOUNTS_PER_WORKER * workers)


def xdist_options(workers: int) -> tuple[str, ...]:
    """Return pytest's options for so many processes."""
    if workers == 1:
        return ()
    return ("-p", "xdist.plugin", "-n", str(workers), "--dist=loadgroup", "--max-worker-restart=0")


def verify_permitted(file: TargetFile) -> None:
    """Refuse a target whose file does not permit that it is judged."""
    if Permit.CONFORMANCE not in file.permits:
        message = f'{file.path}: permits does not name "conformance"; add it to have the checks run'
        raise UsageError(message)


def seed(text: str) -> int:
    """Read a seed, as an argument of the command line."""
    if not text.isdecimal():
        message = f"a seed is a whole number from 0, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def workers(text: str) -> int:
    """Read a number of processes, as an argument of the command line."""
    if not text.isdecimal() or not int(text):
        message = f"a number of workers is a whole number from 1, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)
