"""From what ended a check to the word for it, by the level of its requirement."""

from harness.vocabulary.judging import Level, Outcome

FINDINGS = frozenset({Outcome.VIOLATES, Outcome.DEVIATES, Outcome.EXPLOITABLE})
"""Outcomes that say that the target did wrong; a waiver can cover them."""


def of_finding(level: Level) -> Outcome:
    """Return what a finding means at this level."""
    match level:
        case Level.MUST | Level.MUST_NOT | Level.PROSE:
            return Outcome.VIOLATES
        case Level.SHOULD | Level.SHOULD_NOT:
            return Outcome.DEVIATES
        case Level.MAY:
            return Outcome.OBSERVED
        case Level.HAZARD:
            return Outcome.EXPLOITABLE


def of_no_finding(level: Level) -> Outcome:
    """Return what it means at this level that the check went through."""
    match level:
        case Level.MAY:
            return Outcome.OBSERVED
        case Level.HAZARD:
            return Outcome.NOT_EXPLOITABLE
        case _:
            return Outcome.CONFORMS


def fails(outcome: Outcome, *, strict: bool) -> bool:
    """Say whether a test with this outcome has failed, in pytest's terms."""
    match outcome:
        case Outcome.VIOLATES | Outcome.EXPLOITABLE | Outcome.ERROR:
            return True
        case Outcome.DEVIATES:
            return strict
        case _:
            return False
