"""Checks that are declared wrongly are refused at collection, each with the line to paste."""

import textwrap

import pytest
from conformance_sandbox import HEAD, SAMPLES

from harness.conformance import collection


def collected(sandbox, source: str) -> str:
    sandbox.checks(HEAD + textwrap.dedent(source))
    result = sandbox.run()
    result.assert_outcomes(errors=1)
    assert "Traceback" not in result.stdout.str()
    assert sandbox.report()["exit_code"] == 3
    return result.stdout.str()


def test_an_unknown_id_shows_the_entry_to_write_and_what_was_perhaps_meant(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/mist", level=MUST, refuted_by=BREAK)
        def test_one(target): pass
        """,
    )
    assert (
        "test_samples.py::test_one: the catalogue has no rfc5321/1/mist (did you mean rfc5321/1/must?)"
        in text
    )
    assert "write to harness/catalogue/rfc/rfc5321.toml" in text
    assert '["1/mist"]' in text
    assert 'level = "MUST"' in text


def test_an_unknown_hazard_goes_to_the_hazards(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("hazard/other", level=HAZARD, refuted_by=BREAK)
        def test_one(target): pass
        """,
    )
    assert "harness/catalogue/hazards.toml" in text
    assert 'severity = "high"' in text


def test_an_unknown_twin_is_unknown_too(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK, also=["rfc3501/9/none"])
        def test_one(target): pass
        """,
    )
    assert "the catalogue has no rfc3501/9/none" in text


def test_another_level_than_the_catalogues(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/must", level=SHOULD, refuted_by=BREAK)
        def test_one(target): pass
        """,
    )
    assert "the catalogue's level of rfc5321/1/must is 'MUST', not 'SHOULD'; write: level=Level.MUST," in text


def test_no_refutation(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/must", level=MUST)
        def test_one(target): pass
        """,
    )
    assert "a check that has never failed is not yet a check" in text
    assert "refuted_by=Rewrite.from_server(" in text


def test_two_checks_with_one_id(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
        def test_one(target): pass
        @requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
        def test_two(target): pass
        """,
    )
    assert "test_two: rfc5321/1/must is already judged by test_samples.py::test_one" in text


def test_a_check_without_the_target(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
        def test_one(): pass
        """,
    )
    assert "a check takes the target: def test_one(target: Target) -> None:" in text


def test_all_mistakes_of_a_module_are_named_at_once(sandbox):
    text = collected(
        sandbox,
        """
        @requirement("rfc5321/1/mist", level=MUST, refuted_by=BREAK)
        def test_one(target): pass
        @requirement("rfc5321/1/must", level=MUST)
        def test_two(target): pass
        """,
    )
    assert "test_one: the catalogue has no" in text
    assert "test_two: a check that has never failed" in text


def test_below_the_suites_nothing_goes_undeclared(sandbox, monkeypatch):
    monkeypatch.setattr(collection.Register.__init__, "__defaults__", (sandbox.path,))
    text = collected(sandbox, "def test_one(target): pass")
    assert '@requirement("rfcNNNN/SECTION/slug", level=MUST, needs={...}, refuted_by=...)' in text


def test_elsewhere_an_ordinary_test_stays_an_ordinary_test(sandbox):
    sandbox.checks(
        SAMPLES + "\ndef test_ordinary(): pass\ndef test_with_target(target): assert target.script\n"
    )
    sandbox.run().assert_outcomes(passed=6)
    assert len(sandbox.report()["checks"]) == 4


class TestSelection:
    SOURCE = (
        SAMPLES
        + """
@requirement("rfc5321/10/later", level=MUST_NOT, refuted_by=BREAK, also=["rfc3501/7/data"])
def test_later(target): pass
def test_ordinary(): pass
"""
    )

    @pytest.mark.parametrize(
        ("selector", "ids"),
        [
            ("rfc5321/1", {"1/must"}),
            ("rfc5321/1/must", {"1/must"}),
            ("rfc5321/10/", {"10/later"}),
            ("rfc3501", {"10/later"}),
            ("hazards", {"sample"}),
            ("smtp", {"1/must", "2/should", "3/may", "10/later"}),
        ],
    )
    def test_prefixes_and_groups(self, sandbox, selector, ids):
        sandbox.checks(self.SOURCE)
        sandbox.run("--mailproof-select", selector)
        assert set(sandbox.outcomes()) == ids

    @pytest.mark.parametrize("selector", ["rfc5321/1/mus", "rfc532", "imap", "nonsense"])
    def test_what_selects_nothing_is_an_error(self, sandbox, selector):
        sandbox.checks(self.SOURCE)
        result = sandbox.run("--mailproof-select", selector, "--mailproof-select", "smtp")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: '{selector}' selects no check;*"])
        assert sandbox.report()["exit_code"] == 2

    def test_the_users_own_selection_works_too_also_within_a_check(self, sandbox):
        sandbox.checks(
            HEAD
            + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_numbers(target, number): pass
"""
        )
        sandbox.run("-k", "2 or 3").assert_outcomes(passed=2, deselected=1)
        assert sandbox.report()["checks"][0]["examples"] == 2


def test_a_target_file_that_cannot_be_used_is_one_line(sandbox):
    sandbox.checks(SAMPLES)
    sandbox.target("nonsense = 1\n")
    result = sandbox.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len([line for line in result.stderr.lines if line.strip()]) == 1
    result.stderr.fnmatch_lines(["ERROR: *nonsense*"])


def test_a_target_that_answers_nowhere_ends_the_run_before_it_begins(sandbox):
    sandbox.checks(SAMPLES)
    sandbox.server(dead=True)
    result = sandbox.run()
    assert result.ret == 3
    assert (
        "fake cannot be tested: smtp: 127.0.0.1:1: connection refused"
        in result.stdout.str() + result.stderr.str()
    )
    assert sandbox.report()["checks"] == []
    assert sandbox.report()["exit_code"] == 3


def test_a_login_that_is_refused_ends_the_run_before_it_begins(sandbox):
    sandbox.checks(SAMPLES)
    sandbox.server(fatal="imap refuses the login of u0")
    assert sandbox.run().ret == 3
    assert sandbox.report()["problem"] == "fake cannot be tested: imap refuses the login of u0"


def test_sessions_without_a_target_are_left_alone(pytester):
    pytester.makepyfile(
        "import sys\ndef test_one(): assert 'harness.plugin.door' in sys.modules\n"
        "def test_two(): assert 'harness.conformance' not in sys.modules\n"
        "def test_three(): assert 'harness.targets' not in sys.modules\n"
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)
