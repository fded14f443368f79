"""Rules that hold in every conversation: judged on what all checks say and hear, whatever these are about.

A rule judges only what it understands. Where a check says something that is no command, as it may on purpose,
the rest of that conversation is left alone: a false alarm is worse than a gap.
"""

from harness.conformance.ambient.imap import (
    ASCENDING_UIDS,
    EXISTS_NEVER_SHRINKS,
    NO_EXPUNGE_DURING,
    STEADY_UIDS,
)
from harness.conformance.ambient.rule import Breach, Conversation, Rule
from harness.conformance.ambient.smtp import FIRST_DIGIT, NO_BARE_CODES
from harness.conformance.ambient.watch import Watch

RULES: tuple[Rule, ...] = (
    FIRST_DIGIT,
    NO_BARE_CODES,
    EXISTS_NEVER_SHRINKS,
    NO_EXPUNGE_DURING,
    ASCENDING_UIDS,
    STEADY_UIDS,
)
"""All rules; each judges the requirement of its id."""

__all__ = ["RULES", "Breach", "Conversation", "Rule", "Watch"]
