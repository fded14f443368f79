"""`mailproof teeth`: what the user sees."""

import json

import pytest

from harness.cli.main import main
from harness.cli.output import Output
from harness.cli.teeth import print_bites
from harness.conformance.events import FaultTried, RunFinished
from harness.conformance.evidence import Notice, Trial
from harness.conformance.recorder import new_run
from harness.reports.bites import Bite, Fate, bites_of, exit_code_of_bites
from harness.reports.run import Run
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import FAULTS


def test_faults_are_put_before_the_reference_server_and_caught(tmp_path, capsys):
    report = tmp_path / "teeth.json"
    code = main(
        [
            "teeth",
            "--fault",
            "pop3-dele-twice",
            "--fault",
            "lmtp-single",
            "--json",
            str(report),
            "--seed",
            "1",
        ]
    )
    out = capsys.readouterr().out
    assert code == ExitCode.CONFORMS, out
    assert "caught           pop3-dele-twice-ok  rfc1939/5/" in out
    assert "2 faults," in out
    assert json.loads(report.read_text())["summary"]["caught"] == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--fault", "nntp-"], "--fault nntp-: no fault begins so; the names begin with smtp, lmtp, "),
        (["x.toml", "--fault", "mda-dup"], "seeded in the reference server only; leave the target out"),
        (["--fault", "imap-", "--json", "/nowhere/x.json"], "--json /nowhere/x.json: cannot be written"),
        (["missing.toml"], "missing.toml"),
    ],
)
def test_a_mistake_is_one_line(words, complaint, capsys):
    assert main(["teeth", *words]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_what_became_of_each_fault_is_a_line(capsys):
    entry = FAULTS["smtp-dot-kept"]
    bites = [
        Bite(entry, Fate.CAUGHT, ("rfc5321/4.5.2/a", "rfc5321/4.5.2/b", "rfc5321/4.5.2/c"), (), ()),
        Bite(entry, Fate.MISSED, (), ("rfc5321/4.5.2/a",), ()),
        Bite(entry, Fate.UNTRIED, (), (), (("rfc5321/4.5.2/a", "it has no SMTP"),)),
        Bite(entry, Fate.UNTRIED, (), (), ()),
    ]
    started = new_run(
        version="1", target="t", target_file="", seed=1, depth="quick", refute=False, strict=False
    )
    run = Run(started, (), RunFinished(seconds=1.0))
    print_bites(run, bites, Output(width=200, highlight=False, markup=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("rfc5321/4.5.2/a, rfc5321/4.5.2/b and 1 more")
    assert lines[1].endswith("(RFC 5321 §4.5.2): unnoticed by rfc5321/4.5.2/a")
    assert lines[2].endswith("it has no SMTP")
    assert lines[3].endswith("no check is about RFC 5321 §4.5.2")
    assert "4 faults" in lines[-1]
    assert lines[-1].endswith("1 caught, 1 missed, 2 not tried")


@pytest.mark.parametrize(
    ("interrupted", "fate", "code"),
    [(False, Fate.MISSED, ExitCode.VIOLATES), (True, Fate.UNTRIED, ExitCode.INCONCLUSIVE)],
)
def test_a_run_that_was_interrupted_has_missed_nothing(interrupted, fate, code, capsys):
    started = new_run(
        version="1", target="t", target_file="", seed=1, depth="quick", refute=False, strict=False
    )
    unnoticed = FaultTried("rfc5321/4.5.2/a", Trial("smtp-dot-kept", Notice.UNNOTICED, ""))
    run = Run(started, (), RunFinished(seconds=1.0, interrupted=interrupted), tried=(unnoticed,))
    bites = bites_of(run)
    assert ([bite.fate for bite in bites], exit_code_of_bites(run, bites)) == ([fate], code)
    print_bites(run, bites, Output(width=200, highlight=False, markup=False))
    assert ("interrupted: what was tried until then is above" in capsys.readouterr().out) is interrupted
