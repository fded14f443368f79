"""The run in Markdown, and what GitHub Actions is told."""

import re
from dataclasses import replace

import pytest
import sample_runs as samples
from hypothesis import given
from hypothesis import strategies as st
from sample_runs import DOT, FINISHED, FOUND, HAZARD, NOOP, STARTED, result, run_of

from harness.conformance.evidence import Dialogue, Evidence, Teeth
from harness.reports.github import annotations, append_summary, pause_commands
from harness.reports.markdown import markdown_report
from harness.vocabulary.judging import Outcome

BACKTICKS = Dialogue("smtp 127.0.0.1:25", "S: ```\nS: `````\nS: </details><script>")


class TestMarkdown:
    def test_it_has_the_verdict_counts_findings_with_dialogue_and_notes(self):
        text = markdown_report(
            run_of(
                result(DOT, Outcome.VIOLATES, FOUND),
                result(NOOP),
                finished=replace(FINISHED, notes=("one worker",), waiver_notes=("remove it",)),
            )
        )
        parts = [
            "## mailproof: postfix: does not conform",
            "2 checks, 10 examples, 1.5 s, depth quick, seed 7",
            "| ✗ | violates | 1 |",
            "| ✓ | conforms | 1 |",
            "<details><summary>✗ <b>violates</b> <code>rfc5321/4.5.2/remove-one-dot</code> Dots survive",
            "- **requirement**: One dot goes.",
            "- **expected**: ` text: b'.' `",
            "- **actual**: ` b'..' `",
            "text = b'\\x00'",
            "```text\nC: DATA\nS: 354 go\n```",
            "</details>",
            "### Notes",
            "- one worker",
            "- remove it",
        ]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)

    def test_a_run_that_was_killed_says_so_first(self):
        text = markdown_report(run_of(result(), finished=None))
        assert text.startswith("## mailproof: postfix: inconclusive\n\n**the run was broken off\\: 1 of 3")

    def test_refuted_checks_are_about_the_checks(self):
        run = run_of(
            result(DOT, Outcome.VIOLATES, FOUND, teeth=Teeth.REFUTED),
            result(NOOP, teeth=Teeth.TOOTHLESS, refutation="fault x"),
            started=replace(STARTED, refute=True),
        )
        text = markdown_report(run)
        assert "there are checks that cannot fail" in text
        assert "| ✓ | refuted | 1 |" in text
        assert "- **did not notice**: fault x" in text
        assert "Dots survive" not in text

    def test_nothing_that_a_server_says_is_markup(self):
        evidence = Evidence(
            reason="*bold* <b> |x| [a](b) @you",
            expected="`` ``` <i>",
            actual="`c` &amp; \x1b",
            dialogues=(BACKTICKS,),
        )
        target = replace(STARTED, target="<script>alert(1)</script>\n# title")
        text = markdown_report(run_of(result(DOT, Outcome.VIOLATES, evidence), started=target))
        assert r"\*bold\* \<b\> \|x\| \[a\](b) \@you" in text
        assert "- **expected**: ```` `` ``` <i> ````" in text
        assert "- **actual**: `` `c` &amp; \\x1b ``" in text
        assert "``````text\nS: ```\nS: `````\nS: </details><script>\n``````" in text
        assert "\n# title" not in text

    def test_what_is_too_much_is_counted(self):
        results = [result(replace(DOT, id=f"rfc5321/{n}/x"), Outcome.VIOLATES, FOUND) for n in range(1000)]
        text = markdown_report(run_of(*results), most_octets=20_000)
        shown = text.count("<details>")
        assert 0 < shown < 1000
        assert len(text.encode()) <= 20_000
        assert f"**{1000 - shown} more findings are not shown here**" in text
        assert text.count("</details>") == shown

    @given(samples.runs, st.integers(0, 3000))
    def test_it_is_never_larger_than_allowed_and_never_shows_what_is_invisible(self, run, most):
        octets = markdown_report(run, most_octets=most).encode()
        assert len(octets) <= most
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", octets)


class TestGithub:
    def test_what_fails_is_an_error_and_what_should_be_looked_at_a_warning(self):
        lines = list(
            annotations(
                run_of(
                    result(DOT, Outcome.VIOLATES, FOUND),
                    result(NOOP, Outcome.DEVIATES, FOUND),
                    result(HAZARD, Outcome.INCONCLUSIVE, Evidence(reason="silent")),
                    finished=replace(FINISHED, notes=("one worker",), silence="gone"),
                )
            )
        )
        comparison = f"expected text: b'.'%0Agot b'..'%0Areplay: {FOUND.replay}"
        assert lines == [
            "::error title=mailproof::gone",
            f"::error title=violates%3A rfc5321/4.5.2/remove-one-dot::One dot goes.%0A{comparison}",
            f"::warning title=deviates%3A rfc3501/6.1.2/noop::NOOP does.%0A{comparison}",
            "::warning title=inconclusive%3A hazard/smuggling::Nothing hides.%0Asilent",
            "::notice title=mailproof::one worker",
        ]

    def test_strict_makes_errors_of_deviations_and_waivers(self):
        run = run_of(
            result(NOOP, Outcome.DEVIATES, FOUND),
            started=replace(STARTED, strict=True),
            finished=replace(FINISHED, waiver_notes=("remove it",)),
        )
        assert [line.split(" ", 1)[0] for line in annotations(run)] == ["::error", "::error"]

    @pytest.mark.parametrize(("found", "shown", "counted"), [(10, 10, False), (11, 9, True), (500, 9, True)])
    def test_ten_of_a_kind_are_shown_and_the_rest_counted(self, found, shown, counted):
        results = [result(replace(DOT, id=f"rfc5321/{n}/x"), Outcome.VIOLATES, FOUND) for n in range(found)]
        lines = list(annotations(run_of(*results)))
        assert sum("violates" in line for line in lines) == shown
        assert len(lines) == shown + counted
        if counted:
            assert lines[-1] == (
                f"::error title=mailproof::{found - 9} more like this are in the summary and the reports"
            )

    @given(samples.runs)
    def test_nothing_that_a_server_says_is_a_command(self, run):
        for line in annotations(run):
            command, data = line.removeprefix("::").split("::", 1)
            kind, title = command.split(" title=", 1)
            assert kind in {"error", "warning", "notice"}
            assert not re.search(r"[\r\n,:]|%(?!25|0D|0A|3A|2C)", title)
            assert not re.search(r"[\r\n]|%(?!25|0D|0A)", data)

    def test_commands_are_paused_with_a_word_that_nobody_guesses(self):
        pause, resume = pause_commands()
        assert pause == f"::stop-commands::{resume.strip(':')}"
        assert pause_commands() != (pause, resume)

    def test_the_summary_is_appended_within_what_is_left(self, tmp_path):
        path = tmp_path / "summary.md"
        path.write_text("before\n")
        append_summary(run_of(result()), path)
        assert path.read_text().startswith("before\n## mailproof: postfix: conforms")
        path.write_text("x" * (1 << 20))
        append_summary(run_of(result()), path)
        assert path.stat().st_size == 1 << 20
