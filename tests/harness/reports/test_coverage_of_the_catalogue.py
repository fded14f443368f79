"""How each requirement stands, and the committed snapshot of it."""

import json
from pathlib import Path

import pytest

from harness.catalogue import Catalogue, Requirement, Rfc, Side, Visibility, load_catalogue
from harness.conformance.declared import DeclaredCheck, declared_checks
from harness.reports.coverage import Coverage, Standing, Tally, coverage_of
from harness.reports.coverage_files import RENEW, coverage_files
from harness.vocabulary.judging import Level

DOCS = Path(__file__).parents[3] / "docs"


def entry(slug: str, level: Level = Level.MUST, side: Side = Side.SERVER, **more: object) -> Requirement:
    values = {"visibility": Visibility.CONNECTION, **more}
    return Requirement(f"rfc5321/2/{slug}", level, side, "It is so.", "RFC 5321 §2", **values)


ENTRIES = (
    entry("judged", digests=("a" * 16,)),
    entry("twin", visibility=None, digests=("a" * 16, "b" * 16)),
    entry("surveyed", Level.MAY),
    entry("open", side=Side.BOTH),
    entry("reasoned", reason="takes a day"),
    entry("replaced", replaced_by="rfc9051/2/new"),
    entry("free", Level.MAY),
    entry("hidden", visibility=Visibility.HIDDEN, reason="on disk"),
    entry("client", side=Side.CLIENT),
    entry("operator", side=Side.OPERATOR, visibility=Visibility.HIDDEN, reason="policy"),
    entry("unreviewed", visibility=None),
    Requirement("hazard/known", Level.HAZARD, Side.SERVER, "It holds.", "CVE-1"),
)
CHECKS = (
    DeclaredCheck("rfc5321/2/judged", ("rfc5321/2/twin",), "suites/rfc5321/test_s02.py", "test_it"),
    DeclaredCheck("rfc5321/2/surveyed", (), "suites/rfc5321/test_s02.py", "test_that"),
)


@pytest.fixture
def coverage() -> Coverage:
    catalogue = Catalogue(
        {one.id: one for one in ENTRIES},
        {5321: Rfc(5321, "Simple | Mail", "smtp")},
        {"rfc5321": {"c" * 16: "3: an example"}},
    )
    return coverage_of(catalogue, CHECKS)


def test_each_requirement_is_judged_or_has_its_reason(coverage):
    found = {one.requirement.id.split("/")[-1]: (one.standing, one.why) for one in coverage.positions}
    assert found == {
        "judged": (Standing.JUDGED, ""),
        "twin": (Standing.JUDGED, ""),
        "surveyed": (Standing.JUDGED, ""),
        "open": (Standing.OPEN, "no check yet"),
        "reasoned": (Standing.REASONED, "takes a day"),
        "replaced": (Standing.REPLACED, "replaced by rfc9051/2/new"),
        "free": (Standing.FREE, "the server is free"),
        "hidden": (Standing.HIDDEN, "on disk"),
        "client": (Standing.OTHERS, "a duty of the client"),
        "operator": (Standing.HIDDEN, "policy"),
        "unreviewed": (Standing.UNREVIEWED, "not reviewed yet"),
        "known": (Standing.OPEN, "no check yet"),
    }
    assert [one.checks[0].place for one in coverage.positions[:2]] == [
        "suites/rfc5321/test_s02.py::test_it"
    ] * 2


def test_the_counts_add_up(coverage):
    tally = coverage.tally("rfc5321")
    assert tally == Tally(
        sentences=12,  # a, b, c, and the nine entries without a digest
        entries=11,
        duties=7,
        visible=5,
        judged=2,
        reasoned=1,
        replaced=1,
        open=1,
        surveyed=1,
        unreviewed=2,
    )
    assert tally.visible == tally.judged + tally.reasoned + tally.replaced + tally.open
    assert tally + tally == Tally(24, 22, 14, 10, 4, 2, 2, 2, 2, 4)


def test_a_part_has_only_what_is_meant(coverage):
    part = coverage.only(lambda one: one.startswith("rfc5321/3"))
    assert (part.positions, [one.reason for one in part.no_duties]) == ([], ["an example"])
    part = coverage.only(lambda one: one == "rfc5321/2/open")
    assert (part.folders(), part.no_duties) == (["rfc5321"], [])


def test_the_files_have_what_is_judged_and_open(coverage):
    files = coverage_files(coverage)
    assert json.loads(files["coverage.json"])["rfc5321"] == {
        "judged": ["2/judged", "2/twin", "2/surveyed"],
        "open": ["2/open"],
    }
    assert (
        r"RFC 5321](https://www.rfc-editor.org/rfc/rfc5321.html) Simple \| Mail | 12 | 7 | 5 |"
        in files["coverage.md"]
    )
    assert "Of 1 hazards, which no RFC covers, 0 are judged." in files["coverage.md"]


def test_the_snapshot_is_what_somebody_has_looked_at():
    files = coverage_files(coverage_of(load_catalogue(), declared_checks()))
    for name, text in files.items():
        path = DOCS / name
        is_current = path.exists() and path.read_text("utf-8") == text
        assert is_current, f"docs/{name} is out of date: {RENEW}; then look at the difference (git diff docs)"


def test_every_check_of_the_suites_is_declared_once_with_known_ids():
    checks = declared_checks()
    catalogue = load_catalogue()
    assert len({check.id for check in checks}) == len(checks) > 400
    assert all(catalogue.find(one) is not None for check in checks for one in check.ids)


def test_what_a_check_judges_is_told_in_our_own_words():
    catalogue = load_catalogue()
    silent = [
        one for check in declared_checks() for one in check.ids if not catalogue.requirements[one].statement
    ]
    assert not silent, "give each a statement: it stands in the reports"
