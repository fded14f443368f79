"""Which checks a user asks for: group words, and prefixes of requirement ids."""

from collections.abc import Collection, Sequence

from harness.conformance.evidence import CheckInfo
from harness.vocabulary.errors import UsageError

GROUPS = ("smtp", "lmtp", "pop3", "imap", "relay", "mda", "journeys", "hazards")


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
    return any(_is_prefix(selector, one) for one in (check.id, *check.also))


def verify_selectors(selectors: Sequence[str], checks: Collection[CheckInfo]) -> None:
    """Raise `UsageError` for the first selector that means none of the checks."""
    for selector in selectors:
        if not any(matches(check, selector) for check in checks):
            raise _selects_nothing(selector)


def verify_known(selectors: Sequence[str], requirement_ids: Collection[str]) -> None:
    """Raise `UsageError` for the first selector that can mean no check at all, before anything is started."""
    for selector in selectors:
        if selector not in GROUPS and not any(_is_prefix(selector, one) for one in requirement_ids):
            raise _selects_nothing(selector)


def _selects_nothing(selector: str) -> UsageError:
    return UsageError(
        f"{selector!r} selects no check; give the beginning of a requirement's id, as rfc5321/4.5, "
        f"or one of {', '.join(GROUPS)} (mailproof check --list shows all)"
    )


def _is_prefix(selector: str, requirement_id: str) -> bool:
    if selector.endswith("/"):
        return requirement_id.startswith(selector)
    rest = requirement_id.removeprefix(selector)
    return requirement_id.startswith(selector) and (not rest or rest[0] in "/.")
