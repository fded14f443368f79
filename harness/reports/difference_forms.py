"""The difference of two runs as JSON, for machines, and as Markdown."""

import json
from collections.abc import Iterator

from harness.conformance.evidence import CheckResult, Json
from harness.reports.difference import Change, Difference, Kind
from harness.reports.matrix_forms import table
from harness.reports.pages.rows import said_of
from harness.reports.pages.visible import in_markdown
from harness.reports.pages.words import OUTCOMES
from harness.reports.run import Run

SCHEMA = 1
_LONGEST = 300


def difference_json(difference: Difference, *, strict: bool) -> str:
    """Return the difference as one JSON object of ASCII characters only."""
    report = {
        "schema": SCHEMA,
        "old": _run(difference.old),
        "new": _run(difference.new),
        "notes": list(difference.notes),
        "strict": strict,
        "exit_code": int(difference.exit_code(strict=strict)),
        "new_violations": [change.info.id for change in difference.new_violations],
        "unchanged": difference.unchanged,
        "changes": [_change(change) for change in difference.changes],
    }
    return json.dumps(report, indent=1, ensure_ascii=True) + "\n"


def _run(run: Run) -> Json:
    started = run.started
    return {
        "target": started.target,
        "version": started.version,
        "depth": started.depth,
        "seed": started.seed,
        "started": started.started.isoformat(timespec="seconds"),
        "checks": len(run.results),
    }


def _change(change: Change) -> Json:
    info = change.info
    return {
        "change": change.kind.value,
        "id": info.id,
        "level": info.level.value,
        "title": info.title,
        "requirement": info.statement,
        "source": info.source,
        "new_violation": change.is_new_violation,
        "old": _result(change.old),
        "new": _result(change.new),
    }


def _result(result: CheckResult | None) -> Json | None:
    return {"outcome": result.outcome.value, "said": said_of(result)} if result else None


def verdict_line(difference: Difference, *, strict: bool = False) -> str:
    """Say in one line what matters for CI."""
    count = len(difference.new_violations)
    if count:
        return "1 new violation" if count == 1 else f"{count} new violations"
    words = "no new violations" if difference.complete else "no new violations in what was judged"
    lost = sum(change.fails_strictly for change in difference.changes) if strict else 0
    return f"{words}, but {lost} that --strict counts" if lost else words


def outcome_text(result: CheckResult | None) -> str:
    """Return an outcome with its sign."""
    return "not judged" if result is None else f"{OUTCOMES[result.outcome].sign} {result.outcome.value}"


def difference_markdown(difference: Difference, *, strict: bool = False) -> str:
    """Return the difference as Markdown."""
    return "\n".join(_markdown(difference, strict=strict)) + "\n"


def _markdown(difference: Difference, *, strict: bool) -> Iterator[str]:
    yield f"## {in_markdown(difference.new.started.target)}: {verdict_line(difference, strict=strict)}\n"
    old, new = difference.old.started, difference.new.started
    yield f"From {old.started:%Y-%m-%d %H:%M} UTC to {new.started:%Y-%m-%d %H:%M} UTC.\n"
    for note in difference.notes:
        yield f"- **note**: {in_markdown(note)}"
    if difference.notes:
        yield ""
    for kind in Kind:
        changes = difference.of(kind)
        if changes:
            yield f"### {len(changes)} {kind.value}\n"
            yield from table(("requirement", "level", "old", "new", ""), map(_line, changes))
            yield ""
    yield f"{difference.unchanged} checks are as before."


def _line(change: Change) -> list[str]:
    said = change.said if len(change.said) <= _LONGEST else f"{change.said[:_LONGEST]}..."
    new = outcome_text(change.new)
    return [
        f"`{change.info.id}`<br>{in_markdown(change.info.title)}",
        change.info.level.value,
        outcome_text(change.old),
        f"**{new}**" if change.is_new_violation else new,
        in_markdown(said),
    ]
