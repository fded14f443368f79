"""The run as one JSON object, for machines; its shape is versioned by `schema`."""

import json

from harness.conformance import codec
from harness.conformance.evidence import CheckResult, Json
from harness.reports.run import Run
from harness.reports.summary import count_outcomes, exit_code_of

SCHEMA = 1


def json_report(run: Run) -> str:
    """Return the report as text of ASCII characters only."""
    return json.dumps(report_of(run), indent=1, ensure_ascii=True) + "\n"


def report_of(run: Run) -> Json:
    """Return the whole report; checks are in the order of the suites, whoever was faster."""
    started, end = run.started, run.end
    return {
        "schema": SCHEMA,
        "version": started.version,
        "target": started.target,
        "target_file": started.target_file,
        "seed": started.seed,
        "depth": started.depth,
        "refute": started.refute,
        "strict": started.strict,
        "workers": started.workers,
        "started": started.started.isoformat(timespec="seconds"),
        "seconds": round(end.seconds, 3),
        "interrupted": end.interrupted,
        "unfinished": list(run.unfinished),
        "exit_code": int(exit_code_of(run)),
        "problem": end.problem,
        "silence": end.silence,
        "notes": [*end.notes, *end.waiver_notes],
        "summary": {outcome.value: count for outcome, count in count_outcomes(run.results).items()},
        "checks": [_check(result) for result in run.results],
    }


def _check(result: CheckResult) -> Json:
    info = result.info
    check: dict[str, object] = {
        "id": info.id,
        "title": info.title,
        "level": info.level.value,
        "requirement": info.statement,
        "source": info.source,
        "group": info.group,
        "also": list(info.also),
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 4),
        "examples": result.examples,
        "evidence": codec.evidence_to_json(result.evidence),
    }
    if result.teeth is not None:
        check["teeth"] = result.teeth.value
        check["refutation"] = result.refutation
    return check
