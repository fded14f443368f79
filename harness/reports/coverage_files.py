"""The committed snapshot of what is judged: `coverage.md` for people, `coverage.json` to compare with.

A requirement that loses its check, or a duty that turns up without one, changes the snapshot; the project's
tests fail until somebody has looked at the difference and renewed it.
"""

import json
import sys
from pathlib import Path

from harness.catalogue import load_catalogue
from harness.conformance.declared import declared_checks
from harness.reports.coverage import Coverage, Standing, Tally, coverage_of

RENEW = "nox -s catalogue -- --snapshot"

_HEAD = f"""\
# What is judged

Made from the catalogue and the suites by `{RENEW}`; a test fails where it is
out of date. `mailproof catalogue rfc5321/4.5` shows the sentences themselves, `... --gaps` what
is open.

A *duty* is the server's, and demanded (MUST, SHOULD, or in prose). Of the *visible* ones, which show on a
connection or in the delivered mail, each is *judged* by a check, or there is a *reason* why none does, or it
is *replaced* (judged where the newer RFC says it), or it is *open*. *Surveyed* is what the server may do, and
what a check records of it. *Unreviewed* is what nobody has yet read with care.

| | sentences | duties | visible | judged | reason | replaced | open | surveyed | unreviewed |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"""


def coverage_files(coverage: Coverage) -> dict[str, str]:
    """Return the files of the snapshot, by name."""
    return {"coverage.md": _markdown(coverage), "coverage.json": _json(coverage)}


def _markdown(coverage: Coverage) -> str:
    rows, total = [], Tally()
    for folder in coverage.folders():
        rfc = coverage.catalogue.rfc_of(folder)
        if rfc is None:
            continue
        tally = coverage.tally(folder)
        total += tally
        title = rfc.title.replace("|", "\\|")
        rows.append(_row(f"[RFC {rfc.number}](https://www.rfc-editor.org/rfc/{folder}.html) {title}", tally))
    rows.append(_row("**all**", total))
    hazards = [position for position in coverage.positions if position.requirement.folder == "hazard"]
    judged = sum(position.standing is Standing.JUDGED for position in hazards)
    return f"{_HEAD}{''.join(rows)}\nOf {len(hazards)} hazards, which no RFC covers, {judged} are judged.\n"


def _row(title: str, tally: Tally) -> str:
    counts = (
        tally.sentences,
        tally.duties,
        tally.visible,
        tally.judged,
        tally.reasoned,
        tally.replaced,
        tally.open,
        tally.surveyed,
        tally.unreviewed,
    )
    return f"| {title} | {' | '.join(map(str, counts))} |\n"


def _json(coverage: Coverage) -> str:
    """Return the ids that are judged or open, a line each, so that a difference reads well."""
    standings = {
        folder: {
            standing.value: [
                position.requirement.id.removeprefix(f"{folder}/")
                for position in coverage.positions
                if position.requirement.folder == folder and position.standing is standing
            ]
            for standing in (Standing.JUDGED, Standing.OPEN)
        }
        for folder in coverage.folders()
    }
    return json.dumps(standings, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files into the directory that is named."""
    (directory,) = sys.argv[1:]
    for name, text in coverage_files(coverage_of(load_catalogue(), declared_checks())).items():
        (Path(directory) / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
