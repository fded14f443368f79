"""How thoroughly properties are tried, and how Hypothesis is set up for a conversation with a server."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import hypothesis
from hypothesis.internal.conjecture import engine

SHRINKING_S = 20
"""For so long at most a check looks for a smaller input that still fails."""

REFUTATION_EXAMPLES = 25
"""As many examples at least does a refutation get before it counts as unnoticed."""

CONTROL_EXAMPLES = 5
"""As many examples does a check get to show that it conforms without its refutation."""

_PROFILE = "mailproof"


class Depth(StrEnum):
    """How many examples each property gets."""

    QUICK = "quick"
    NORMAL = "normal"
    DEEP = "deep"


@dataclass(frozen=True, slots=True)
class Effort:
    """What a depth means in numbers."""

    examples: int
    steps: int
    """Of a state machine."""


EFFORTS = {
    Depth.QUICK: Effort(examples=5, steps=10),
    Depth.NORMAL: Effort(examples=25, steps=30),
    Depth.DEEP: Effort(examples=300, steps=100),
}


def settings_for(depth: Depth, *, refute: bool = False) -> hypothesis.settings:
    """Return Hypothesis' settings: no deadline and no database, since a server's pace and state are its own.

    A failure comes with the choices that led to it (`print_blob`), which are recorded.

    A refutation only has to be noticed, so nothing is shrunk there.
    """
    effort = EFFORTS[depth]
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    if not refute:
        phases.append(hypothesis.Phase.shrink)
    return hypothesis.settings(
        max_examples=max(effort.examples, REFUTATION_EXAMPLES) if refute else effort.examples,
        stateful_step_count=effort.steps,
        phases=phases,
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=True,
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.normal,
        suppress_health_check=[
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.data_too_large,
            hypothesis.HealthCheck.large_base_example,
        ],
    )


@contextmanager
def hypothesis_set_up(depth: Depth, *, refute: bool = False) -> Iterator[None]:
    """Make these settings the default while suites are imported and run, and put back what was there.

    Settings are taken when `@given` decorates, so this has to begin before the suites are collected.
    """
    before = hypothesis.settings.get_current_profile_name()
    shrinking_s = engine.MAX_SHRINKING_SECONDS
    hypothesis.settings.register_profile(_PROFILE, settings_for(depth, refute=refute))
    hypothesis.settings.load_profile(_PROFILE)
    engine.MAX_SHRINKING_SECONDS = SHRINKING_S
    try:
        yield
    finally:
        engine.MAX_SHRINKING_SECONDS = shrinking_s
        hypothesis.settings.load_profile(before)


def seed_of(run_seed: int, check_id: str) -> int:
    """Return a check's own seed: the same whatever else is selected, so that it replays alone."""
    digest = hashlib.sha256(f"{run_seed}/{check_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
