"""Which checks a user asks for: group words, and prefixes of requirement ids."""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.conformance.evidence import CheckInfo
from harness.conformance.levels import Bar
from harness.vocabulary.errors import UsageError

GROUPS = ("smtp", "lmtp", "pop3", "imap", "relay", "mda", "journeys", "hazards")
_RFC = re.compile("^(?:rfc ?)?(?=[0-9])", re.IGNORECASE)
_SIMILAR = 0.75
_MOST_SIMILAR = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What is run of the checks that were collected."""

    ids: frozenset[str]
    note: str = ""
    """What the user should know of those that are not."""


def is_selected(check: CheckInfo, selectors: Collection[str]) -> bool:
    """Say whether any selector means this check; no selector at all means every check."""
    return not selectors or any(matches(check, selector) for selector in selectors)


def matches(check: CheckInfo, selector: str) -> bool:
    """Say whether `selector` is the check's group, or a prefix of its id (or of a twin's).

    A prefix ends at a border: `rfc5321/4.5` means `rfc5321/4.5/...` and `rfc5321/4.5.2/...`, never
    `rfc5321/4.50/...`.
    """
    if selector in GROUPS:
        return check.group == selector
    return any(is_prefix(selector, one) for one in (check.id, *check.also))


def verify_selectors(selectors: Sequence[str], checks: Collection[CheckInfo]) -> None:
    """Raise `UsageError` for the first selector that means none of the checks."""
    for selector in selectors:
        if not any(matches(check, selector) for check in checks):
            raise _selects_nothing(selector)


def choose(checks: Sequence[CheckInfo], selectors: Sequence[str], bar: Bar) -> Choice:
    """Return what is run; a selection that leaves nothing is a `UsageError`, never green."""
    verify_selectors(selectors, checks)
    selected = [check for check in checks if is_selected(check, selectors)]
    judged = [check for check in selected if bar.judges(check.level)]
    for selector in selectors:
        if not any(matches(check, selector) for check in judged):
            message = f"{selector!r} selects only checks of {bar.leaves_out}, which --level {bar} leaves out"
            raise UsageError(message)
    if selected and not judged:
        message = f"all checks are of {bar.leaves_out}, which --level {bar} leaves out"
        raise UsageError(message)
    left_out = len(selected) - len(judged)
    note = f"{_checks(left_out)} of {bar.leaves_out} left out by --level {bar}" if left_out else ""
    return Choice(frozenset(check.id for check in judged), note)


def verify_known(selectors: Sequence[str], requirement_ids: Collection[str]) -> None:
    """Raise `UsageError` for the first selector that can mean no check at all, before anything is started."""
    for selector in selectors:
        if selector not in GROUPS and not any(is_prefix(selector, one) for one in requirement_ids):
            raise _selects_nothing(selector, requirement_ids)


def with_rfc(selector: str) -> str:
    """Return a selector as ids have it, where people name an RFC by its number alone or in capitals."""
    return _RFC.sub("rfc", selector)


def _checks(count: int) -> str:
    return f"{count} check{'' if count == 1 else 's'}"


def _selects_nothing(selector: str, known: Collection[str] = ()) -> UsageError:
    similar = [one for one in known if one.startswith(selector)] if "/" in selector else []
    similar = similar or difflib.get_close_matches(selector, [*GROUPS, *known], cutoff=_SIMILAR)
    if similar:
        return UsageError(
            f"{selector!r} selects no check; did you mean {' or '.join(similar[:_MOST_SIMILAR])}?"
        )
    return UsageError(
        f"{selector!r} selects no check; give the beginning of a requirement's id, as rfc5321/4.5, or one of "
        f"{', '.join(GROUPS)} (mailproof check --list shows all, mailproof catalogue also what has no check)"
    )


def is_prefix(selector: str, requirement_id: str) -> bool:
    """Say whether the selector is the id, or its beginning up to a border."""
    if selector.endswith("/"):
        return requirement_id.startswith(selector)
    rest = requirement_id.removeprefix(selector)
    return requirement_id.startswith(selector) and (not rest or rest[0] in "/.")
