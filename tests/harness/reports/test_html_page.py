"""The page of a run as text: what is on it, what cannot break out of it, and how large it gets."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_runs import runs

from bench.synthetic import synthetic_run
from harness.conformance.events import RunFinished, RunStarted
from harness.conformance.evidence import ASIDE, CheckInfo, CheckResult, Dialogue, Evidence, Teeth, Turn
from harness.reports import html
from harness.reports.html import html_page
from harness.reports.pages.dialogues import MOST_OCTETS, fair_share, heavy_part, heavy_to_json
from harness.reports.pages.frame import seconds_text
from harness.reports.pages.rows import reading_order
from harness.reports.pages.visible import in_markdown, json_in_html, visible
from harness.reports.run import Run
from harness.vocabulary.judging import Level, Outcome

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`&amp;<!--\u2028\ud800\x00\u202e"
DOT = CheckInfo(
    "rfc5321/4.5.2/remove-one-dot", "Dots `survive`", Level.MUST, "One dot goes.", "RFC 5321 §4.5.2", "smtp"
)
NOOP = CheckInfo(
    "rfc3501/6.1.2/noop", "NOOP does nothing", Level.PROSE, "It does.", "RFC 3501 §6.1.2", "imap"
)
LOCK = CheckInfo("rfc1939/4/lock", "The lock", Level.MAY, "It may be locked.", "RFC 1939 §4", "pop3")
HAZARD = CheckInfo("hazard/smuggling", "Bare LF", Level.HAZARD, "Nothing hides.", "CVE-2023-51764", "hazards")
FOUND = Evidence(
    expected="the code 250",
    actual="b'500 5.5.2 what\\r\\n'",
    note="inferred from a time-out",
    input=("text = b'.'",),
    dialogues=(Dialogue("smtp 127.0.0.1:25", "C: NOOP", (Turn("C", b"NOOP\r\n", 0.1),)),),
    replay="mailproof check postfix.toml rfc5321/4.5.2/remove-one-dot --seed 7",
)
STARTED = RunStarted(
    version="0.1.0",
    target="postfix",
    target_file="postfix.toml",
    seed=4711,
    depth="normal",
    refute=False,
    strict=False,
    started=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
    checks=(DOT, NOOP, LOCK, HAZARD),
)


def result(info=DOT, outcome=Outcome.CONFORMS, evidence=None, **more) -> CheckResult:
    return CheckResult(info, outcome, 0.25, 5, evidence or Evidence(), **more)


def run_of(*results, finished=RunFinished(seconds=61.5), unfinished=(), **changes) -> Run:  # noqa: B008 - frozen
    return Run(replace(STARTED, **changes), tuple(results), finished, tuple(unfinished))


class Reader(HTMLParser):
    """Reads a page as a browser without scripts does."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        self.texts.setdefault(inside, []).append(data)

    @property
    def text(self) -> str:
        kept = (part for tag, parts in self.texts.items() if tag not in {"script", "style"} for part in parts)
        return " ".join(" ".join(kept).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def data_in(page: str) -> dict[str, dict]:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])


class TestWhatIsOnThePage:
    def test_a_reader_without_scripts_sees_the_verdict_the_facts_and_every_check(self):
        page = html_page(
            run_of(result(DOT, Outcome.VIOLATES, FOUND), result(NOOP), result(HAZARD, Outcome.EXPLOITABLE))
        )
        text = Reader(page).text
        for words in (
            "Does not conform",
            "1 violation, 1 exploitable hazard",
            "2026-11-24 08:00 UTC",
            "1 min 02 s",
            "normal",
            "4711",
            "postfix.toml",
            "One dot goes.",
            "RFC 5321 §4.5.2",
            "the code 250",
            "b'500 5.5.2 what\\r\\n'",
            "inferred from a time-out",
            "NOOP does nothing",
            "Nothing hides.",
            "CVE-2023-51764",
            "mailproof check postfix.toml rfc5321/4.5.2/remove-one-dot --seed 7",
        ):
            assert words in text

    def test_checks_are_in_the_order_in_which_the_rfcs_read(self):
        later = replace(DOT, id="rfc5321/4.10/later")
        page = html_page(
            run_of(result(HAZARD, Outcome.NOT_EXPLOITABLE), result(later), result(DOT), result(LOCK))
        )
        ids = [one["id"] for one in Reader(page).all("details") if one.get("class") == "check"]
        assert ids == [LOCK.id, NOOP.id, DOT.id, later.id, HAZARD.id]

    def test_the_matrix_has_a_row_for_each_rfc_and_a_link_for_each_section(self):
        page = html_page(run_of(result(DOT, Outcome.VIOLATES, FOUND), result(NOOP), checks=(DOT, NOOP)))
        reader = Reader(page)
        cells = [one for one in reader.all("a") if one.get("class") == "cell"]
        assert [cell["href"] for cell in cells] == ["#rfc3501/6.1.2", "#rfc5321/4.5.2"]
        assert [cell["title"] for cell in cells] == ["1 conforms", "1 violates"]
        ids = {attributes.get("id") for _, attributes in reader.tags}
        assert {"rfc3501/6.1.2", "rfc5321/4.5.2"} <= ids
        scopes = [one.get("scope") for one in reader.all("th")]
        assert scopes == ["col", "col", "row", "row"]

    def test_every_id_is_there_once_and_every_link_leads_somewhere(self):
        reader = Reader(html_page(synthetic_run(200)))
        ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        links = {one["href"] for one in reader.all("a")}
        assert all(link.startswith("#") and link[1:] in set(ids) for link in links)

    def test_words_between_backticks_are_code(self):
        assert '<span class="what">Dots <code>survive</code>' in html_page(run_of(result()))

    def test_waivers_observations_and_reasons_are_told(self):
        reason = "violates, waived: Postfix 3.7 does so (until 2027-11-30)"
        facts = Evidence(observations=(("a second session", ("refused", "admitted")),))
        page = html_page(
            run_of(
                result(DOT, Outcome.WAIVED, Evidence(reason=reason)),
                result(LOCK, Outcome.OBSERVED, facts),
                finished=RunFinished(seconds=1, waiver_notes=("the waiver for x ended: remove it",)),
            )
        )
        text = Reader(page).text
        assert reason in text
        assert "a second session: refused, admitted" in text
        assert "the waiver for x ended: remove it" in text

    @pytest.mark.parametrize(
        ("finished", "words"),
        [
            (RunFinished(1, interrupted=True), ("Inconclusive", "1 of 4 checks were judged")),
            (RunFinished(1, silence="the server stopped answering during NOOP"), ("during NOOP",)),
            (RunFinished(1, problem="nothing selected", usage=True), ("Not checked", "nothing selected")),
            (RunFinished(1, notes=("fewer workers",)), ("Conforms", "fewer workers")),
        ],
    )
    def test_what_became_of_the_run_is_said_plainly(self, finished, words):
        text = Reader(html_page(run_of(result(), finished=finished))).text
        assert all(word in text for word in words)

    def test_a_killed_run_says_what_was_judged_and_what_was_not(self):
        page = html_page(run_of(result(), finished=None, unfinished=[NOOP.id]))
        text = Reader(page).text
        assert "Broken off" in text
        assert "1 of 4 checks were judged; 1 had begun" in text
        words = {one["id"]: one["data-word"] for one in Reader(page).all("details") if "data-word" in one}
        assert words == {
            DOT.id: "conforms",
            NOOP.id: "broken-off",
            LOCK.id: "not-run",
            HAZARD.id: "not-run",
        }

    def test_a_killed_run_that_found_something_does_not_conform(self):
        page = html_page(run_of(result(DOT, Outcome.VIOLATES, FOUND), finished=None))
        assert "Broken off, and not conforming" in Reader(page).text

    def test_an_empty_run_is_a_page_too(self):
        assert "nothing was executed" in Reader(html_page(run_of(checks=()))).text

    def test_a_run_with_refute_is_about_the_checks(self):
        page = html_page(
            run_of(
                result(DOT, Outcome.CONFORMS, teeth=Teeth.TOOTHLESS, refutation="fault relay-open"),
                result(NOOP, Outcome.VIOLATES, FOUND, teeth=Teeth.REFUTED, refutation="a rewrite"),
                refute=True,
            )
        )
        text = Reader(page).text
        assert "There are checks that cannot fail" in text
        assert "1 TOOTHLESS, 1 refuted" in text
        assert "conforms under fault relay-open" in text

    def test_the_same_run_gives_the_same_page(self):
        run = synthetic_run(50)
        assert html_page(run) == html_page(run)


class TestWhatCannotHappen:
    def hostile_page(self) -> str:
        evidence = Evidence(
            reason=HOSTILE,
            expected=HOSTILE,
            actual=HOSTILE,
            note=HOSTILE,
            input=(HOSTILE,),
            dialogues=(
                Dialogue(HOSTILE, HOSTILE, (Turn("S", b"</script><script>\x00\xff", 0.1),)),
                Dialogue("told in words", f"C: {HOSTILE}"),
            ),
            observations=((HOSTILE, (HOSTILE,)),),
            traceback=HOSTILE,
            replay=HOSTILE,
        )
        info = replace(DOT, title=HOSTILE, statement=HOSTILE, source=HOSTILE, group=HOSTILE, also=(HOSTILE,))
        finished = RunFinished(1, silence=HOSTILE, notes=(HOSTILE,), problem=HOSTILE)
        return html_page(
            run_of(
                result(info, Outcome.VIOLATES, evidence, refutation=HOSTILE, teeth=Teeth.TOOTHLESS),
                finished=finished,
                target=HOSTILE,
                target_file=HOSTILE,
                version=HOSTILE,
                depth=HOSTILE,
            )
        )

    def test_nothing_in_a_run_becomes_markup(self):
        page = self.hostile_page()
        reader = Reader(page)
        assert len(reader.all("script")) == 2
        assert not reader.all("img")
        assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
        assert page.count("</script") == 2

    @settings(max_examples=40)
    @given(runs)
    def test_any_run_at_all_is_a_page(self, run):
        page = html_page(run)
        page.encode()
        assert page.count("<script") == page.count("</script") == 2
        assert len(Reader(page).all("script")) == 2

    def test_the_page_is_good_utf_8_without_anything_invisible(self):
        page = self.hostile_page()
        octets = page.encode("utf-8")
        assert b"\0" not in octets
        assert not set("\u2028\u2029\u202e") & set(page)

    def test_what_the_script_reads_is_what_came(self):
        (heavy,) = data_in(self.hostile_page()).values()
        assert heavy["input"] == [HOSTILE]
        assert heavy["traceback"] == HOSTILE
        assert heavy["dialogues"][0]["turns"] == [["S", "</script><script>\x00\xff", 0.1]]
        assert heavy["dialogues"][1]["lines"] == [f"C: {HOSTILE}"]

    def test_the_policy_names_exactly_the_script_and_the_style_that_are_there(self):
        page = self.hostile_page()
        policy = next(one for one in Reader(page).all("meta") if "http-equiv" in one)["content"]
        script = page[page.rindex("<script>") + 8 : page.rindex("</script>")]
        style = re.search("<style>(.*?)</style>", page, re.DOTALL)[1]
        for text, directive in ((script, "script-src"), (style, "style-src")):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{directive} 'sha256-{digest}';" in policy
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy

    def test_nothing_is_loaded_from_anywhere(self):
        page = html_page(run_of(result(DOT, Outcome.VIOLATES, FOUND)))
        reader = Reader(page)
        assert [one["href"] for one in reader.all("link")] == ["data:,"]
        assert not any("src" in attributes or "style" in attributes for _, attributes in reader.tags)
        assert not re.search(r"url\(|@import|https?://", page)

    @given(st.text())
    def test_json_in_a_page_is_ascii_and_reads_back(self, text):
        written = json_in_html({"text": text})
        assert written.isascii()
        assert not set("<>&") & set(written)
        assert json.loads(written) == {"text": text}

    @given(st.text())
    def test_visible_text_can_be_written_and_has_no_controls(self, text):
        shown = visible(text)
        shown.encode()
        assert all(char in "\t\n" or char.isprintable() or char.isspace() or char > "~" for char in shown)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]", shown)

    def test_what_misleads_the_eye_is_written_out(self):
        assert visible("a\u202eb\x00\x7f\xad\ud800") == "a\\u202eb\\x00\\x7f\\xad\\ud800"

    def test_markdown_has_no_markup_mentions_or_lines_of_its_own(self):
        assert in_markdown("a|b\n<i> @you #1 `x`") == "a\\|b \\<i\\> \\@you \\#1 \\`x\\`"


class TestSize:
    def test_two_thousand_checks_are_less_than_three_megabytes(self):
        assert len(html_page(synthetic_run(2_000)).encode()) < 3_000_000

    def test_so_they_are_with_the_largest_dialogues_and_cuts_are_told(self):
        page = html_page(synthetic_run(2_000, lines=1_500))
        assert len(page.encode()) < 3_000_000
        dialogues = [one for heavy in data_in(page).values() for one in heavy["dialogues"]]
        assert all(one["cut"] > 0 for one in dialogues)

    def test_a_dialogue_that_fits_is_whole(self):
        page = html_page(run_of(result(DOT, Outcome.VIOLATES, FOUND)))
        assert data_in(page)[DOT.id]["dialogues"] == [
            {"peer": "smtp 127.0.0.1:25", "turns": [["C", "NOOP\r\n", 0.1]]}
        ]

    def test_what_only_put_something_in_place_is_aside_of_what_was_checked(self):
        dialogues = (Dialogue(f"imap 127.0.0.1:143{ASIDE}", "C: a"), *FOUND.dialogues)
        heavy = heavy_part(replace(FOUND, dialogues=dialogues))
        assert [one.get("aside") for one in heavy_to_json(heavy, MOST_OCTETS)["dialogues"]] == [True, None]
        alone = heavy_part(replace(FOUND, dialogues=dialogues[:1]))
        assert "aside" not in heavy_to_json(alone, MOST_OCTETS)["dialogues"][0]

    @given(st.lists(st.integers(0, 10**6)), st.integers(0, 10**7))
    def test_a_fair_share_fits_and_leaves_small_ones_whole(self, weights, budget):
        share = fair_share(weights, budget)
        assert sum(min(weight, share) for weight in weights) <= budget
        assert share <= MOST_OCTETS

    @given(
        st.lists(st.builds(Turn, st.sampled_from(["C", "S"]), st.binary(max_size=80), st.floats(0, 9))),
        st.integers(0, 2_000),
    )
    def test_a_cut_dialogue_keeps_its_ends_and_counts_what_is_gone(self, turns, most):
        heavy = heavy_part(Evidence(dialogues=(Dialogue("smtp", "", tuple(turns)),), input=("x",)))
        (dialogue,) = heavy_to_json(heavy, most)["dialogues"]
        if not turns:
            return
        kept = [octets.encode("latin-1") for _, octets, _ in dialogue["turns"]]
        whole = b"".join(turn.octets for turn in turns)
        assert sum(map(len, kept)) + dialogue.get("cut", 0) == len(whole)
        head = b"".join(kept[: dialogue.get("cutAt", len(kept))])
        assert whole.startswith(head)
        assert whole.endswith(b"".join(kept[dialogue["cutAt"] :]) if "cut" in dialogue else head)

    def test_long_text_without_turns_keeps_its_ends(self):
        text = "\n".join(f"S: line {number}" for number in range(5_000))
        heavy = heavy_part(Evidence(dialogues=(Dialogue("smtp", text),)))
        (dialogue,) = heavy_to_json(heavy, 9_000)["dialogues"]
        assert dialogue["lines"][0] == "S: line 0"
        assert dialogue["lines"][-1] == "S: line 4999"
        assert len(dialogue["lines"]) + dialogue["cutLines"] == 5_000


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


COLOURS = dict(
    re.findall(
        r"(--[a-z-]+): light-dark\(([^)]+)\)",
        (Path(html.__file__).parent / "templates" / "style.css").read_text(),
    )
)
TONES = ("good", "bad", "warn", "fact", "held", "mute")
TEXT_ON = [
    *(("--ink", ground) for ground in ("--paper", "--card", "--raised")),
    *(("--soft", ground) for ground in ("--paper", "--card", "--raised")),
    *(("--link", ground) for ground in ("--paper", "--card")),
    *(
        (f"--{tone}", ground)
        for tone in TONES
        for ground in ("--paper", "--card", "--raised", f"--{tone}-bg")
    ),
    ("--ink", "--bad-bg"),
    ("--ink", "--good-bg"),
    ("--ink", "--warn-bg"),
    *((word, f"--{side}-bg") for side in ("client", "server") for word in (f"--{side}", "--ink", "--soft")),
    *((f"--{tone}", "--fact-bg") for tone in ("fact",)),
]
SHAPES_ON = [
    *((f"--{tone}-fill", ground) for tone in TONES for ground in ("--paper", "--card")),
    ("--strong-line", "--paper"),
    ("--strong-line", "--card"),
    ("--focus", "--paper"),
    ("--focus", "--card"),
]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("one", "other", "least"),
    [*((*pair, 4.5) for pair in TEXT_ON), *((*pair, 3.0) for pair in SHAPES_ON)],
)
def test_contrast_is_that_of_wcag_aa(one, other, least, scheme):
    colours = [COLOURS[name].split(", ")[scheme] for name in (one, other)]
    assert contrast(*colours) >= least


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0123, "12 ms"), (1.5, "1.50 s"), (59.2, "59.2 s"), (200, "3 min 20 s")]
)
def test_times_are_written_as_they_are_best_read(seconds, text):
    assert seconds_text(seconds) == text


def test_ids_are_read_in_the_order_of_the_rfcs():
    ids = ["hazard/x", "rfc5321/4.10/a", "rfc5321/4.9/a", "rfc5321/A.1/a", "rfc821/3/a"]
    assert sorted(ids, key=reading_order) == [
        "rfc821/3/a",
        "rfc5321/4.9/a",
        "rfc5321/4.10/a",
        "rfc5321/A.1/a",
        "hazard/x",
    ]
