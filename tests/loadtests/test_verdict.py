import pytest

from harness.vocabulary.exit_codes import ExitCode
from loadtests.ledger import Totals
from loadtests.profile_file import PERCENTILE_KEYS, Gate, ServiceLevel
from loadtests.verdict import FailureFigures, RequestFigures, judge

LEVEL = ServiceLevel(0.01, (Gate("SMTP text", 0.95, 100.0),))
GOOD = Totals(sent=100, accepted=100, seen=100)


def figures(name: str = "text", *, count: int = 100, failures: int = 0, ms: float = 50.0) -> RequestFigures:
    return RequestFigures(
        protocol="SMTP",
        name=name,
        count=count,
        failures=failures,
        per_s=10.0,
        octets=2000,
        min_ms=1.0,
        mean_ms=ms / 2,
        max_ms=ms * 2,
        percentiles_ms=dict.fromkeys(PERCENTILE_KEYS.values(), ms),
    )


def test_all_is_well() -> None:
    verdict = judge(LEVEL, [figures()], [], GOOD)
    assert (verdict.code, verdict.reasons) == (ExitCode.CONFORMS, ())
    assert verdict.to_dict() == {
        "outcome": "service level met",
        "exit_code": 0,
        "reasons": [],
        "gates": [
            {"request": "SMTP text", "percentile": 0.95, "limit_ms": 100.0, "measured_ms": 50.0, "met": True}
        ],
    }


def test_gate_is_met_at_its_limit_and_missed_above() -> None:
    assert judge(LEVEL, [figures(ms=100.0)], [], GOOD).code is ExitCode.CONFORMS
    verdict = judge(LEVEL, [figures(ms=101.0)], [], GOOD)
    assert verdict.code is ExitCode.VIOLATES
    assert verdict.reasons == ("SMTP text: 0.95 of all took up to 101 ms, more than 100 ms",)


def test_too_many_failures() -> None:
    failures = [FailureFigures("SMTP", "text", "Refusal: 451", 2)]
    assert judge(LEVEL, [figures(failures=1)], failures, GOOD).code is ExitCode.CONFORMS
    verdict = judge(LEVEL, [figures(failures=2)], failures, GOOD)
    assert verdict.code is ExitCode.VIOLATES
    assert verdict.reasons == ("2 of 100 requests failed, more than 1.00%",)


@pytest.mark.parametrize("fault", ["missing", "doubled", "damaged", "delivered_though_refused"])
def test_each_fault_of_the_ledger_fails_a_fast_run(fault: str) -> None:
    verdict = judge(LEVEL, [figures()], [], GOOD + Totals(**{fault: 1}))
    assert verdict.code is ExitCode.VIOLATES
    assert verdict.reasons[0].startswith("1 messages ")


def test_nothing_executed_is_not_green() -> None:
    verdict = judge(LEVEL, [], [], Totals())
    assert (verdict.code, verdict.reasons) == (ExitCode.INCONCLUSIVE, ("nothing was executed",))


def test_unreachable_is_inconclusive_and_not_a_missed_level() -> None:
    failures = [FailureFigures("SMTP", "connect", "ConnectFailed: cannot connect to 127.0.0.1:1: refused", 7)]
    verdict = judge(LEVEL, [figures("connect", count=7, failures=7)], failures, Totals())
    assert verdict.code is ExitCode.INCONCLUSIVE
    assert verdict.reasons == ("the target is unreachable: cannot connect to 127.0.0.1:1: refused",)


def test_gate_that_was_never_measured_is_inconclusive() -> None:
    verdict = judge(LEVEL, [figures("MAIL")], [], GOOD)
    assert (verdict.code, verdict.reasons) == (ExitCode.INCONCLUSIVE, ("no SMTP text was measured",))


def test_gate_of_failures_only_was_never_measured() -> None:
    level = ServiceLevel(1.0, LEVEL.gates)
    failures = [FailureFigures("SMTP", "text", "Refusal: 451", 9)]
    assert judge(level, [figures(count=9, failures=9)], failures, GOOD).code is ExitCode.INCONCLUSIVE


def test_troubles_make_it_inconclusive_and_a_missed_level_is_graver() -> None:
    assert judge(LEVEL, [figures()], [], GOOD, ["a worker went"]).code is ExitCode.INCONCLUSIVE
    verdict = judge(LEVEL, [figures(ms=200.0)], [], GOOD, ["a worker went"])
    assert verdict.code is ExitCode.VIOLATES
    assert verdict.reasons[-1] == "a worker went"


def test_figures_of_a_request_for_the_report() -> None:
    assert figures().to_dict()["ms"] == {
        "min": 1.0,
        "mean": 25.0,
        "p50": 50.0,
        "p90": 50.0,
        "p95": 50.0,
        "p99": 50.0,
        "p99_9": 50.0,
        "max": 100.0,
    }
