"""The verdict on a run: the service level, the account of all messages, whether anything was run at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.vocabulary.exit_codes import ExitCode, gravest
from loadtests.ledger import Totals
from loadtests.profile_file import PERCENTILE_KEYS, Gate, ServiceLevel


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """What was measured of one kind of request."""

    protocol: str
    name: str
    count: int
    """All, failures too."""
    failures: int
    per_s: float
    octets: int
    """Received, altogether."""
    min_ms: float
    mean_ms: float
    max_ms: float
    percentiles_ms: Mapping[float, float]

    @property
    def title(self) -> str:
        """As gates name it: `SMTP text`."""
        return f"{self.protocol} {self.name}"

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for the report."""
        return {
            "protocol": self.protocol,
            "name": self.name,
            "count": self.count,
            "failures": self.failures,
            "per_s": round(self.per_s, 2),
            "octets": self.octets,
            "ms": {
                "min": round(self.min_ms, 3),
                "mean": round(self.mean_ms, 3),
                **{key: self.percentiles_ms[fraction] for key, fraction in PERCENTILE_KEYS.items()},
                "max": round(self.max_ms, 3),
            },
        }


@dataclass(frozen=True, slots=True)
class FailureFigures:
    """How often one kind of request failed for one reason."""

    protocol: str
    name: str
    error: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for the report."""
        return {"protocol": self.protocol, "name": self.name, "error": self.error, "count": self.count}


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of one gate of the service level."""

    gate: Gate
    measured_ms: float | None
    """None if that request was never made."""

    @property
    def met(self) -> bool:
        """Whether it was measured, and within the limit."""
        return self.measured_ms is not None and self.measured_ms <= self.gate.limit_ms

    def to_dict(self) -> dict[str, Any]:
        """Return the result for the report."""
        return {
            "request": self.gate.request,
            "percentile": self.gate.percentile,
            "limit_ms": self.gate.limit_ms,
            "measured_ms": self.measured_ms,
            "met": self.met,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement, with its reasons."""

    code: ExitCode
    reasons: tuple[str, ...]
    gates: tuple[GateResult, ...]

    @property
    def words(self) -> str:
        """The judgement in words."""
        match self.code:
            case ExitCode.CONFORMS:
                return "service level met"
            case ExitCode.VIOLATES:
                return "service level missed"
            case ExitCode.USAGE | ExitCode.INCONCLUSIVE:
                return "inconclusive"

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement for the report."""
        return {
            "outcome": self.words,
            "exit_code": int(self.code),
            "reasons": list(self.reasons),
            "gates": [gate.to_dict() for gate in self.gates],
        }


def judge(
    level: ServiceLevel,
    requests: Sequence[RequestFigures],
    failures: Sequence[FailureFigures],
    totals: Totals,
    troubles: Sequence[str] = (),
) -> Verdict:
    """Judge a run that has ended; `troubles` are what kept us from seeing all of it."""
    gates = tuple(GateResult(gate, _measured(gate, requests)) for gate in level.gates)
    if (blank := _nothing_to_judge(requests, failures)) is not None:
        return Verdict(ExitCode.INCONCLUSIVE, (blank, *troubles), gates)
    missed = _missed(level, requests, gates) + [
        f"{count} messages {name}" for name, count in totals.faults.items()
    ]
    blind = [f"no {gate.gate.request} was measured" for gate in gates if gate.measured_ms is None]
    blind += troubles
    codes = [ExitCode.VIOLATES] * bool(missed) + [ExitCode.INCONCLUSIVE] * bool(blind)
    return Verdict(gravest(codes), (*missed, *blind), gates)


def _nothing_to_judge(requests: Sequence[RequestFigures], failures: Sequence[FailureFigures]) -> str | None:
    count = sum(request.count for request in requests)
    if not count:
        return "nothing was executed"
    refused = sum(failure.count for failure in failures if failure.error.startswith("ConnectFailed"))
    if refused == count:
        return "the target is unreachable: " + failures[0].error.partition(": ")[2]
    return None


def _missed(
    level: ServiceLevel, requests: Sequence[RequestFigures], gates: Sequence[GateResult]
) -> list[str]:
    count = sum(request.count for request in requests)
    failed = sum(request.failures for request in requests)
    missed = []
    if failed / count > level.max_failure_ratio:
        missed.append(f"{failed} of {count} requests failed, more than {level.max_failure_ratio:.2%}")
    for result in gates:
        if result.measured_ms is not None and not result.met:
            gate = result.gate
            missed.append(
                f"{gate.request}: {gate.percentile:.4g} of all took up to {result.measured_ms:g} ms, "
                f"more than {gate.limit_ms:g} ms"
            )
    return missed


def _measured(gate: Gate, requests: Sequence[RequestFigures]) -> float | None:
    for request in requests:
        if request.title == gate.request and request.count > request.failures:
            return request.percentiles_ms[gate.percentile]
    return None
