"""Results as plain JSON and back: how they come from a worker process, and what the JSON report shows.

Octets are written as text with one character per octet (ISO 8859-1), so that nothing is lost.
"""

import dataclasses
from typing import Any

from harness.conformance.evidence import CaseResult, CheckInfo, Dialogue, Evidence, Json, Teeth, Turn
from harness.vocabulary.judging import Level, Outcome


def info_to_json(info: CheckInfo) -> Json:
    """Return what is declared about a check."""
    return {**dataclasses.asdict(info), "level": info.level.value, "also": list(info.also)}


def info_from_json(data: Any) -> CheckInfo:
    """Return the inverse of `info_to_json`."""
    return CheckInfo(**{**data, "level": Level(data["level"]), "also": tuple(data["also"])})


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
    }


def case_from_json(data: Any) -> CaseResult:
    """Return the inverse of `case_to_json`."""
    return CaseResult(
        **{
            **data,
            "outcome": Outcome(data["outcome"]),
            "evidence": evidence_from_json(data["evidence"]),
            "teeth": Teeth(data["teeth"]) if data["teeth"] else None,
        }
    )


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
    }


def evidence_from_json(data: Any) -> Evidence:
    """Return the inverse of `evidence_to_json`."""
    return Evidence(
        **{
            **data,
            "input": tuple(data["input"]),
            "dialogues": tuple(_dialogue_from_json(dialogue) for dialogue in data["dialogues"]),
            "observations": tuple((key, tuple(values)) for key, values in data["observations"].items()),
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
