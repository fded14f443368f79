"""Shows that a check can fail: runs it through what its author says must make it fail."""

from dataclasses import replace

from harness.conformance.bench import Bench
from harness.conformance.declaration import Declaration
from harness.conformance.depth import CONTROL_EXAMPLES
from harness.conformance.evidence import CaseResult, Evidence, Teeth
from harness.conformance.judge import Case, judge
from harness.conformance.lifeline import Lifeline
from harness.conformance.outcomes import FINDINGS
from harness.conformance.verify import show
from harness.transport.tamper import Fault, Refutation, Rewrite, Rewrites
from harness.vocabulary.judging import Level, Outcome

CONFORMING = frozenset({Outcome.CONFORMS, Outcome.NOT_EXPLOITABLE, Outcome.OBSERVED})
"""What a check must come to without a refutation, so that noticing it means something."""


def refute(
    case: Case, declaration: Declaration, bench: Bench, lifeline: Lifeline, *, replay: str
) -> CaseResult:
    """Run the check without and with its refutation, and say whether it noticed.

    Noticed means a finding; a MAY, which has none, must observe something else.
    """
    refutation = declaration.refuted_by
    assert refutation is not None, "collection lets no check without a refutation through"
    words = describe(refutation)
    at_most = None if case.level is Level.MAY else CONTROL_EXAMPLES
    control = judge(
        case, bench.subject, lambda: lifeline.ask(declaration.needs), replay=replay, at_most=at_most
    )
    if control.outcome not in CONFORMING:
        return replace(control, teeth=Teeth.UNPROVEN, refutation=words)
    with bench.refuted(refutation) as subject:
        lack = subject.lacks(declaration.needs)
        if lack is not None:
            nothing = Evidence(reason=f"the server that refutes it lacks {lack}")
            return replace(
                control, outcome=Outcome.UNSUPPORTED, evidence=nothing, teeth=Teeth.UNPROVEN, refutation=words
            )
        tried = judge(
            case, subject, lambda: subject.ask_alive(declaration.needs), replay=replay, patient=False
        )
    return replace(
        tried,
        seconds=control.seconds + tried.seconds,
        examples=control.examples + tried.examples,
        teeth=Teeth.REFUTED if noticed(case.level, control, tried) else Teeth.TOOTHLESS,
        refutation=words,
        silenced=False,
    )


def describe(refutation: Refutation) -> str:
    """Return a refutation in words that fit a line."""
    match refutation:
        case Fault(name=name):
            return f"fault {name}"
        case Rewrite(side=side, pattern=pattern, replacement=replacement):
            new = show(replacement) if isinstance(replacement, bytes) else "a function of it"
            return f"the {side.value}'s {show(pattern)} made {new}"
        case Rewrites(rewrites=rewrites):
            return ", ".join(describe(one) for one in rewrites)
        case _:
            return f"script {type(refutation).__name__}"


def noticed(level: Level, control: CaseResult, tried: CaseResult) -> bool:
    """Say whether a check that conforms alone has noticed what was put before it."""
    if level is Level.MAY:
        facts = (tried.evidence.observations, tried.evidence.expected)
        return tried.outcome is Outcome.OBSERVED and facts != (
            control.evidence.observations,
            control.evidence.expected,
        )
    return tried.outcome in FINDINGS
