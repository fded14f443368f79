"""How a check is declared, run, judged and recorded; what suites import.

from harness.conformance import MUST, given, requirement, verify_reply
"""

from hypothesis import given

from harness.conformance.declaration import Declaration, declaration_of, requirement
from harness.conformance.finding import Finding, Inconclusive, Unsupported, inconclusive, unsupported
from harness.conformance.observations import observe
from harness.conformance.verify import (
    verify,
    verify_equal,
    verify_ok,
    verify_one_of,
    verify_raises,
    verify_refused,
    verify_reply,
)
from harness.vocabulary.judging import Level, Need, Offers

MUST = Level.MUST
MUST_NOT = Level.MUST_NOT
SHOULD = Level.SHOULD
SHOULD_NOT = Level.SHOULD_NOT
MAY = Level.MAY
PROSE = Level.PROSE
HAZARD = Level.HAZARD

__all__ = [
    "HAZARD",
    "MAY",
    "MUST",
    "MUST_NOT",
    "PROSE",
    "SHOULD",
    "SHOULD_NOT",
    "Declaration",
    "Finding",
    "Inconclusive",
    "Level",
    "Need",
    "Offers",
    "Unsupported",
    "declaration_of",
    "given",
    "inconclusive",
    "observe",
    "requirement",
    "unsupported",
    "verify",
    "verify_equal",
    "verify_ok",
    "verify_one_of",
    "verify_raises",
    "verify_refused",
    "verify_reply",
]
