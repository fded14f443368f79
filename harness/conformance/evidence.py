"""What a run hands over about a check: frozen values that travel between processes as plain JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from harness.vocabulary.judging import Level, Outcome

Json = Mapping[str, object]
"""An object of JSON, as it is written to a report or sent by a worker."""


class Teeth(StrEnum):
    """What a run with `--refute` found out about a check."""

    REFUTED = "refuted"
    """The check noticed what refutes it: it can fail."""
    TOOTHLESS = "toothless"
    """The check did not notice: what it says about a server proves nothing."""
    UNPROVEN = "unproven"
    """It could not be tried: unsupported by the target, or not conforming even without the refutation."""


class Notice(StrEnum):
    """What became of a fault that was put before a check, in a run of `mailproof teeth`."""

    CAUGHT = "caught"
    """The check conforms without the fault, and does not with it."""
    UNNOTICED = "unnoticed"
    UNTRIED = "untried"
    """It could not be tried: what the check needs is not there."""
    UNSOUND = "unsound"
    """Nothing follows: the check does not conform without a fault, or through a proxy that does nothing."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault before one check."""

    fault: str
    """Its name in `harness.vocabulary.faults`."""
    notice: Notice
    said: str
    """What the check said with the fault in the way, or why it was not tried; one line."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a dialogue."""

    mark: str
    """`C`, `S`, `TLS` or `END`, as in `harness.transport.transcript.Kind`."""
    octets: bytes
    at_s: float
    """Seconds since the connection began."""


ASIDE = ", to put in place or read back"
"""How the peer's name ends where a connection is not what a check is about."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said on one connection."""

    peer: str
    text: str
    """A line `C: ...` or `S: ...` for each line on the wire."""
    turns: tuple[Turn, ...] = ()
    """The same as octets with times; empty where they are too many to hand over."""

    @property
    def aside(self) -> bool:
        """Whether the connection only put something in place, or read it back."""
        return self.peer.endswith(ASIDE)


@dataclass(frozen=True, slots=True)
class Example:
    """What it takes to run exactly the example that failed again; `harness.conformance.replaying` does it."""

    case: str = ""
    """The case of a parametrised check; empty where there is only one."""
    choices: str = ""
    """Hypothesis' choices, as `hypothesis.reproduce_failure` takes them; empty where nothing was drawn."""
    hypothesis: str = ""
    """The version of Hypothesis that made them, which alone can read them for certain."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an outcome is what it is; the parts are shown in the order of the fields."""

    reason: str = ""
    """One line, where there is nothing to compare: why unsupported, inconclusive or waived."""
    expected: str = ""
    actual: str = ""
    note: str = ""
    """How the finding was come by, where that matters: inferred from a time-out, flaky."""
    input: tuple[str, ...] = ()
    """The shrunk input, a line `name = literal` for each argument."""
    dialogues: tuple[Dialogue, ...] = ()
    observations: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Facts noted by `observe`: key and distinct values."""
    traceback: str = ""
    """Of an error of our own."""
    replay: str = ""
    """The command line that runs this again."""
    example: Example | None = None
    """What `mailproof replay` runs again; None where no example failed."""


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """A check as it is declared."""

    id: str
    title: str
    level: Level
    statement: str
    source: str
    group: str
    """The group word that selects it: smtp, lmtp, pop3, imap, relay, mda, journeys, hazards."""
    cases: int = 1
    """How many parametrised cases make up the check."""
    also: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The first part of the id, by which reports group: `rfc5321`, `hazard`."""
        return self.id.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case of a check came to; a check without parameters has one case."""

    outcome: Outcome
    seconds: float
    examples: int
    evidence: Evidence = field(default_factory=Evidence)
    case: str = ""
    silenced: bool = False
    """The server answered nobody any more when the case ended."""
    teeth: Teeth | None = None
    refutation: str = ""
    """What refuted it, or failed to, in words; only in a run with `--refute`."""
    notes: tuple[str, ...] = ()
    """What came out about the server meanwhile, for the end of the run: a limit, a delay, greylisting."""
    trials: tuple[Trial, ...] = ()
    """The faults that were put before it; only in a run of `mailproof teeth`."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check came to."""

    info: CheckInfo
    outcome: Outcome
    seconds: float
    examples: int
    evidence: Evidence
    teeth: Teeth | None = None
    refutation: str = ""


_GRAVITY = (
    Outcome.VIOLATES,
    Outcome.EXPLOITABLE,
    Outcome.DEVIATES,
    Outcome.ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.WAIVED,
    Outcome.OBSERVED,
    Outcome.CONFORMS,
    Outcome.NOT_EXPLOITABLE,
    Outcome.UNSUPPORTED,
)
_TEETH_GRAVITY = (Teeth.TOOTHLESS, Teeth.REFUTED, Teeth.UNPROVEN)


_NOTICES = (Notice.UNSOUND, Notice.CAUGHT, Notice.UNNOTICED, Notice.UNTRIED)


def combine_trials(cases: Iterable[CaseResult]) -> tuple[Trial, ...]:
    """Make one trial for each fault of those of a check's cases: one case that catches it is enough.

    One case that is unsound makes the check so.
    """
    best: dict[str, Trial] = {}
    for case in cases:
        for trial in case.trials:
            known = best.setdefault(trial.fault, trial)
            if _NOTICES.index(trial.notice) < _NOTICES.index(known.notice):
                best[trial.fault] = trial
    return tuple(best.values())


def combine(info: CheckInfo, cases: tuple[CaseResult, ...]) -> CheckResult:
    """Make one result of all cases of a check: the gravest outcome with its evidence.

    A check whose cases are partly unsupported was judged by the others. Under `--refute` a check has teeth
    if all its tried cases have.
    """
    if not cases:
        nothing = Evidence(reason="interrupted before it was judged")
        return CheckResult(info, Outcome.INCONCLUSIVE, 0.0, 0, nothing)
    if any(case.teeth for case in cases):
        key = min(cases, key=lambda case: _TEETH_GRAVITY.index(case.teeth or Teeth.UNPROVEN))
    else:
        key = min(cases, key=lambda case: _GRAVITY.index(case.outcome))
    observations: dict[str, tuple[str, ...]] = {}
    for case in cases:
        for name, values in case.evidence.observations:
            known = observations.get(name, ())
            observations[name] = known + tuple(value for value in values if value not in known)
    return CheckResult(
        info,
        key.outcome,
        sum(case.seconds for case in cases),
        sum(case.examples for case in cases),
        replace(key.evidence, observations=tuple(observations.items())),
        key.teeth,
        key.refutation,
    )
