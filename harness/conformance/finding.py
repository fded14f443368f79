"""What ends a check early: a finding about the target, or the reason why nothing can be said."""

from typing import NoReturn

from _pytest.outcomes import Skipped


class Finding(AssertionError):
    """The target did something else than the requirement allows."""

    def __init__(self, expected: str, actual: str, *, note: str = "") -> None:
        self.expected = expected
        self.actual = actual
        self.note = note
        super().__init__(expected, actual)

    def __str__(self) -> str:
        return f"expected {self.expected}; got {self.actual}"


class Unsupported(Skipped):
    """The target lacks what the check needs, which came out only while it ran."""


class Inconclusive(Skipped):
    """Nothing can be said about the target: its surroundings failed, not the thing under test."""


def unsupported(reason: str) -> NoReturn:
    """End the check: the target does not offer what it needs, and `reason` says what."""
    raise Unsupported(reason)


def inconclusive(reason: str) -> NoReturn:
    """End the check without a judgement; `reason` says what stood in the way."""
    raise Inconclusive(reason)
