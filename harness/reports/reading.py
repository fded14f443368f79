"""Reads a run from either of its files: the record of its events, or its report as one JSON object."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.conformance import codec
from harness.conformance.events import RunFinished, RunStarted
from harness.conformance.evidence import CheckInfo, CheckResult, Teeth
from harness.reports.json_report import SCHEMA
from harness.reports.run import Run, load_run
from harness.vocabulary.errors import UsageError
from harness.vocabulary.judging import Level, Outcome


def read_run(path: Path) -> Run:
    """Return the run of a record (`--record`) or a report (`--json`); anything else is a `UsageError`."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name the record of a run") from None
    report = _report_in(octets)
    if report is None:
        return load_run(path)
    if report["schema"] != SCHEMA:
        raise UsageError(
            f"{path}: is a report of schema {report['schema']!r}, this mailproof knows {SCHEMA}; update it"
        )
    try:
        return _run_of(report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else error
        raise UsageError(f"{path}: is damaged ({problem}); take an undamaged copy") from None


def _report_in(octets: bytes) -> dict[str, Any] | None:
    """Return the report that the octets are; None if they are something else."""
    try:
        report = json.loads(octets)
    except ValueError:
        return None
    if not isinstance(report, dict) or "event" in report:
        return None  # a record whose run was killed after its first line is an object too
    return report if {"schema", "checks", "target"} <= report.keys() else None


def _run_of(report: dict[str, Any]) -> Run:
    results = tuple(map(_result, report["checks"]))
    started = RunStarted(
        version=report["version"],
        target=report["target"],
        target_file=report["target_file"],
        seed=report["seed"],
        depth=report["depth"],
        refute=report["refute"],
        strict=report["strict"],
        started=datetime.fromisoformat(report["started"]),
        checks=tuple(result.info for result in results),
        workers=report["workers"],
    )
    finished = RunFinished(
        seconds=report["seconds"],
        interrupted=report["interrupted"],
        problem=report["problem"],
        silence=report["silence"],
        notes=tuple(report["notes"]),
    )
    unfinished = tuple(report.get("unfinished", ()))
    return Run(started, results, None if unfinished else finished, unfinished)


def _result(check: dict[str, Any]) -> CheckResult:
    info = CheckInfo(
        id=check["id"],
        title=check["title"],
        level=Level(check["level"]),
        statement=check["requirement"],
        source=check["source"],
        group=check["group"],
        also=tuple(check["also"]),
    )
    teeth = check.get("teeth")
    return CheckResult(
        info,
        Outcome(check["outcome"]),
        check["seconds"],
        check["examples"],
        codec.evidence_from_json(check["evidence"]),
        Teeth(teeth) if teeth else None,
        check.get("refutation", ""),
    )
