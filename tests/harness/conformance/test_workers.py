"""The same run with pytest-xdist: one stream of events, accounts parted between workers."""

from conformance_sandbox import HEAD, SAMPLES


def test_workers_judge_and_the_one_report_has_all(sandbox):
    sandbox.server(NOOP="500 no", VRFY="550 no")
    sandbox.checks(SAMPLES)
    result = sandbox.run("-n", "2", subprocess=True)
    result.assert_outcomes(passed=3, failed=1)
    assert sandbox.outcomes() == {
        "1/must": "violates",
        "2/should": "deviates",
        "3/may": "observed",
        "sample": "not-exploitable",
    }
    report = sandbox.report()
    assert report["workers"] == 2
    assert report["checks"][0]["evidence"]["replay"].endswith(f"--seed {report['seed']}")
    assert report["checks"][0]["evidence"]["dialogues"][0]["text"] == "C: NOOP\nS: 500 no"


def test_each_worker_has_its_share_and_cases_are_put_together(sandbox):
    sandbox.checks(
        HEAD
        + """
import time
@requirement("rfc5321/3/may", level=MAY, refuted_by=BREAK)
@pytest.mark.parametrize("number", range(8))
def test_share(target, number):
    observe("share", (target.share.index, target.share.count))
    time.sleep(0.05)  # so that both workers get some of the cases
"""
    )
    sandbox.run("-n", "2", subprocess=True)
    checks = sandbox.report()["checks"]
    assert [check["examples"] for check in checks] == [8]
    assert set(checks[0]["evidence"]["observations"]["share"]) == {"(0, 2)", "(1, 2)"}


def test_checks_that_answer_dns_stay_in_one_worker(sandbox):
    sandbox.checks(
        HEAD
        + """
import time
@requirement("rfc5321/3/may", level=MAY, needs={Need.OUTBOUND}, refuted_by=BREAK)
@pytest.mark.parametrize("number", range(8))
def test_share(target, number):
    observe("share", target.share.index)
    time.sleep(0.05)  # so that both workers would get some of the cases
"""
    )
    sandbox.run("-n", "2", subprocess=True)
    checks = sandbox.report()["checks"]
    assert [check["examples"] for check in checks] == [8]
    assert len(checks[0]["evidence"]["observations"]["share"]) == 1


def test_too_few_accounts_lower_the_number_and_that_is_said(sandbox):
    sandbox.target(accounts=3)
    sandbox.checks(SAMPLES)
    result = sandbox.run("-n", "2", subprocess=True)
    assert sandbox.report()["workers"] == 1
    result.stdout.fnmatch_lines(["1 instead of 2 workers: each needs accounts for itself*names 3*"])


def test_a_selection_of_nothing_is_an_error_with_workers_too(sandbox):
    sandbox.checks(SAMPLES)
    sandbox.run("-n", "2", "--mailproof-select", "nonsense", subprocess=True)
    assert sandbox.report()["exit_code"] == 2
    assert sandbox.report()["problem"].startswith("'nonsense' selects no check")


def test_a_worker_that_dies_loses_no_check_silently(sandbox):
    sandbox.checks(
        HEAD
        + """
import os
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
def test_dies(target):
    os._exit(1)
"""
    )
    sandbox.run("-n", "1", "--max-worker-restart=0", subprocess=True)
    assert sandbox.outcomes() == {"1/must": "error"}
    assert "ended before it was judged" in sandbox.evidence("must")["reason"]
