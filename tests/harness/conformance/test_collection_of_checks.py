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


def check(requirement: str, level: str) -> str:
    head = f'{HEAD}@requirement("{requirement}", level={level}, refuted_by=BREAK)'
    return f"{head}\ndef test_one(target): pass\n"


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

    @pytest.mark.parametrize(
        ("bar", "ids"),
        [
            ("must", {"1/must", "10/later", "sample"}),
            ("should", {"1/must", "10/later", "sample", "2/should"}),
            ("may", {"1/must", "10/later", "sample", "2/should", "3/may"}),
        ],
    )
    def test_the_lowest_level(self, sandbox, bar, ids):
        sandbox.checks(self.SOURCE)
        result = sandbox.run("--mailproof-level", bar)
        assert set(sandbox.outcomes()) == ids
        result.assert_outcomes(passed=len(ids) + 1, deselected=5 - len(ids))
        left_out = [note for note in sandbox.report()["notes"] if "left out" in note]
        assert len(left_out) == (bar != "may")

    def test_the_summary_says_what_the_level_leaves_out(self, sandbox):
        sandbox.checks(self.SOURCE)
        result = sandbox.run("--mailproof-level", "should")
        result.stdout.fnmatch_lines(["1 check of MAY left out by --level should"])

    def test_workers_tell_what_is_left_out_too(self, sandbox):
        sandbox.checks(self.SOURCE)
        sandbox.run("-n", "2", "--mailproof-level", "should", subprocess=True)
        assert sandbox.report()["notes"] == ["1 check of MAY left out by --level should"]
        assert "3/may" not in sandbox.outcomes()

    def test_a_level_that_leaves_nothing_of_a_selector_is_an_error(self, sandbox):
        sandbox.checks(self.SOURCE)
        words = ["--mailproof-select", "rfc5321/3", "--mailproof-select", "hazards"]
        result = sandbox.run("--mailproof-level", "should", *words)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: 'rfc5321/3' selects only checks of MAY, *"])
        assert sandbox.report()["exit_code"] == 2

    def test_a_level_that_leaves_nothing_at_all_is_an_error(self, sandbox):
        sandbox.checks(check("rfc5321/3/may", "MAY"))
        result = sandbox.run("--mailproof-level", "must")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert sandbox.report()["exit_code"] == 2

    @pytest.mark.parametrize(
        "words",
        [
            ["-k", "no_such_check"],
            ["-k", "vrfy", "--mailproof-level", "must"],
            ["-k", "vrfy", "--mailproof-select", "hazards"],
            ["-m", "no_such_mark"],
        ],
    )
    @pytest.mark.parametrize("workers", [[], ["-n", "2"]])
    def test_what_pytests_own_options_leave_nothing_of_is_never_green(self, sandbox, words, workers):
        sandbox.checks(SAMPLES)
        assert sandbox.run(*words, *workers, subprocess=bool(workers)).ret != pytest.ExitCode.OK
        assert sandbox.report()["checks"] == []
        assert sandbox.report()["exit_code"] == 3

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


class TestBrokenModule:
    """A mistake in one module of the suites, and a selection that does, or does not, touch it."""

    GOOD = SAMPLES.replace("SHOULD, refuted_by", "SHOULD, also=['rfc3501/7/data'], refuted_by")
    LEVEL = HEAD + '@requirement("rfc3501/7/data", level=MAY, refuted_by=BREAK)\ndef test_one(target): pass\n'
    TYPO = HEAD + '@requirement("rfc3501/7/date", level=MUST, refuted_by=BREAK)\ndef test_one(target): pass\n'
    UNDECLARED = "def test_one(target): pass\n"
    SYNTAX = LEVEL + "def oops(:\n"
    IMPORT = "import no_such_module\n" + UNDECLARED

    @pytest.fixture
    def suites(self, sandbox, monkeypatch):
        monkeypatch.setattr(collection.Register.__init__, "__defaults__", (sandbox.path,))
        (sandbox.path / "rfc5321").mkdir()
        (sandbox.path / "rfc5321" / "test_good.py").write_text(self.GOOD)

        def broken(folder: str, source: str) -> None:
            (sandbox.path / folder).mkdir()
            (sandbox.path / folder / "test_broken.py").write_text(source)

        return broken

    @pytest.mark.parametrize(
        ("folder", "source", "selector"),
        [
            ("rfc3501", LEVEL, "rfc5321/1"),
            ("rfc3501", LEVEL, "smtp"),
            ("rfc3501", TYPO, "rfc5321"),
            ("rfc3501", UNDECLARED, "rfc5321/1"),
            ("rfc3501", UNDECLARED, "smtp"),
            ("rfc3501", SYNTAX, "rfc5321/1"),
            ("rfc3501", IMPORT, "rfc5321/1"),
            ("journeys", LEVEL, "rfc5321/1"),
            ("journeys", SYNTAX, "rfc5321/1"),
            ("journeys", UNDECLARED, "smtp"),
        ],
    )
    def test_outside_of_the_selection_it_is_left_out_with_a_note(
        self, sandbox, suites, folder, source, selector
    ):
        suites(folder, source)
        result = sandbox.run("--mailproof-select", selector)
        assert result.ret == pytest.ExitCode.OK
        assert sandbox.outcomes()["1/must"] == "conforms"
        (note,) = sandbox.report()["notes"]
        assert note.startswith(f"{folder}/test_broken.py is left out, as it is not selected: ")
        assert sandbox.report()["exit_code"] == 0

    @pytest.mark.parametrize(
        ("folder", "source", "selector"),
        [
            ("rfc3501", LEVEL, "rfc3501/7"),
            ("rfc3501", LEVEL, "imap"),
            ("rfc3501", TYPO, "rfc3501/7/data"),
            ("rfc3501", UNDECLARED, "rfc3501/7"),
            ("rfc3501", SYNTAX, "imap"),
            ("rfc3501", SYNTAX + UNDECLARED, "rfc3501/7/data"),
            ("rfc3501", IMPORT, "rfc3501/7"),
            ("journeys", LEVEL, "rfc3501"),
            ("journeys", TYPO, "rfc5321/1"),
            ("journeys", UNDECLARED, "rfc5321/1"),
            ("journeys", IMPORT, "rfc5321/1"),
        ],
    )
    def test_within_the_selection_it_refuses_the_run(self, sandbox, suites, folder, source, selector):
        suites(folder, source)
        result = sandbox.run("--mailproof-select", selector)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert sandbox.report()["checks"] == []
        assert sandbox.report()["exit_code"] == 3
        assert f"{folder}/test_broken.py" in sandbox.report()["problem"]

    def test_without_a_selection_it_refuses_the_run(self, sandbox, suites):
        suites("rfc3501", self.LEVEL)
        sandbox.run()
        assert sandbox.report()["exit_code"] == 3

    def test_what_is_wrong_is_said_in_the_note(self, sandbox, suites):
        suites("rfc3501", self.IMPORT)
        sandbox.run("--mailproof-select", "smtp")
        (note,) = sandbox.report()["notes"]
        assert note.endswith("ModuleNotFoundError: No module named 'no_such_module'")


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
