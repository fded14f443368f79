"""Facts that a check notes without judging them: which of its freedoms the server uses."""

from contextvars import ContextVar

_MOST_VALUES = 20


class Observations:
    """What was noted during one run of a check: for each key the distinct values, in order of appearance."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def note(self, key: str, value: object) -> None:
        """Note that `key` had `value`; what comes again is kept once, and of many the first twenty."""
        known = self._values.setdefault(key, [])
        text = _words(value)
        if text not in known and len(known) < _MOST_VALUES:
            known.append(text)

    def facts(self) -> dict[str, tuple[str, ...]]:
        """Return what was noted."""
        return {key: tuple(values) for key, values in self._values.items()}


def _words(value: object) -> str:
    """Return a fact as reports show and compare it: a word, a number, or a literal of Python."""
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case str():
            return value
        case _:
            return repr(value)


current: ContextVar[Observations | None] = ContextVar("mailproof_observations", default=None)
"""The observations of the check that is running, or None outside of a check."""


def observe(key: str, value: object) -> None:
    """Note a fact about the target, as `observe("reply to VRFY", reply.code)`; it is reported, never judged.

    A check of a MAY observes what its refutation would change; outside of a running check nothing happens.
    Reports compare servers and runs by these facts: the key says in words what was looked at, and is the same
    in every run; the value is a short word or number that depends on the server alone, never on the example,
    the time or an address.
    """
    observations = current.get()
    if observations is not None:
        observations.note(key, value)
