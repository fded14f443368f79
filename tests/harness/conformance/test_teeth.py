"""Faults put before checks: who is asked, and what counts as catching one."""

import pytest
from conformance_sandbox import HEAD

from harness.conformance.declaration import Declaration
from harness.conformance.depth import EFFORTS, Depth
from harness.conformance.evidence import CheckInfo, Notice
from harness.conformance.teeth import NEIGHBOUR_EXAMPLES, Nearness, chosen_faults, nearness
from harness.reports.bites import Fate, bites_of, exit_code_of_bites, unsound_checks
from harness.reports.run import load_run
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import FAULTS, PROXY_FAULTS, FaultEntry
from harness.vocabulary.judging import Level

OTHER = Rewrite.from_server(b"^2", b"5")
DOTS = FaultEntry("smtp-some-dots", "dots are kept", "RFC 5321 §4.5.2", ("rfc5321/4.5.2/remove-one-dot",))


def near(check_id: str, *, also=(), refuted_by=OTHER, group="smtp") -> Nearness:
    declaration = Declaration(check_id, Level.MUST, frozenset(), refuted_by, also)
    return nearness(DOTS, declaration, CheckInfo(check_id, "", Level.MUST, "", "", group, also=also))


def test_who_is_about_a_fault():
    assert near("rfc5321/4.5.2/remove-one-dot") is Nearness.ABOUT
    assert near("rfc2033/4.2/x", also=("rfc5321/4.5.2/remove-one-dot",)) is Nearness.ABOUT
    assert near("rfc5321/4.5.2/other-rule") is Nearness.NEIGHBOUR
    assert near("rfc5321/4.5/x") is Nearness.SAME_PROTOCOL
    assert near("rfc5321/4.5.20/x") is Nearness.SAME_PROTOCOL
    assert near("rfc3501/2.2/x", group="imap") is Nearness.FAR


def test_the_fault_that_a_check_names_as_its_refutation_is_its_own():
    name = "smtp-dot-kept"
    declaration = Declaration("rfc3501/9/x", Level.MUST, frozenset(), Fault(name), ())
    info = CheckInfo("rfc3501/9/x", "", Level.MUST, "", "", "imap")
    assert nearness(FAULTS[name], declaration, info) is Nearness.ABOUT


def test_every_fault_has_checks_that_speak_its_protocol():
    declaration = Declaration("rfc9999/1/x", Level.MUST, frozenset(), OTHER, ())
    info = CheckInfo("rfc9999/1/x", "", Level.MUST, "", "", "journeys")
    for name in chosen_faults([], on_any_server=False):
        assert nearness(FAULTS[name], declaration, info) in {Nearness.SAME_PROTOCOL, Nearness.FAR}


def test_which_faults_are_tried():
    everywhere = chosen_faults([], on_any_server=True)
    ours = chosen_faults([], on_any_server=False)
    assert set(everywhere) < set(ours)
    assert set(everywhere) <= set(PROXY_FAULTS)
    assert not any(name.startswith("transport-") for name in ours)
    chosen = chosen_faults(["pop3-uidl", "relay-open"], on_any_server=False)
    assert "relay-open" in chosen
    assert all(name.startswith(("pop3-uidl", "relay-open")) for name in chosen)


ABOUT = (
    HEAD
    + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=Fault("relay-open"))
def test_noop(target): verify_equal("code", expected=250, actual=target.code(b"NOOP"))

@requirement("rfc5321/1/prose", level=PROSE, refuted_by=Fault("relay-no-bounce"))
@given(number=st.integers())
def test_rset(target, number): verify_equal("code", expected=250, actual=target.code(b"RSET"))

@requirement("rfc5321/2/should", level=SHOULD, refuted_by=Rewrite.from_server(b"^2", b"5"))
def test_vrfy(target): verify_equal("code", expected=252, actual=target.code(b"VRFY joe"))
"""
)


@pytest.fixture
def teeth(sandbox, tmp_path):
    def run_with(*faults: str, code: int = 0, **server):
        sandbox.checks(ABOUT)
        sandbox.server(**{"faults": {name: {} for name in faults}, **server})
        words = [word for name in faults for word in ("--mailproof-fault", name)]
        result = sandbox.run(*words, "--mailproof-record", str(tmp_path / "run.jsonl"))
        assert result.ret == code
        return load_run(tmp_path / "run.jsonl")

    return run_with


def test_a_fault_is_caught_by_the_check_that_names_it_and_others_are_not_run(teeth):
    run = teeth("relay-open", faults={"relay-open": {"NOOP": "500 no"}})
    assert [(event.check, event.trial.notice) for event in run.tried] == [("rfc5321/1/must", Notice.CAUGHT)]
    assert run.tried[0].trial.said.startswith("violates: expected code: 250; got 500")
    (bite,) = bites_of(run)
    assert (bite.fate, bite.caught_by) == (Fate.CAUGHT, ("rfc5321/1/must",))
    assert exit_code_of_bites(run, [bite]) is ExitCode.CONFORMS


def test_a_fault_that_nobody_notices_is_missed(teeth):
    run = teeth("relay-open", "relay-no-bounce", faults={"relay-open": {"NOOP": "5"}, "relay-no-bounce": {}})
    bites = {bite.fault.name: bite for bite in bites_of(run)}
    assert bites["relay-no-bounce"].fate is Fate.MISSED
    assert bites["relay-no-bounce"].unnoticed_by == ("rfc5321/1/prose",)
    assert exit_code_of_bites(run, bites.values()) is ExitCode.VIOLATES


def test_a_check_that_fails_without_the_fault_proves_nothing(teeth):
    run = teeth("relay-open", code=1, NOOP="500 no")
    assert run.tried[0].trial.notice is Notice.UNSOUND
    assert list(unsound_checks(run)) == ["rfc5321/1/must"]
    assert exit_code_of_bites(run, bites_of(run)) is ExitCode.INCONCLUSIVE


def test_a_check_that_fails_behind_a_proxy_that_does_nothing_proves_nothing(sandbox, tmp_path):
    sandbox.checks(ABOUT.replace('Fault("relay-open")', 'Fault("smtp-verb-case")'))
    sandbox.server(faults={"smtp-verb-case": {"NOOP": "500 no"}}, watched={"NOOP": "451 not now"})
    sandbox.run("--mailproof-fault", "smtp-verb-case", "--mailproof-record", str(tmp_path / "run.jsonl"))
    run = load_run(tmp_path / "run.jsonl")
    assert run.tried[0].trial.notice is Notice.UNSOUND
    assert "through a proxy that does nothing" in run.tried[0].trial.said


def test_what_the_target_lacks_is_not_tried(sandbox, tmp_path):
    sandbox.checks(ABOUT.replace("level=MUST,", "level=MUST, needs={Service.SMTP},"))
    sandbox.server(lacks={"smtp": "the target has no smtp"}, faults={"relay-open": {}})
    sandbox.run("--mailproof-fault", "relay-open", "--mailproof-record", str(tmp_path / "run.jsonl"))
    run = load_run(tmp_path / "run.jsonl")
    (bite,) = bites_of(run)
    assert bite.fate is Fate.UNTRIED
    assert bite.untried == (("rfc5321/1/must", "the target has no smtp"),)
    assert exit_code_of_bites(run, [bite]) is ExitCode.INCONCLUSIVE


def test_what_is_waived_is_not_tried(sandbox, tmp_path):
    sandbox.target('[[waiver]]\nrequirement = "rfc5321/1/must"\nreason = "known"\n')
    sandbox.checks(ABOUT)
    sandbox.server(NOOP="500 no", faults={"relay-open": {}})
    sandbox.run("--mailproof-fault", "relay-open", "--mailproof-record", str(tmp_path / "run.jsonl"))
    run = load_run(tmp_path / "run.jsonl")
    assert run.tried[0].trial.notice is Notice.UNTRIED
    assert run.tried[0].trial.said == "violates, waived: known"


def test_a_neighbour_is_asked_more_briefly(sandbox, tmp_path, monkeypatch):
    monkeypatch.setitem(FAULTS, "relay-open", FaultEntry("relay-open", "x", "RFC 5321 §1"))
    sandbox.checks(ABOUT)
    sandbox.server(faults={"relay-open": {}})
    sandbox.run("--mailproof-fault", "relay-open", "--mailproof-record", str(tmp_path / "run.jsonl"))
    run = load_run(tmp_path / "run.jsonl")
    assert {event.check for event in run.tried} == {"rfc5321/1/must", "rfc5321/1/prose"}
    assert bites_of(run)[0].fate is Fate.MISSED
    assert EFFORTS[Depth.QUICK].examples > NEIGHBOUR_EXAMPLES
