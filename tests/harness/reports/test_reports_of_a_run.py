"""Reports from a stream of events: console, JSON, and the exit code."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console
from sample_runs import DOT, FINISHED, FOUND, HAZARD, NOOP, STARTED, events_of, result, run_of

from harness.catalogue import load_catalogue
from harness.conformance.events import CheckListed
from harness.conformance.evidence import Evidence, Teeth
from harness.reports.console import ConsoleReport
from harness.reports.json_report import json_report
from harness.reports.summary import exit_code
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome


def told(report, *results, **more):
    for event in events_of(*results, **more):
        report(event)


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

    def test_many_checks_that_the_target_gives_nothing_to_are_one_line(self):
        checks = [replace(DOT, id=f"rfc5321/4/{number}") for number in range(6)]
        reasons = ["no imap"] * 5 + ["no pop3"]
        results = [
            result(check, Outcome.UNSUPPORTED, Evidence(reason=reason))
            for check, reason in zip(checks, reasons, strict=True)
        ]
        text = console_text(*results, result(NOOP), started=replace(STARTED, checks=(*checks, NOOP)))
        lines = [" ".join(line.split()) for line in text.splitlines()]
        assert lines[2:5] == ["unsupported 5 checks no imap", "unsupported 4/5 no pop3", ""]
        assert "conforms 6.1.2/noop" in lines[6]
        assert "6 unsupported" in text

    def test_evidence_in_very_long_lines_is_cut(self):
        text = console_text(result(DOT, Outcome.VIOLATES, replace(FOUND, input=("x" * 5000,))))
        assert max(map(len, text.splitlines())) < 500
        assert "x... (5004 characters)" in text

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
    def test_the_object_has_the_promised_keys_in_the_order_of_the_plan(self):
        report = json.loads(json_report(run_of(result(NOOP), result(DOT, Outcome.VIOLATES, FOUND))))
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

    def test_it_tells_of_a_run_that_was_interrupted(self):
        run = run_of(result(), finished=replace(FINISHED, interrupted=True))
        assert json.loads(json_report(run))["interrupted"] is True


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
