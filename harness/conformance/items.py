"""What pytest's items and reports mean to a run, and the other way round."""

import inspect
from collections.abc import Callable

import pytest

from harness.conformance.evidence import CaseResult, CheckInfo, Evidence, Teeth
from harness.conformance.judge import Case
from harness.conformance.outcomes import fails
from harness.conformance.text import evidence_text
from harness.vocabulary.judging import Outcome

OUTBOUND = "outbound"
"""The group of checks that stay in one worker."""


def tell_pytest(info: CheckInfo, result: CaseResult, *, strict: bool) -> None:
    """Raise what pytest calls this outcome, or return where it passes."""
    evidence = result.evidence
    match result.teeth:
        case Teeth.TOOTHLESS:
            pytest.fail(f"TOOTHLESS: {info.id} did not notice {result.refutation}", pytrace=False)
        case Teeth.UNPROVEN:
            pytest.skip(f"{result.outcome.value}: {evidence.reason or evidence.actual}")
        case Teeth.REFUTED:
            return
    if fails(result.outcome, strict=strict):
        pytest.fail(evidence_text(info, result.outcome, evidence), pytrace=False)
    if result.outcome is Outcome.WAIVED:
        pytest.xfail(evidence.reason)
    if result.outcome in {Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE}:
        pytest.skip(f"{result.outcome.value}: {evidence.reason}")


def parted(
    items: list[pytest.Item], chosen: Callable[[pytest.Item], bool]
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return those that are chosen, and the others."""
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (kept if chosen(item) else others).append(item)
    return kept, others


def last_line(report: pytest.CollectReport) -> str:
    """Return why a module could not be collected; of an error's traceback the last line."""
    lines = report.longreprtext.strip().splitlines()
    if isinstance(report.longrepr, str):
        return lines[0]
    errors = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return (errors or lines)[-1]


def name_group(item: pytest.Item) -> None:
    """Put the group into the item's id, where xdist's scheduler looks for it.

    xdist 3.8 writes it to an attribute that pytest has stopped reading in 9.2; what is missing is made up for
    here, before the worker sends the ids.
    """
    if not item.nodeid.endswith(f"@{OUTBOUND}"):
        structured = getattr(item, "_id")  # noqa: B009 - private, and in newer versions of pytest only
        setattr(item, "_id", type(structured).parse(f"{item.nodeid}@{OUTBOUND}"))  # noqa: B010


def case_of(item: pytest.Function, info: CheckInfo) -> Case:
    """Return an item as a case that can be judged."""
    names = [name for name in inspect.signature(item.obj).parameters if name != "target"]
    arguments = {name: item.funcargs[name] for name in names if name in item.funcargs}
    callspec = getattr(item, "callspec", None)
    parameters: dict[str, object] = dict(callspec.params) if callspec is not None else {}
    return Case(
        function=item.obj,
        arguments=arguments,
        parameters=parameters,
        level=info.level,
        name=callspec.id if callspec is not None else "",
    )


def not_judged(report: pytest.TestReport, call: pytest.CallInfo[None]) -> CaseResult:
    """Return what it means that pytest did not come to judging, or broke off: ours, not the target's."""
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        return CaseResult(Outcome.UNSUPPORTED, call.duration, 0, Evidence(reason=reason))
    reason = str(call.excinfo.value) if call.excinfo is not None else "it could not be run"
    evidence = Evidence(reason=reason.splitlines()[0] if reason else "", traceback=report.longreprtext)
    return CaseResult(Outcome.ERROR, call.duration, 0, evidence)
