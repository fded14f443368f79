"""`mailproof catalogue` from the outside."""

import json

import pytest

import harness.cli.catalogue
from harness.catalogue import load_catalogue
from harness.cli.main import main
from harness.conformance.declared import DeclaredCheck

INDEX = '[rfc5321]\ntitle = "Mail"\ngroup = "smtp"\n\n[rfc9051]\ntitle = "IMAP"\ngroup = "imap"\n'
SMTP = """\
["4.5/dots"]
level = "MUST"
side = "server"
visibility = "connection"
statement = "Dots are kept."
digest = "0123456789abcdef"

["4.5.2/open"]
level = "SHOULD"
side = "server"
visibility = "delivery"
statement = "Lines are kept."

["4.5.2/disk"]
level = "MUST"
side = "server"
visibility = "hidden"
reason = "it is on disk"

["4.50/other"]
level = "MUST"
side = "client"

[no-duty]
"00112233445566ff" = "4.5.2: an example"
"""
IMAP = '["2/tag"]\nlevel = "MUST"\nside = "server"\nstatement = "Tags are told."\n'
HAZARD = '[smuggling]\nstatement = "Bare LF ends nothing."\nsource = "CVE-1"\nseverity = "high"\n'


@pytest.fixture(autouse=True)
def catalogue(tmp_path, monkeypatch):
    (tmp_path / "rfc").mkdir()
    (tmp_path / "index.toml").write_text(INDEX)
    (tmp_path / "hazards.toml").write_text(HAZARD)
    (tmp_path / "rfc" / "rfc5321.toml").write_text(SMTP)
    (tmp_path / "rfc" / "rfc9051.toml").write_text(IMAP)
    checks = (DeclaredCheck("rfc5321/4.5/dots", (), "suites/rfc5321/test_s04_05.py", "test_dots"),)
    monkeypatch.setattr(harness.cli.catalogue, "load_catalogue", lambda: load_catalogue(tmp_path))
    monkeypatch.setattr(harness.cli.catalogue, "declared_checks", lambda: checks)


def shown(capsys, *arguments):
    assert main(["catalogue", *arguments]) == 0
    return capsys.readouterr().out


def test_a_section_is_listed_with_what_is_below_it(capsys):
    assert shown(capsys, "rfc5321/4.5").split("duties")[0].rstrip() == (
        """
RFC 5321: Mail

RFC 5321 §4.5
  rfc5321/4.5/dots  (MUST, server, connection)
    Dots are kept.
    + suites/rfc5321/test_s04_05.py::test_dots

RFC 5321 §4.5.2
  rfc5321/4.5.2/disk  (MUST, server, hidden)
    - it is on disk
  rfc5321/4.5.2/open  (SHOULD, server, delivery)
    Lines are kept.
    - no check yet
  00112233445566ff  (no duty)
    - an example"""
    )


def test_gaps_are_what_one_could_judge_and_nobody_does(capsys):
    text = shown(capsys, "--gaps")
    assert "rfc5321/4.5.2/open" in text
    assert "hazard/smuggling  (hazard, high)" in text
    assert text.endswith("\n2 open\n")
    for other in ("dots", "disk", "other", "rfc9051", "an example"):
        assert other not in text
    assert shown(capsys, "rfc9051", "--gaps") == "\n0 open\n"


def test_what_nobody_has_reviewed(capsys):
    text = shown(capsys, "--unreviewed")
    assert "rfc5321/4.50/other  (MUST, client)" in text
    assert "rfc9051/2/tag" in text
    assert "2 unreviewed" in text


def test_without_a_selection_there_is_a_table_of_all(capsys):
    text = shown(capsys)
    lines = [line.split() for line in text.splitlines()]
    assert ["rfc5321", "Mail", "2", "2", "1", "0", "0", "1", "0", "1"] not in lines  # 'disk' is a duty, too
    assert ["rfc5321", "Mail", "3", "2", "1", "0", "0", "1", "0", "1"] in lines
    assert ["all", "4", "2", "1", "0", "0", "1", "0", "2"] in lines
    assert "rfc5321/4.5" not in text


def test_json_has_the_selected_requirements_and_the_counts(capsys):
    value = json.loads(shown(capsys, "rfc5321/4.5.2", "--json"))
    assert value["schema"] == 1
    assert value["summary"] == {
        "rfc5321": {
            "sentences": 3,
            "entries": 2,
            "duties": 2,
            "visible": 1,
            "judged": 0,
            "reasoned": 0,
            "replaced": 0,
            "open": 1,
            "surveyed": 0,
            "unreviewed": 0,
        }
    }
    assert [one["id"] for one in value["requirements"]] == ["rfc5321/4.5.2/disk", "rfc5321/4.5.2/open"]
    assert value["requirements"][1] == {
        "id": "rfc5321/4.5.2/open",
        "source": "RFC 5321 §4.5.2",
        "level": "SHOULD",
        "side": "server",
        "visibility": "delivery",
        "severity": None,
        "statement": "Lines are kept.",
        "standing": "open",
        "why": "no check yet",
        "checks": [],
        "digests": [],
        "replaced_by": None,
    }
    assert [one["digest"] for one in value["no_duties"]] == ["00112233445566ff"]
    assert json.loads(shown(capsys, "--json"))["requirements"][0]["checks"] == [
        "suites/rfc5321/test_s04_05.py::test_dots"
    ]


@pytest.mark.parametrize("selector", ["5321/4.5.2", "RFC5321/4.5.2", "rfc 5321/4.5.2"])
def test_an_rfc_may_be_named_as_people_do(capsys, selector):
    assert shown(capsys, selector) == shown(capsys, "rfc5321/4.5.2")


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("rfc5312", "did you mean rfc5321?"),
        ("rfc5321/4.51", "did you mean rfc5321/4.5"),
        ("coffee", "the catalogue has nothing of 'coffee' (mailproof"),
    ],
)
def test_what_is_unknown_is_a_line_with_what_is_similar(capsys, selector, meant):
    assert main(["catalogue", selector]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"mailproof catalogue: the catalogue has nothing of {selector!r}")
    assert meant in captured.err
    assert captured.err.count("\n") == 1
