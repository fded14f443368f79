"""The catalogue: what is in it reads well, and what is wrong in it has a line that says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogue import (
    CatalogueError,
    Requirement,
    Severity,
    Side,
    Visibility,
    load_catalogue,
    source_of,
)
from harness.catalogue.requirements import HAZARD_ID, RFC_ID
from harness.vocabulary.judging import Level

INDEX = '[rfc5321]\ntitle = "Simple Mail Transfer Protocol"\ngroup = "smtp"\n'
ENTRY = '["4.5.2/remove-one-dot"]\nlevel = "MUST"\nside = "server"\nstatement = "One dot goes."\n'
SEEN = ENTRY + 'visibility = "connection"\n'
HAZARD = '[smuggling]\nstatement = "Bare LF ends nothing."\nsource = "CVE-2023-51764"\nseverity = "high"\n'


def write(
    directory: Path, *, index: str = INDEX, rfc: str = ENTRY, name: str = "rfc5321", hazards: str = HAZARD
) -> Path:
    (directory / "rfc").mkdir()
    (directory / "index.toml").write_text(index)
    (directory / "rfc" / f"{name}.toml").write_text(rfc)
    (directory / "hazards.toml").write_text(hazards)
    return directory


def test_entries_and_hazards_become_values(tmp_path):
    catalogue = load_catalogue(write(tmp_path))
    assert catalogue.find("rfc5321/4.5.2/remove-one-dot") == Requirement(
        id="rfc5321/4.5.2/remove-one-dot",
        level=Level.MUST,
        side=Side.SERVER,
        statement="One dot goes.",
        source="RFC 5321 §4.5.2",
    )
    hazard = catalogue.requirements["hazard/smuggling"]
    assert (hazard.level, hazard.severity, hazard.source) == (Level.HAZARD, Severity.HIGH, "CVE-2023-51764")
    assert catalogue.rfc_of("rfc5321").title == "Simple Mail Transfer Protocol"
    assert catalogue.rfc_of("rfc99") is None
    assert catalogue.rfc_of("journeys") is None
    assert catalogue.find("rfc5321/4.5.2/remove-two-dots") is None
    assert catalogue.similar("rfc5321/4.5.2/remove-one-dots") == ("rfc5321/4.5.2/remove-one-dot",)


def test_an_entry_says_how_it_is_seen_and_by_which_sentences(tmp_path):
    more = """
["4.5.2/logged"]
level = "MUST"
side = "server"
visibility = "hidden"
reason = "it is in the server's log"
digest = ["0123456789abcdef", "fedcba9876543210"]
replaced_by = "rfc5321/4.5.2/remove-one-dot"

["4.5.2/waits"]
level = "MAY"
side = "server"
visibility = "connection"
digest = "0123456789abcdef"

[no-duty]
"00112233445566ff" = "4.5.2: an example"
"""
    catalogue = load_catalogue(write(tmp_path, rfc=ENTRY + more))
    dot, logged, waits = (
        catalogue.requirements[f"rfc5321/4.5.2/{slug}"] for slug in ("remove-one-dot", "logged", "waits")
    )
    assert (logged.visibility, logged.reason) == (Visibility.HIDDEN, "it is in the server's log")
    assert logged.digests == ("0123456789abcdef", "fedcba9876543210")
    assert logged.replaced_by == dot.id
    assert (logged.statement, waits.statement) == ("", "")
    assert [one.is_reviewed for one in (dot, logged, waits)] == [False, True, True]
    assert [one.binds_server for one in (dot, logged, waits)] == [True, True, False]
    assert [one.is_visible for one in (dot, logged, waits)] == [False, False, True]
    assert not any(one.needs_statement for one in (dot, logged, waits))
    assert catalogue.no_duties["rfc5321"] == {"00112233445566ff": "4.5.2: an example"}
    assert catalogue.requirements["hazard/smuggling"].is_reviewed


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rfc": ENTRY.replace("4.5.2/", "")}, 'an entry is named SECTION/slug, as ["4.5.2/remove-one-dot"]'),
        ({"rfc": ENTRY.replace("4.5.2", "4.05.x")}, "an entry is named SECTION/slug"),
        ({"rfc": ENTRY.replace("MUST", "MUSS")}, "level must be one of MUST, MUST NOT, SHOULD"),
        ({"rfc": ENTRY.replace("MUST", "hazard")}, "hazards have a file of their own"),
        ({"rfc": ENTRY.replace('"server"', '"waiter"')}, "side must be one of server, client, both"),
        ({"rfc": ENTRY.replace('"One dot goes."', '""')}, "statement must be a text"),
        (
            {"rfc": ENTRY.replace("statement", "visibility")},
            "visibility must be one of connection, delivery, hidden",
        ),
        ({"rfc": ENTRY + 'visibility = "hidden"\n'}, 'what is hidden has a reason = "..."'),
        (
            {"rfc": SEEN.replace('statement = "One dot goes."\n', "")},
            "is told in our own words: statement = ",
        ),
        ({"rfc": ENTRY + 'digest = "0123"\n'}, 'digest is 16 digits, or several of them: digest = ["01'),
        ({"rfc": ENTRY + "digest = [1]\n"}, "digest is 16 digits, or several"),
        ({"rfc": ENTRY + "digest = 1\n"}, "digest is 16 digits, or several"),
        ({"rfc": ENTRY + 'replaced_by = "9051"\n'}, "replaced_by is the id of an entry"),
        (
            {"rfc": ENTRY + 'replaced_by = "rfc5321/4.5.2/remove-two-dots"\n'},
            "; did you mean rfc5321/4.5.2/remove-one-dot?",
        ),
        ({"rfc": '[no-duty]\n"0123" = "2.1: a word"\n'}, "a line is 16 digits and a reason"),
        ({"rfc": '[no-duty]\n"0123456789abcdef" = 3\n'}, "a line is 16 digits and a reason"),
        ({"rfc": ENTRY + "priority = 3\n"}, "unknown key priority"),
        ({"rfc": '"4.5.2/remove-one-dot" = 3\n'}, "must be a table"),
        ({"rfc": ENTRY + ENTRY}, "rfc5321.toml: "),
        ({"name": "rfc5322"}, "add rfc5322 to "),
        ({"name": "smtp"}, "add smtp to "),
        ({"index": '[smtp]\ntitle = "x"\ngroup = "smtp"\n'}, "the index has one table per RFC"),
        ({"index": INDEX + 'replaced_by = "9051"\n'}, "replaced_by must be the number of an RFC"),
        ({"hazards": HAZARD.replace("[smuggling]", '["Smug Ling"]')}, "a hazard is named by a slug"),
        (
            {"hazards": HAZARD.replace('"high"', '"huge"')},
            "severity must be one of low, medium, high, critical",
        ),
    ],
)
def test_a_mistake_names_the_file_and_the_mend(tmp_path, changes, complaint):
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(write(tmp_path, **changes))
    assert complaint in str(caught.value)
    assert str(tmp_path) in str(caught.value) or "rfc5321/4.5.2/remove-one-dot is replaced_by" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


def test_our_own_catalogue_is_well_formed_and_in_the_order_of_the_rfcs():
    catalogue = load_catalogue()
    ids = list(catalogue.requirements)
    assert "rfc5321/4.5.2/remove-one-dot" in ids
    assert all(RFC_ID.fullmatch(one) or HAZARD_ID.fullmatch(one) for one in ids)
    assert all(one.statement.endswith(".") for one in catalogue if one.statement or not one.is_reviewed)
    numbers = [int(one.split("/")[0].removeprefix("rfc")) for one in ids if one.startswith("rfc")]
    assert numbers == sorted(numbers)
    for rfc in catalogue.rfcs.values():
        assert rfc.replaced_by is None or rfc.replaced_by in catalogue.rfcs


def test_sections_are_named_as_in_the_rfc():
    assert source_of("rfc5321/4.5.2/remove-one-dot") == "RFC 5321 §4.5.2"
    assert source_of("rfc3501/A.1/slug") == "RFC 3501 appendix A.1"
    with pytest.raises(ValueError, match="not the id"):
        source_of("hazard/slug")


sections = st.lists(st.integers(0, 30), min_size=1, max_size=5)


@given(one=sections, other=sections)
def test_sections_sort_as_numbers(one, other):
    def key(section):
        text = ".".join(map(str, section))
        return Requirement(f"rfc1/{text}/x", Level.MUST, Side.SERVER, "x", "x").sort_key()

    assert (key(one) < key(other)) == (one < other)
