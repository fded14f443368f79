"""Results and events as plain JSON and back: what workers send, what the record and the JSON report show.

Octets are written as text with one character per octet (ISO 8859-1), so that nothing is lost. A key that is
not known here is passed over, and a key that is missing has its default: so records of this schema are read
by older and by newer versions.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    Event,
    FaultTried,
    RunFinished,
    RunStarted,
)
from harness.conformance.evidence import (
    CaseResult,
    CheckInfo,
    CheckResult,
    Dialogue,
    Evidence,
    Example,
    Json,
    Notice,
    Teeth,
    Trial,
    Turn,
)
from harness.vocabulary.judging import Level, Outcome

SCHEMA = 1
"""The version of what is written here; `harness/reports/schema/run-1.json` describes it."""

_PLAIN: Mapping[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}


def event_to_json(event: Event) -> Json:
    """Return an event of the run, as a line of its record; the key `event` says which."""
    match event:
        case RunStarted():
            return {
                "event": "run-started",
                "schema": SCHEMA,
                **_fields(event),
                "started": event.started.isoformat(),
                "checks": [info_to_json(info) for info in event.checks],
                "faults": list(event.faults),
            }
        case CheckListed(info, lacks):
            return {"event": "check-listed", "check": info_to_json(info), "lacks": lacks}
        case CheckStarted(info):
            return {"event": "check-started", "check": info_to_json(info)}
        case FaultTried(check, trial):
            return {"event": "fault-tried", "check": check, **trial_to_json(trial)}
        case CheckFinished(result):
            return {"event": "check-finished", **result_to_json(result)}
        case RunFinished():
            return {
                "event": "run-finished",
                **_fields(event),
                "notes": list(event.notes),
                "waiver_notes": list(event.waiver_notes),
            }


def event_from_json(data: Any) -> Event:
    """Return the inverse of `event_to_json`."""
    match data["event"]:
        case "run-started":
            checks = tuple(info_from_json(info) for info in data["checks"])
            started = datetime.fromisoformat(data["started"])
            faults = tuple(data.get("faults", ()))
            known = _known(RunStarted, data)
            return RunStarted(**{**known, "started": started, "checks": checks, "faults": faults})
        case "check-listed":
            return CheckListed(info_from_json(data["check"]), data["lacks"])
        case "check-started":
            return CheckStarted(info_from_json(data["check"]))
        case "fault-tried":
            return FaultTried(data["check"], trial_from_json(data))
        case "check-finished":
            return CheckFinished(result_from_json(data))
        case "run-finished":
            notes = {key: tuple(data[key]) for key in ("notes", "waiver_notes")}
            return RunFinished(**{**_known(RunFinished, data), **notes})
        case other:
            message = f"there is no event {other!r}"
            raise ValueError(message)


def result_to_json(result: CheckResult) -> Json:
    """Return what a check came to."""
    return {
        "check": info_to_json(result.info),
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 6),
        "examples": result.examples,
        "evidence": evidence_to_json(result.evidence),
        "teeth": result.teeth.value if result.teeth else None,
        "refutation": result.refutation,
    }


def result_from_json(data: Any) -> CheckResult:
    """Return the inverse of `result_to_json`."""
    return CheckResult(
        **{
            **_known(CheckResult, data),
            "info": info_from_json(data["check"]),
            "outcome": Outcome(data["outcome"]),
            "evidence": evidence_from_json(data["evidence"]),
            "teeth": Teeth(data["teeth"]) if data.get("teeth") else None,
        }
    )


def info_to_json(info: CheckInfo) -> Json:
    """Return what is declared about a check."""
    return {**dataclasses.asdict(info), "level": info.level.value, "also": list(info.also)}


def info_from_json(data: Any) -> CheckInfo:
    """Return the inverse of `info_to_json`."""
    return CheckInfo(
        **{**_known(CheckInfo, data), "level": Level(data["level"]), "also": tuple(data["also"])}
    )


def case_to_json(result: CaseResult) -> Json:
    """Return a case's result."""
    return {
        "outcome": result.outcome.value,
        "seconds": result.seconds,
        "examples": result.examples,
        "evidence": evidence_to_json(result.evidence),
        "case": result.case,
        "silenced": result.silenced,
        "teeth": result.teeth.value if result.teeth else None,
        "refutation": result.refutation,
        "notes": list(result.notes),
        "trials": [trial_to_json(trial) for trial in result.trials],
    }


def case_from_json(data: Any) -> CaseResult:
    """Return the inverse of `case_to_json`."""
    return CaseResult(
        **{
            **_known(CaseResult, data),
            "outcome": Outcome(data["outcome"]),
            "evidence": evidence_from_json(data["evidence"]),
            "teeth": Teeth(data["teeth"]) if data["teeth"] else None,
            "notes": tuple(data.get("notes", ())),
            "trials": tuple(trial_from_json(trial) for trial in data.get("trials", ())),
        }
    )


def trial_to_json(trial: Trial) -> Json:
    """Return what became of a fault before a check."""
    return {"fault": trial.fault, "notice": trial.notice.value, "said": trial.said}


def trial_from_json(data: Any) -> Trial:
    """Return the inverse of `trial_to_json`."""
    return Trial(data["fault"], Notice(data["notice"]), data["said"])


def evidence_to_json(evidence: Evidence) -> Json:
    """Return the evidence, in the order in which it is read."""
    return {
        "reason": evidence.reason,
        "expected": evidence.expected,
        "actual": evidence.actual,
        "note": evidence.note,
        "input": list(evidence.input),
        "dialogues": [_dialogue_to_json(dialogue) for dialogue in evidence.dialogues],
        "observations": {key: list(values) for key, values in evidence.observations},
        "traceback": evidence.traceback,
        "replay": evidence.replay,
        "example": dataclasses.asdict(evidence.example) if evidence.example else None,
    }


def evidence_from_json(data: Any) -> Evidence:
    """Return the inverse of `evidence_to_json`."""
    return Evidence(
        **{
            **_known(Evidence, data),
            "input": tuple(data["input"]),
            "dialogues": tuple(_dialogue_from_json(dialogue) for dialogue in data["dialogues"]),
            "observations": tuple((key, tuple(values)) for key, values in data["observations"].items()),
            "example": Example(**_known(Example, data["example"])) if data.get("example") else None,
        }
    )


def _dialogue_to_json(dialogue: Dialogue) -> Json:
    return {
        "peer": dialogue.peer,
        "text": dialogue.text,
        "turns": [
            {"mark": turn.mark, "octets": turn.octets.decode("latin-1"), "at_s": round(turn.at_s, 6)}
            for turn in dialogue.turns
        ],
    }


def _dialogue_from_json(data: Any) -> Dialogue:
    turns = (Turn(turn["mark"], turn["octets"].encode("latin-1"), turn["at_s"]) for turn in data["turns"])
    return Dialogue(data["peer"], data["text"], tuple(turns))


def _fields(value: Any) -> Json:
    """Return the fields of a dataclass by their names, as they are."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _known(kind: Any, data: Json) -> dict[str, Any]:
    """Return what of `data` are fields of this dataclass, plain values only if they are of its type."""
    known = {field.name: data[field.name] for field in dataclasses.fields(kind) if field.name in data}
    for field in dataclasses.fields(kind):
        plain = _PLAIN.get(field.type, (object,))
        if field.name in known and not isinstance(known[field.name], plain):
            message = f"{field.name!r} is not of the type {plain[0].__name__}"
            raise ValueError(message)
    return known
