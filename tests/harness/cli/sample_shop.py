"""A user's directory with sample suites, a fake server and a target file, for the tests of commands."""

import json
import sys
import uuid
from pathlib import Path

from harness.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
import conformance_sandbox as samples


class Shop:
    """A user's directory, sample suites, and the command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suites = path / "installed" / "suites"
        self.suites.mkdir(parents=True)
        catalogue = path / "catalogue"
        (catalogue / "rfc").mkdir(parents=True)
        (catalogue / "rfc" / "rfc5321.toml").write_text(samples.CATALOGUE)
        (catalogue / "index.toml").write_text(samples.INDEX)
        (catalogue / "hazards.toml").write_text(samples.HAZARDS)
        (self.suites / "conftest.py").write_text(
            "from fake_bench import FakeBench\n"
            "def pytest_mailproof_open(options, share):\n"
            "    return FakeBench.open(options.target_file, share)\n"
        )
        self.checks(samples.SAMPLES)
        self.target()
        self.server()

    def checks(self, source: str) -> None:
        for old in self.suites.glob("test_*.py"):
            old.unlink()
        # pytest keeps modules by their name; each test has its own.
        (self.suites / f"test_{uuid.uuid4().hex}.py").write_text(source)

    def server(self, **changes: object) -> None:
        (self.path / "server.json").write_text(json.dumps({**samples.GOOD, **changes}))

    def target(self, *, permits: str = '"conformance"') -> None:
        (self.path / "target.toml").write_text(
            f'schema = 1\nname = "fake"\npermits = [{permits}]\n'
            '[service.smtp]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n'
            '[accounts]\ndomain = "example.test"\n'
            'pool = [{address = "a@example.test", login = "a", password = "x"}]\n'
        )

    def run(self, *words: str) -> int:
        """Run `mailproof check`."""
        return main.main(["check", *words])
