"""A directory in which the plugin runs sample checks against the fake server, and those checks."""

import json

import pytest

import harness.plugin.run  # noqa: F401 - pytester forgets what is first imported in a run of its own

CATALOGUE = """
["1/must"]
level = "MUST"
side = "server"
statement = "NOOP is answered with 250."
["1/prose"]
level = "prose"
side = "server"
statement = "RSET is answered with 250."
["2/should"]
level = "SHOULD"
side = "server"
statement = "VRFY should be answered with 252."
["3/may"]
level = "MAY"
side = "server"
statement = "HELP may be answered with anything."
["10/later"]
level = "MUST NOT"
side = "server"
statement = "Later sections come later."
"""
INDEX = '[rfc5321]\ntitle = "Sample"\ngroup = "smtp"\n[rfc3501]\ntitle = "Another"\ngroup = "imap"\n'
HAZARDS = '[sample]\nstatement = "EXPN tells nothing."\nsource = "CVE-0000-0000"\nseverity = "low"\n'
HEAD = """
import pytest
from hypothesis import strategies as st
from harness.conformance import *
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.judging import Need
from harness.vocabulary.services import Service

BREAK = Rewrite.from_server(b"^2", b"5")
"""
GOOD = {"NOOP": "250 OK", "RSET": "250 OK", "VRFY": "252 perhaps", "HELP": "214 see RFC", "EXPN": "502 no"}
SAMPLES = (
    HEAD
    + '''
@requirement("rfc5321/1/must", level=MUST, needs={Service.SMTP}, refuted_by=BREAK)
def test_noop(target):
    """NOOP is harmless."""
    verify_equal("code", expected=250, actual=target.code(b"NOOP"))

@requirement("rfc5321/2/should", level=SHOULD, refuted_by=BREAK)
def test_vrfy(target):
    verify_equal("code", expected=252, actual=target.code(b"VRFY joe"))

@requirement("rfc5321/3/may", level=MAY, refuted_by=Rewrite.from_server(b"^214", b"211"))
def test_help(target):
    observe("reply to HELP", target.code(b"HELP"))

@requirement("hazard/sample", level=HAZARD, refuted_by=Rewrite.from_server(b"^502", b"250"))
def test_expn(target):
    verify(target.code(b"EXPN list") != 250, expected="no list", actual="a list")
'''
)


class Sandbox:
    """Runs sample checks with the plugin."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        catalogue = pytester.path / "catalogue"
        (catalogue / "rfc").mkdir(parents=True)
        (catalogue / "rfc" / "rfc5321.toml").write_text(CATALOGUE)
        (catalogue / "rfc" / "rfc3501.toml").write_text(
            '["7/data"]\nlevel = "MUST"\nside = "server"\nstatement = "Data is data."\n'
        )
        (catalogue / "index.toml").write_text(INDEX)
        (catalogue / "hazards.toml").write_text(HAZARDS)
        pytester.makeconftest(
            "from fake_bench import FakeBench\n"
            "def pytest_mailproof_open(options, share):\n"
            "    return FakeBench.open(options.target_file, share)\n"
        )
        self.target()
        self.server()

    def server(self, **changes: object) -> None:
        """Say what the server answers, where it is not what it should."""
        (self.path / "server.json").write_text(json.dumps({**GOOD, **changes}))

    def target(self, more: str = "", *, accounts: int = 12) -> None:
        """Write the target file."""
        pool = ",".join(
            f'{{address = "u{n}@example.test", login = "u{n}", password = "x"}}' for n in range(accounts)
        )
        (self.path / "target.toml").write_text(
            'schema = 1\nname = "fake"\npermits = ["conformance"]\n'
            '[service.smtp]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n'
            f'[accounts]\ndomain = "example.test"\npool = [{pool}]\n{more}'
        )

    def checks(self, source: str) -> None:
        """Write the sample checks."""
        self.pytester.makepyfile(test_samples=source)

    def run(self, *arguments: str, subprocess: bool = False) -> pytest.RunResult:
        """Run them; the JSON report is at `report()`."""
        words = [
            *("--target", "target.toml", "--mailproof-catalogue", "catalogue"),
            *("--mailproof-json", "run.json", "-p", "no:cacheprovider", *arguments),
        ]
        if subprocess:
            return self.pytester.runpytest_subprocess(*words)
        return self.pytester.runpytest_inprocess(*words)

    def report(self) -> dict:
        """The JSON report of the last run."""
        return json.loads((self.path / "run.json").read_text())

    def outcomes(self) -> dict[str, str]:
        """The outcome of each check, by the end of its id."""
        return {check["id"].split("/", 1)[1]: check["outcome"] for check in self.report()["checks"]}

    def evidence(self, key: str) -> dict:
        """The evidence of the check whose id ends so."""
        return next(check["evidence"] for check in self.report()["checks"] if check["id"].endswith(key))
