"""The run as one JSON object, for machines; its shape is versioned by `schema`."""

import json
from pathlib import Path

from harness.conformance import codec
from harness.conformance.events import CheckFinished, Event, RunFinished, RunStarted
from harness.conformance.evidence import CheckResult, Json
from harness.reports.summary import count_outcomes, exit_code

SCHEMA = 1


class JsonReport:
    """Listens to a run, and writes it down at its end, also when it was interrupted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started: RunStarted | None = None
        self._results: list[CheckResult] = []

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self._started = event
            case CheckFinished(result):
                self._results.append(result)
            case RunFinished() if self._started is not None:
                report = report_of(self._started, self._results, event)
                self._path.write_text(
                    json.dumps(report, indent=1, ensure_ascii=True) + "\n", encoding="ascii"
                )
            case _:
                pass


def report_of(started: RunStarted, results: list[CheckResult], finished: RunFinished) -> Json:
    """Return the whole report; checks are in the order of the suites, whoever was faster."""
    order = {info.id: place for place, info in enumerate(started.checks)}
    results = sorted(results, key=lambda result: order.get(result.info.id, len(order)))
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
        "seconds": round(finished.seconds, 3),
        "interrupted": finished.interrupted,
        "exit_code": int(exit_code(results, finished, strict=started.strict)),
        "problem": finished.problem,
        "silence": finished.silence,
        "notes": [*finished.notes, *finished.waiver_notes],
        "summary": {outcome.value: count for outcome, count in count_outcomes(results).items()},
        "checks": [_check(result) for result in results],
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
