"""`--refute`: a check has to notice what its author says refutes it."""

import pytest
from conformance_sandbox import HEAD, SAMPLES


def teeth(sandbox) -> dict[str, str]:
    return {check["id"].split("/", 1)[1]: check["teeth"] for check in sandbox.report()["checks"]}


def test_checks_that_notice_their_refutation_have_teeth(sandbox):
    sandbox.checks(SAMPLES)
    sandbox.run("--mailproof-refute").assert_outcomes(passed=4)
    assert set(teeth(sandbox).values()) == {"refuted"}
    assert sandbox.outcomes()["1/must"] == "violates"
    assert sandbox.outcomes()["2/should"] == "deviates"
    assert sandbox.report()["exit_code"] == 0
    assert sandbox.report()["checks"][0]["refutation"].startswith("the server's b")


TOO_LENIENT = """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
def test_one(target): verify(target.code(b"NOOP") in (250, 550), expected="250", actual="x")
"""
OBSERVES_THE_SAME = """
@requirement("rfc5321/3/may", level=MAY, refuted_by=BREAK)
def test_one(target): observe("class", target.code(b"HELP") > 0)
"""
OUR_OWN_ERROR = """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
def test_one(target): assert target.code(b"NOOP") == 250
"""
PROPERTY = """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(number=st.integers())
def test_one(target, number): target.ask(b"NOOP")
"""


@pytest.mark.parametrize("check", [TOO_LENIENT, OBSERVES_THE_SAME, OUR_OWN_ERROR, PROPERTY])
def test_a_check_that_does_not_notice_is_toothless(sandbox, check):
    sandbox.checks(HEAD + check)
    result = sandbox.run("--mailproof-refute")
    result.assert_outcomes(failed=1)
    assert list(teeth(sandbox).values()) == ["toothless"]
    assert sandbox.report()["exit_code"] == 1
    result.stdout.fnmatch_lines(["*TOOTHLESS: rfc5321/*did not notice the server's*"])


def test_a_fault_is_run_on_a_server_that_has_it(sandbox):
    sandbox.server(faults={"relay-open": {"NOOP": "500 no"}})
    sandbox.checks(
        SAMPLES.replace("needs={Service.SMTP}, refuted_by=BREAK", 'refuted_by=Fault("relay-open")')
    )
    sandbox.run("--mailproof-refute", "--mailproof-select", "rfc5321/1").assert_outcomes(passed=1)
    assert teeth(sandbox) == {"1/must": "refuted"}
    assert sandbox.report()["checks"][0]["refutation"] == "fault relay-open"


def test_a_check_that_finds_something_without_its_refutation_proves_nothing(sandbox):
    sandbox.server(NOOP="500 no")
    sandbox.checks(SAMPLES)
    sandbox.run("--mailproof-refute").assert_outcomes(passed=3, skipped=1)
    assert teeth(sandbox)["1/must"] == "unproven"
    assert sandbox.report()["exit_code"] == 3


def test_what_the_target_lacks_cannot_be_tried_and_is_no_blemish(sandbox):
    sandbox.server(lacks={"smtp": "the target has no smtp"})
    sandbox.checks(SAMPLES)
    sandbox.run("--mailproof-refute").assert_outcomes(passed=3, skipped=1)
    assert teeth(sandbox)["1/must"] == "unproven"
    assert sandbox.report()["exit_code"] == 0


def test_a_property_gets_enough_examples_to_be_noticed_and_is_not_shrunk(sandbox):
    sandbox.checks(
        HEAD
        + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(number=st.integers(0, 2**40))
def test_one(target, number):
    verify(target.code(b"NOOP") == 250, expected="250", actual=number)
"""
    )
    sandbox.run("--mailproof-refute", "--mailproof-seed", "1").assert_outcomes(passed=1)
    check = sandbox.report()["checks"][0]
    assert check["examples"] == 6  # five without the refutation, and the first with it
    sandbox.checks(
        HEAD
        + (sandbox.path / "test_samples.py")
        .read_text()
        .split("BREAK = ")[1]
        .split("\n", 1)[1]
        .replace("== 250", "> 0")
    )
    sandbox.run("--mailproof-refute")
    assert sandbox.report()["checks"][0]["examples"] == 30
