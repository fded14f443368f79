"""Reports from a stream of events: console, JSON, JUnit, and the exit code."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from rich.console import Console

from harness.catalogue import load_catalogue
from harness.conformance.events import CheckFinished, CheckListed, CheckStarted, RunFinished, RunStarted
from harness.conformance.evidence import CheckInfo, CheckResult, Dialogue, Evidence, Teeth, Turn
from harness.reports.console import ConsoleReport
from harness.reports.json_report import JsonReport
from harness.reports.junit import JUnitReport
from harness.reports.summary import exit_code
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Level, Outcome

DOT = CheckInfo(
    "rfc5321/4.5.2/remove-one-dot", "Dots survive", Level.MUST, "One dot goes.", "RFC 5321 §4.5.2", "smtp"
)
NOOP = CheckInfo(
    "rfc3501/6.1.2/noop", "NOOP is harmless", Level.PROSE, "NOOP does.", "RFC 3501 §6.1.2", "imap"
)
HAZARD = CheckInfo("hazard/smuggling", "Bare LF", Level.HAZARD, "Nothing hides.", "CVE-2023-51764", "hazards")
STARTED = RunStarted(
    version="0.1.0",
    target="postfix",
    target_file="postfix.toml",
    seed=7,
    depth="quick",
    refute=False,
    strict=False,
    started=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
    checks=(DOT, NOOP, HAZARD),
)
FOUND = Evidence(
    expected="text: b'.'",
    actual="b'..'",
    input=("text = b'\\x00'",),
    dialogues=(Dialogue("smtp 127.0.0.1:25", "C: DATA\nS: 354 go", (Turn("C", b"DATA\r\n", 0.1),)),),
    replay="mailproof check postfix.toml rfc5321/4.5.2/remove-one-dot --seed 7",
)
FINISHED = RunFinished(seconds=1.5)
NOTHING = Evidence()


def result(
    info: CheckInfo = DOT, outcome: Outcome = Outcome.CONFORMS, evidence: Evidence = NOTHING, **more
) -> CheckResult:
    return CheckResult(info, outcome, 0.25, 5, evidence, **more)


def told(report, *results, started=STARTED, finished=FINISHED):
    report(started)
    for one in results:
        report(CheckStarted(one.info))
        report(CheckFinished(one))
    report(finished)


def console_text(*results, width=120, **more) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False)
    told(ConsoleReport(console, load_catalogue()), *results, **more)
    return stream.getvalue()


class TestConsole:
    def test_a_line_per_check_below_its_rfc_then_findings_then_the_summary(self):
        text = console_text(
            result(DOT, Outcome.VIOLATES, FOUND), result(NOOP), result(HAZARD, Outcome.NOT_EXPLOITABLE)
        )
        lines = text.splitlines()
        assert lines[1] == "RFC 5321  Simple Mail Transfer Protocol"
        assert lines[2].split() == ["violates", "4.5.2/remove-one-dot", "Dots", "survive"]
        assert "RFC 3501  Internet Message Access Protocol - Version 4rev1" in lines
        assert "Hazards" in lines
        assert (
            text.index("Hazards")
            < text.index("expected: text: b'.'")
            < text.index("postfix: does not conform")
        )
        assert "3 checks, 15 examples, 1.5 s, seed 7: 1 conforms, 1 violates, 1 not-exploitable" in text

    def test_evidence_has_its_order(self):
        text = console_text(result(DOT, Outcome.VIOLATES, FOUND))
        parts = [
            "requirement: One dot",
            "expected:",
            "actual:",
            "input:",
            "dialogue with smtp",
            "C: DATA",
            "replay:",
        ]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)

    def test_reasons_take_the_place_of_titles(self):
        text = console_text(
            result(DOT, Outcome.UNSUPPORTED, Evidence(reason="the target has no smtp")),
            result(NOOP, Outcome.OBSERVED, Evidence(observations=(("reply", ("250", "252")),))),
        )
        assert "the target has no smtp" in text
        assert "reply: 250, 252" in text

    def test_long_lines_are_cut_to_the_width_and_nothing_is_coloured_where_it_is_not_a_terminal(self):
        text = console_text(result(replace(DOT, title="very long " * 50)), width=60)
        assert max(map(len, text.splitlines()[:4])) <= 60
        assert "\x1b" not in text

    def test_workers_finish_in_any_order_and_are_read_in_the_order_of_the_plan(self):
        text = console_text(
            result(HAZARD, Outcome.NOT_EXPLOITABLE),
            result(NOOP),
            result(DOT),
            started=replace(STARTED, workers=2),
        )
        assert text.index("RFC 5321") < text.index("RFC 3501") < text.index("Hazards")

    def test_an_interrupted_run_shows_what_was_judged(self):
        text = console_text(
            result(NOOP), started=replace(STARTED, workers=2), finished=replace(FINISHED, interrupted=True)
        )
        assert "conforms" in text
        assert "interrupted:" in text

    def test_notes_waivers_and_silence_are_told_at_the_end(self):
        finished = replace(
            FINISHED, notes=("one worker",), waiver_notes=("remove it",), silence="during NOOP"
        )
        text = console_text(result(), finished=finished)
        assert "note: one worker\nnote: remove it\nsilence: during NOOP\n" in text

    def test_a_run_of_nothing_says_so(self):
        assert "nothing was executed" in console_text()

    def test_a_list_says_what_would_run_and_what_not_and_why(self):
        stream = io.StringIO()
        report = ConsoleReport(Console(file=stream, width=120, highlight=False), load_catalogue())
        for event in (STARTED, CheckListed(DOT, None), CheckListed(NOOP, "the target has no imap"), FINISHED):
            report(event)
        assert "1 checks would run, 1 would not" in stream.getvalue()
        assert "the target has no imap" in stream.getvalue()

    def test_toothless_checks_are_shown_with_what_they_did_not_notice(self):
        text = console_text(result(teeth=Teeth.TOOTHLESS, refutation="fault relay-open"))
        assert "TOOTHLESS" in text
        assert "it did not notice fault relay-open" in text
        assert "there are checks that cannot fail" in text

    def test_a_terminal_gets_progress_that_is_gone_at_the_end(self):
        stream = io.StringIO()
        console = Console(file=stream, width=120, force_terminal=True, highlight=False, color_system=None)
        told(ConsoleReport(console, load_catalogue()), result(), result(NOOP))
        assert "rfc3501/6.1.2/noop" in stream.getvalue()
        assert stream.getvalue().rstrip().endswith("2 conforms")


class TestJson:
    def test_the_object_has_the_promised_keys_in_the_order_of_the_plan(self, tmp_path):
        path = tmp_path / "run.json"
        told(JsonReport(path), result(NOOP), result(DOT, Outcome.VIOLATES, FOUND))
        report = json.loads(path.read_text())
        assert {"schema", "version", "target", "seed", "started", "summary", "checks"} <= set(report)
        assert report["started"] == "2026-11-24T08:00:00+00:00"
        assert report["summary"]["violates"] == 1
        assert report["exit_code"] == 1
        first, second = report["checks"]
        assert {"id", "title", "level", "requirement", "outcome", "seconds", "examples", "evidence"} <= set(
            first
        )
        assert (first["id"], second["id"]) == (DOT.id, NOOP.id)
        assert first["evidence"]["dialogues"][0]["turns"] == [
            {"mark": "C", "octets": "DATA\r\n", "at_s": 0.1}
        ]

    def test_it_is_written_when_the_run_is_interrupted(self, tmp_path):
        path = tmp_path / "run.json"
        told(JsonReport(path), result(), finished=replace(FINISHED, interrupted=True))
        assert json.loads(path.read_text())["interrupted"] is True


class TestJUnit:
    def document(self, tmp_path, *results, **more) -> ElementTree.Element:
        path = tmp_path / "run.xml"
        told(JUnitReport(path), *results, **more)
        return ElementTree.parse(path).getroot()  # noqa: S314 - we wrote it

    def test_suites_are_rfcs_and_failures_carry_requirement_and_dialogue(self, tmp_path):
        root = self.document(
            tmp_path,
            result(DOT, Outcome.VIOLATES, FOUND),
            result(NOOP, Outcome.UNSUPPORTED, Evidence(reason="no imap")),
            result(HAZARD, Outcome.ERROR, Evidence(reason="bug", traceback="Traceback")),
        )
        suites = {suite.get("name"): suite for suite in root}
        assert set(suites) == {"hazard", "rfc3501", "rfc5321"}
        assert suites["rfc5321"].get("failures") == "1"
        assert suites["rfc3501"].get("skipped") == "1"
        assert suites["hazard"].get("errors") == "1"
        failure = suites["rfc5321"].find("testcase/failure")
        assert failure.get("type") == "violates"
        assert "One dot goes." in failure.text
        assert "C: DATA\n    S: 354 go" in failure.text

    def test_a_deviation_is_a_failure_only_when_strict(self, tmp_path):
        deviation = result(DOT, Outcome.DEVIATES, FOUND)
        assert self.document(tmp_path, deviation).find(".//failure") is None
        assert self.document(tmp_path, deviation).find(".//system-out") is not None
        strict = self.document(tmp_path, deviation, started=replace(STARTED, strict=True))
        assert strict.find(".//failure") is not None

    def test_octets_that_xml_cannot_carry_are_escaped(self, tmp_path):
        evidence = replace(FOUND, actual="\x00\x08\ud800", expected="é")
        root = self.document(tmp_path, result(DOT, Outcome.VIOLATES, evidence))
        assert "\\x00\\x08\\xd800" in root.find(".//failure").text

    def test_why_nothing_was_run_is_an_error(self, tmp_path):
        root = self.document(tmp_path, finished=replace(FINISHED, problem="refused"))
        assert root.find(".//error").get("message") == "refused"

    def test_toothless_fails_and_unproven_is_skipped(self, tmp_path):
        root = self.document(
            tmp_path,
            result(DOT, teeth=Teeth.TOOTHLESS, refutation="fault x"),
            result(NOOP, Outcome.UNSUPPORTED, Evidence(reason="no imap"), teeth=Teeth.UNPROVEN),
            result(HAZARD, Outcome.EXPLOITABLE, FOUND, teeth=Teeth.REFUTED),
        )
        assert root.find(".//failure").get("message") == "TOOTHLESS: did not notice fault x"
        assert len(root.findall(".//skipped")) == 1
        assert len(root.findall(".//failure")) == 1


@pytest.mark.parametrize(
    ("outcomes", "strict", "code"),
    [
        ([], False, ExitCode.INCONCLUSIVE),
        ([Outcome.UNSUPPORTED], False, ExitCode.INCONCLUSIVE),
        ([Outcome.CONFORMS, Outcome.UNSUPPORTED], False, ExitCode.CONFORMS),
        ([Outcome.CONFORMS, Outcome.DEVIATES, Outcome.WAIVED, Outcome.OBSERVED], False, ExitCode.CONFORMS),
        ([Outcome.CONFORMS, Outcome.DEVIATES], True, ExitCode.VIOLATES),
        ([Outcome.CONFORMS, Outcome.INCONCLUSIVE], False, ExitCode.INCONCLUSIVE),
        ([Outcome.CONFORMS, Outcome.ERROR], False, ExitCode.INCONCLUSIVE),
        ([Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.VIOLATES], False, ExitCode.VIOLATES),
        ([Outcome.EXPLOITABLE], False, ExitCode.VIOLATES),
    ],
)
def test_exit_codes_follow_the_outcomes(outcomes, strict, code):
    assert exit_code([result(outcome=outcome) for outcome in outcomes], FINISHED, strict=strict) is code


@pytest.mark.parametrize(
    ("changes", "strict", "code"),
    [
        ({"problem": "nothing selected", "usage": True}, False, ExitCode.USAGE),
        ({"problem": "unreachable"}, False, ExitCode.INCONCLUSIVE),
        ({"interrupted": True}, False, ExitCode.INCONCLUSIVE),
        ({"silence": "gone"}, False, ExitCode.INCONCLUSIVE),
        ({"waiver_notes": ("old",)}, False, ExitCode.CONFORMS),
        ({"waiver_notes": ("old",)}, True, ExitCode.VIOLATES),
    ],
)
def test_exit_codes_follow_the_run(changes, strict, code):
    assert exit_code([result()], replace(FINISHED, **changes), strict=strict) is code


@pytest.mark.parametrize(
    ("teeth", "code"),
    [
        ([(Teeth.REFUTED, Outcome.VIOLATES)], ExitCode.CONFORMS),
        ([(Teeth.REFUTED, Outcome.VIOLATES), (Teeth.TOOTHLESS, Outcome.CONFORMS)], ExitCode.VIOLATES),
        ([(Teeth.REFUTED, Outcome.VIOLATES), (Teeth.UNPROVEN, Outcome.UNSUPPORTED)], ExitCode.CONFORMS),
        ([(Teeth.REFUTED, Outcome.VIOLATES), (Teeth.UNPROVEN, Outcome.VIOLATES)], ExitCode.INCONCLUSIVE),
        ([(Teeth.UNPROVEN, Outcome.UNSUPPORTED)], ExitCode.INCONCLUSIVE),
    ],
)
def test_exit_codes_of_refutations(teeth, code):
    results = [result(outcome=outcome, teeth=one) for one, outcome in teeth]
    assert exit_code(results, FINISHED, strict=False) is code
