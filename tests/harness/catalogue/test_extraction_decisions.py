"""A reviewer's decisions reach the file: all or none, and what they do not touch stays octet for octet."""

import tomllib
from pathlib import Path

import pytest
from tea_rfc import TEXT

from harness.catalogue import load_catalogue
from harness.catalogue.extraction.__main__ import main
from harness.catalogue.extraction.sentences import digest_of

INDEX = '[rfc7168]\ntitle = "Tea"\ngroup = "smtp"\n'
BY_HAND = """\
# Tea: its sentences in our own words.

["2/coffee"]
# errata 42 says so
level = "MUST"
side = "server"
statement = "A pot that is asked for coffee answers 418."

["2.1/stirs"]
level = "MUST"
side =   "server"
statement = 'It stirs the milk.'
"""
COFFEE = digest_of("A pot that is asked for coffee MUST answer 418, and the answer goes on behind the page.")
WHISTLE = digest_of("It MAY whistle.")
EXPLAIN = digest_of("It SHOULD say what a tea-pot is.")
MILK = digest_of("milk, which the pot MUST NOT warm twice in one cup;")
EMPTIED = digest_of("NOTE: A pot MUST be emptied.")


class Desk:
    """A catalogue of one RFC, and the tool on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "rfc").mkdir()
        (directory / "index.toml").write_text(INDEX)
        (directory / "rfc7168.txt").write_text(TEXT, "utf-8")
        self.path = directory / "rfc" / "rfc7168.toml"
        self.path.write_text(BY_HAND)

    def run(self, *arguments: str) -> int:
        return main(["--texts", str(self.directory), "--catalogue", str(self.directory), "7168", *arguments])

    def apply(self, rows: str) -> int:
        decisions = self.directory / "decisions.txt"
        decisions.write_text(rows)
        return self.run("--apply", str(decisions))

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def entries(self) -> dict[str, dict[str, object]]:
        return tomllib.loads(self.text)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_every_sentence_without_an_entry_becomes_one_to_be_reviewed(desk, capsys):
    assert desk.run() == 0
    assert "11 entries added, 13 unreviewed" in capsys.readouterr().out
    assert 'side =   "server"\n' in desk.text
    added = next(entry for entry in desk.entries.values() if entry.get("digest") == MILK)
    assert added == {"level": "MUST NOT", "side": "both", "digest": MILK}
    digests = [entry["digest"] for entry in desk.entries.values() if "digest" in entry]
    assert {COFFEE, WHISTLE, EXPLAIN, MILK, EMPTIED} <= set(digests)
    sections = [key.split("/")[0] for key in desk.entries]
    assert sections == sorted(sections)
    before = desk.text
    assert desk.run() == 0
    assert desk.text == before
    assert "0 entries added" in capsys.readouterr().out
    assert len(load_catalogue.__wrapped__(desk.directory).requirements) == 13


def test_decisions_make_change_and_join_entries(desk, capsys):
    rows = rf"""
# a comment
{COFFEE[:8]} | coffee | | | connection
{EXPLAIN} | coffee |
{MILK} | not-warmed | MUST NOT | server | delivery | The milk is warmed "once". | so \ it is
{WHISTLE} | - | | | | | tells a story
~ | 2.1/stirs | SHOULD | both | hidden | = | under the lid
- | 3/by-hand | prose | server | connection | It pours.
"""
    assert desk.apply(rows) == 0
    assert "undecided" in capsys.readouterr().out
    assert desk.entries["2/coffee"] == {
        "level": "MUST",
        "side": "server",
        "visibility": "connection",
        "statement": "A pot that is asked for coffee answers 418.",
        "digest": [COFFEE, EXPLAIN],
    }
    assert "# errata 42 says so" in desk.text
    assert desk.entries["2/not-warmed"]["statement"] == 'The milk is warmed "once".'
    assert desk.entries["2/not-warmed"]["reason"] == "so \\ it is"
    assert desk.entries["2.1/stirs"] == {
        "level": "SHOULD",
        "side": "both",
        "visibility": "hidden",
        "reason": "under the lid",
    }
    assert desk.entries["no-duty"] == {WHISTLE: "0: tells a story"}
    assert list(desk.entries) == ["2/coffee", "2/not-warmed", "2.1/stirs", "3/by-hand", "no-duty"]
    catalogue = load_catalogue.__wrapped__(desk.directory)
    assert catalogue.no_duties == {"rfc7168": {WHISTLE: "0: tells a story"}}
    before = desk.text
    assert desk.apply(rows) == 0
    assert desk.text == before


def test_what_others_than_the_server_owe_needs_no_more_than_the_side(desk):
    assert (
        desk.apply(f"{WHISTLE}\twhistle\t\tclient\n{EXPLAIN}\t\t\toperator\n{MILK}\tmilk\tMUST NOT\tformat")
        == 0
    )
    assert desk.entries["0/whistle"]["visibility"] == "connection"
    assert desk.entries["2/milk"]["visibility"] == "delivery"
    explained = next(entry for entry in desk.entries.values() if entry.get("digest") == EXPLAIN)
    assert (explained["visibility"], explained["reason"]) == ("hidden", "up to who runs the server")


def test_a_decision_takes_the_place_of_the_tools_own_entry(desk):
    desk.run()
    guessed = next(key for key, entry in desk.entries.items() if entry.get("digest") == MILK)
    assert desk.apply(f"{MILK} | cold | | server | connection | The milk is not warmed again.") == 0
    assert guessed not in desk.entries
    assert desk.entries["2/cold"]["level"] == "MUST NOT"


def test_one_sentence_may_be_two_duties(desk):
    rows = f"{MILK} | cold | | server | connection | It stays cold.\n{MILK} | once | MUST NOT | client\n"
    assert desk.apply(rows) == 0
    assert desk.entries["2/cold"]["digest"] == desk.entries["2/once"]["digest"] == MILK


def test_a_sentence_can_be_taken_off_again(desk):
    desk.apply(f"{COFFEE} | coffee | | | connection\n{EXPLAIN} | coffee\n{WHISTLE} | - | | | | | story")
    assert desk.apply(f"!{EXPLAIN[:6]} | 2/coffee\n!{WHISTLE} | -") == 0
    assert desk.entries["2/coffee"]["digest"] == COFFEE
    assert "no-duty" not in desk.entries


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("abc | x", "is too short"),
        ("abcdef01 | x", "no sentence has the digest"),
        (f"{MILK} | - |", "no duty: a row is"),
        (f"{WHISTLE} | - | | | | | story\n- | - | | | | | x", "no duty: a row is"),
        ("~ | 2/nothing | MUST", "there is no entry 2/nothing"),
        ("~ | nothing | MUST", "needs a whole id"),
        (f"!{MILK} | 2/coffee", "2/coffee has no such digest; a row is !DIGEST | SECTION/slug"),
        (f"!{MILK} | 2/nothing", "2/nothing has no such digest"),
        ("! | -", "- has no such digest"),
        (
            f"{MILK} | cold | | client | | | | rfc7168/2/tea",
            "replaced_by rfc7168/2/tea: there is no such entry",
        ),
        (" | coffee | MUST", "the first cell is a digest"),
        (f"{MILK} | Cold Milk | | client", "an id is SECTION/slug"),
        (f"{MILK} | cold | MUSS | client", "level is one of MUST, MUST NOT"),
        (f"{MILK} | cold | | waiter | connection", "side is one of server"),
        (f"{MILK} | cold | | server", "visibility is one of connection, delivery, hidden, not 'missing'"),
        (f"{MILK} | cold | | server | connection", "needs a statement in our own words"),
        (f"{MILK} | cold | | server | hidden", "needs the reason why"),
        (f"{MILK} | cold | | server | connection | It stays cold", "ends with a full stop"),
        (f"{MILK} | cold | | client | | | | 2/coffee", "replaced_by is a whole id"),
        (f"{MILK} | cold | | client | | | | | more", "9 cells, more than"),
        (
            f"{COFFEE} | coffee | | | connection | A pot that is asked for coffee must answer 418 and.",
            "say it in our own words",
        ),
        (
            f"{COFFEE} | coffee | | | connection\n{COFFEE} | - | | | | | no",
            "says this sentence, so it is a duty",
        ),
    ],
)
def test_a_mistake_is_a_line_and_nothing_is_written(desk, capsys, row, complaint):
    assert desk.apply(f"{EXPLAIN} | explains | | client\n{row}\n") == 2
    shown = capsys.readouterr().err
    assert complaint in shown
    assert "line " in shown
    assert desk.text == BY_HAND


def test_another_level_than_the_key_words_is_doubted(desk, capsys):
    assert desk.apply(f"{MILK} | cold | SHOULD | client") == 0
    assert (
        "line 1: 2/cold: the level is SHOULD, but the sentence's key word is MUST NOT"
        in capsys.readouterr().out
    )


def test_a_worksheet_has_what_is_left_and_is_itself_made_of_rows(desk, capsys):
    worksheet = desk.directory / "sheet.txt"
    desk.apply(f"{MILK} | cold | | client\n{WHISTLE} | - | | | | | story")
    assert desk.run("--worksheet", str(worksheet)) == 0
    text = worksheet.read_text()
    assert MILK not in text
    assert WHISTLE not in text
    assert "# [SHOULD] It SHOULD say what a tea-pot is." in text
    assert "Water must be hot." not in text
    capsys.readouterr()
    assert desk.apply(text) == 2
    assert "needs a statement" in capsys.readouterr().err
    assert desk.run("--worksheet", str(worksheet), "--all") == 0
    assert "# [prose?] Water must be hot." in worksheet.read_text()


def test_entries_without_a_sentence_are_assigned_the_likeliest(desk, capsys):
    assert desk.run("--assign") == 0
    rows = capsys.readouterr().out
    assert f"{COFFEE} | 2/coffee | | | connection" in rows
    assert f"{digest_of('A pot with MILK SHALL stir.')} | 2.1/stirs" in rows
    assert desk.apply(rows) == 0
    assert desk.entries["2/coffee"]["digest"] == COFFEE


def test_text_and_entries_are_shown_side_by_side(desk, capsys):
    desk.apply(f"{COFFEE} | coffee | | | connection\n{WHISTLE} | - | | | | | story")
    capsys.readouterr()
    assert desk.run("--show") == 0
    shown = capsys.readouterr().out
    assert f"    {COFFEE} 2/coffee MUST server connection: A pot" in shown
    assert f"    {WHISTLE} no duty: 0: story" in shown
    assert f"    {EXPLAIN} ? SHOULD" in shown
    assert "    (no digest) 2.1/stirs MUST server UNREVIEWED: It stirs the milk." in shown
    assert desk.run("--show", "--section", "2.1") == 0
    assert "coffee" not in capsys.readouterr().out


def test_the_check_says_what_is_left(desk, capsys):
    assert desk.run("--check") == 1
    shown = capsys.readouterr().out
    assert f"rfc7168/2: undecided {EXPLAIN}: It SHOULD say" in shown
    assert "rfc7168/2/coffee: unreviewed (no visibility)" in shown
    desk.path.write_text(
        BY_HAND.replace(
            'level = "MUST"\n', 'level = "MUST"\nvisibility = "hidden"\ndigest = "0123456789abcdef"\n'
        )
    )
    assert desk.run("--check") == 1
    shown = capsys.readouterr().out
    assert "rfc7168/2/coffee: no sentence has the digest 0123456789abcdef" in shown
    assert "rfc7168/2.1/stirs: what is hidden needs the reason why" in shown


def test_nothing_is_left_when_all_is_decided(desk, capsys):
    desk.run()
    unreviewed = [key for key, entry in desk.entries.items() if "visibility" not in entry]
    assert desk.apply("\n".join(f"~ | {key} | | | hidden | | in the pot" for key in unreviewed)) == 0
    assert "0 sentences undecided, 0 entries unreviewed" in capsys.readouterr().out
    assert desk.run("--check") == 0
    assert capsys.readouterr().out == ""


def test_wrong_use_is_a_line(desk, capsys, monkeypatch):
    monkeypatch.delenv("MAILPROOF_RFC_TEXTS", raising=False)
    directory, source = str(desk.directory), "https://www.rfc-editor.org/rfc/rfc7168.txt"
    assert main(["--catalogue", directory, "7168"]) == 2
    assert main(["--catalogue", directory, "--texts", directory, "rfc1"]) == 2
    assert main(["--catalogue", directory, "--texts", directory + "/none", "7168"]) == 2
    assert desk.run("rfc7168", "--apply", "x") == 2
    assert desk.run("--apply", directory + "/none") == 2
    assert capsys.readouterr().err.splitlines() == [
        "where are the texts? --texts DIR, or the variable MAILPROOF_RFC_TEXTS",
        "rfc1: the index (harness/catalogue/index.toml) has no such RFC",
        f"{directory}/none/rfc7168.txt: No such file or directory; get the text from {source}",
        "one RFC at a time",
        f"{directory}/none: No such file or directory",
    ]
