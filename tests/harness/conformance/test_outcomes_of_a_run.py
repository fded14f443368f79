"""Every outcome, from a check that is run by the plugin against a server told how to answer."""

import pytest
from conformance_sandbox import HEAD, SAMPLES


def check_of(body: str, requirement: str = '"rfc5321/1/must", level=MUST') -> str:
    return f"{HEAD}\n@requirement({requirement}, refuted_by=BREAK)\ndef test_one(target):\n    {body}\n"


def test_a_good_server_conforms_and_the_report_has_the_shape(sandbox):
    sandbox.checks(SAMPLES)
    sandbox.run("--mailproof-seed", "7").assert_outcomes(passed=4)
    report = sandbox.report()
    assert sandbox.outcomes() == {
        "1/must": "conforms",
        "2/should": "conforms",
        "3/may": "observed",
        "sample": "not-exploitable",
    }
    assert report["schema"] == 1
    assert report["seed"] == 7
    assert report["target"] == "fake"
    assert report["exit_code"] == 0
    assert report["summary"]["conforms"] == 2
    first = report["checks"][0]
    assert first["title"] == "NOOP is harmless"
    assert first["requirement"] == "NOOP is answered with 250."
    assert (first["level"], first["source"], first["examples"]) == ("MUST", "RFC 5321 §1", 1)
    assert sandbox.evidence("may")["observations"] == {"reply to HELP": ["214"]}


def test_what_a_finding_means_depends_on_the_level(sandbox):
    sandbox.server(NOOP="500 no", VRFY="550 no", HELP="500 no", EXPN="250 joe")
    sandbox.checks(SAMPLES)
    result = sandbox.run()
    result.assert_outcomes(passed=2, failed=2)
    assert sandbox.outcomes() == {
        "1/must": "violates",
        "2/should": "deviates",
        "3/may": "observed",
        "sample": "exploitable",
    }
    assert sandbox.report()["exit_code"] == 1
    result.stdout.fnmatch_lines(["*violates: rfc5321/1/must*", "*expected: code: 250*", "*actual: 500*"])
    result.stdout.fnmatch_lines(["*4 checks: 1 violates, 1 deviates, 1 observed, 1 exploitable*"])
    result.stdout.fnmatch_lines(["deviates: rfc5321/2/should: expected code: 252; got 550"])


def test_strict_makes_a_deviation_fail(sandbox):
    sandbox.server(VRFY="550 no")
    sandbox.checks(SAMPLES)
    sandbox.run("--mailproof-strict").assert_outcomes(passed=3, failed=1)
    assert sandbox.report()["exit_code"] == 1


def test_evidence_has_the_dialogue_and_the_line_that_replays_it(sandbox):
    sandbox.server(NOOP="500 no")
    sandbox.checks(SAMPLES)
    sandbox.run("--mailproof-seed", "11", "-k", "noop")
    evidence = sandbox.evidence("must")
    assert evidence["dialogues"][0]["text"] == "C: NOOP\nS: 500 no"
    assert [turn["mark"] for turn in evidence["dialogues"][0]["turns"]] == ["C", "S"]
    assert evidence["dialogues"][0]["turns"][0]["octets"] == "NOOP\r\n"
    assert evidence["replay"] == "mailproof check target.toml rfc5321/1/must --depth quick --seed 11"


def test_the_input_that_is_shown_is_the_shrunk_one_with_its_dialogue(sandbox):
    sandbox.checks(
        HEAD
        + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(number=st.integers(0, 10**6))
def test_numbers(target, number):
    target.ask(b"NOOP %d" % number)
    verify(number < 17, expected="a small number", actual=number)
"""
    )
    sandbox.run("--mailproof-depth", "normal").assert_outcomes(failed=1)
    evidence = sandbox.evidence("must")
    assert evidence["input"] == ["number = 17"]
    assert evidence["actual"] == "17"
    assert evidence["dialogues"][0]["text"] == "C: NOOP 17\nS: 250 OK"


def test_an_input_may_have_any_name(sandbox):
    sandbox.checks(
        HEAD
        + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(body=st.integers(), function=st.integers())
def test_names(target, body, function):
    pass
"""
    )
    sandbox.run().assert_outcomes(passed=1)
    assert sandbox.outcomes() == {"1/must": "conforms"}


def test_what_the_body_draws_for_itself_is_shown_too(sandbox):
    sandbox.checks(
        HEAD
        + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(data=st.data())
def test_numbers(target, data):
    verify(data.draw(st.integers(0, 1000), label="octets") < 3, expected="less", actual="more")
"""
    )
    sandbox.run("--mailproof-depth", "normal")
    assert "Draw 1 (octets): 3" in sandbox.evidence("must")["input"]


@pytest.mark.parametrize(("depth", "count"), [("quick", 5), ("normal", 25), ("deep", 300)])
def test_depth_is_a_number_of_examples(sandbox, depth, count):
    sandbox.checks(
        HEAD
        + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(number=st.integers())
def test_numbers(target, number):
    target.ask(b"NOOP")
"""
    )
    sandbox.run("--mailproof-depth", depth)
    assert sandbox.report()["checks"][0]["examples"] == count


def test_the_same_seed_gives_the_same_examples_whatever_else_is_selected(sandbox):
    body = """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(number=st.integers())
def test_numbers(target, number):
    observe("number", number)
"""
    seen = []
    for source in (HEAD + body, SAMPLES.replace("1/must", "1/prose").replace("=MUST", "=PROSE") + body):
        sandbox.checks(source)
        sandbox.run("--mailproof-seed", "3")
        seen.append(sandbox.evidence("1/must")["observations"])
    assert seen[0] == seen[1]
    sandbox.run("--mailproof-seed", "4")
    assert sandbox.evidence("1/must")["observations"] != seen[0]


def test_bad_grammar_is_a_finding_with_the_grammar_as_expectation(sandbox):
    sandbox.server(NOOP="!garbage")
    sandbox.checks(check_of('target.ask(b"NOOP")'))
    sandbox.run().assert_outcomes(failed=1)
    assert sandbox.outcomes() == {"1/must": "violates"}
    assert sandbox.evidence("must")["expected"] == "a three-digit code"
    assert "stopped at octet 1" in sandbox.evidence("must")["actual"]


def test_silence_of_a_server_that_answers_others_is_a_finding_that_says_how_it_was_inferred(sandbox):
    sandbox.server(NOOP="!timeout")
    sandbox.checks(check_of('target.ask(b"NOOP")'))
    sandbox.run().assert_outcomes(failed=1)
    assert sandbox.outcomes() == {"1/must": "violates"}
    assert "inferred from a time-out" in sandbox.evidence("must")["note"]


def test_a_connection_closed_by_a_server_that_answers_others_is_a_finding(sandbox):
    sandbox.server(NOOP="!closed")
    sandbox.checks(check_of('target.ask(b"NOOP")'))
    sandbox.run()
    assert sandbox.evidence("must")["expected"] == "an open connection"


def test_a_server_that_stops_answering_is_one_finding_and_no_flood(sandbox):
    sandbox.server(NOOP="!died")
    sandbox.checks(SAMPLES)
    result = sandbox.run()
    result.assert_outcomes(skipped=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert set(sandbox.outcomes().values()) == {"inconclusive"}
    report = sandbox.report()
    assert report["silence"].startswith("the server stopped answering during rfc5321/1/must")
    assert report["exit_code"] == 3


def test_no_connection_is_inconclusive(sandbox):
    sandbox.server(NOOP="!refused")
    sandbox.checks(SAMPLES)
    sandbox.run().assert_outcomes(skipped=1, passed=3)
    assert sandbox.outcomes()["1/must"] == "inconclusive"
    assert sandbox.outcomes()["2/should"] == "conforms"


def test_our_own_mistakes_are_errors_with_a_traceback(sandbox):
    sandbox.server(NOOP="!bug")
    sandbox.checks(SAMPLES + check_of("target.no_such_thing", '"rfc5321/1/prose", level=PROSE'))
    sandbox.run().assert_outcomes(failed=2, passed=3)
    assert (sandbox.outcomes()["1/must"], sandbox.outcomes()["1/prose"]) == ("error", "error")
    assert "LocalProtocolError: we were about to send nonsense" in sandbox.evidence("1/must")["traceback"]
    assert "no_such_thing" in sandbox.evidence("1/prose")["reason"]
    assert sandbox.report()["exit_code"] == 3


def test_an_assertion_of_plain_python_is_our_error_and_not_the_servers(sandbox):
    sandbox.checks(check_of("assert target.code(b'NOOP') == 999"))
    sandbox.run().assert_outcomes(failed=1)
    assert sandbox.outcomes() == {"1/must": "error"}


def test_what_the_target_lacks_is_unsupported_with_the_reason(sandbox):
    sandbox.server(lacks={"smtp": "the target has no smtp"})
    sandbox.checks(SAMPLES)
    result = sandbox.run("-rs")
    result.assert_outcomes(skipped=1, passed=3)
    assert sandbox.outcomes()["1/must"] == "unsupported"
    result.stdout.fnmatch_lines(["*unsupported: the target has no smtp*"])


def test_a_run_in_which_nothing_was_judged_is_not_green(sandbox):
    sandbox.server(lacks={"smtp": "the target has no smtp"})
    sandbox.checks(SAMPLES)
    assert sandbox.run("-k", "noop").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert sandbox.report()["exit_code"] == 3


def test_a_fixture_that_fails_is_our_error(sandbox):
    sandbox.checks(
        HEAD
        + """
@pytest.fixture
def broken(): raise ValueError("no luck")

@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
def test_one(target, broken): pass
"""
    )
    sandbox.run().assert_outcomes(errors=1)
    assert sandbox.outcomes() == {"1/must": "error"}
    assert sandbox.evidence("must")["reason"] == "no luck"


def test_stopping_at_the_first_failure_judges_what_was_run(sandbox):
    sandbox.server(NOOP="500 no")
    sandbox.checks(SAMPLES)
    sandbox.run("-x").assert_outcomes(failed=1)
    assert sandbox.outcomes() == {"1/must": "violates"}


def test_a_check_can_find_out_on_its_way_that_it_cannot_judge(sandbox):
    sandbox.checks(
        check_of('unsupported("no such extension")')
        + check_of('inconclusive("the account is locked")', '"rfc5321/1/prose", level=PROSE').replace(
            "_one", "_two"
        )
    )
    sandbox.run().assert_outcomes(skipped=2)
    assert sandbox.outcomes() == {"1/must": "unsupported", "1/prose": "inconclusive"}


def test_a_failure_that_does_not_come_again_is_flaky_and_stays_red(sandbox):
    sandbox.checks(
        HEAD
        + """
calls = []
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(number=st.just(1))
def test_numbers(target, number):
    calls.append(number)
    verify(len(calls) != 1, expected="calm", actual="trouble")
"""
    )
    sandbox.run().assert_outcomes(failed=1)
    assert sandbox.outcomes() == {"1/must": "violates"}
    assert "flaky" in sandbox.evidence("must")["note"]


def test_parametrised_cases_are_one_check_with_the_gravest_outcome(sandbox):
    sandbox.server(RSET="500 no")
    sandbox.checks(
        HEAD
        + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@pytest.mark.parametrize("verb", [b"NOOP", b"RSET", b"NOOP x"])
@given(number=st.integers())
def test_verbs(target, verb, number):
    verify_equal("code", expected=250, actual=target.code(verb))
"""
    )
    sandbox.run().assert_outcomes(passed=2, failed=1)
    checks = sandbox.report()["checks"]
    assert [check["outcome"] for check in checks] == ["violates"]
    assert checks[0]["evidence"]["input"] == ["verb = b'RSET'", "number = 0"]


def test_requirement_may_stand_below_given(sandbox):
    sandbox.checks(
        HEAD
        + """
@given(number=st.integers())
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
def test_numbers(target, number):
    target.ask(b"NOOP")
"""
    )
    sandbox.run().assert_outcomes(passed=1)
    assert sandbox.outcomes() == {"1/must": "conforms"}


class TestWaivers:
    WAIVER = '[[waiver]]\nrequirement = "rfc5321/1/must"\nreason = "ticket 4711"\nuntil = {}\n'

    def test_a_finding_is_waived_with_its_reason(self, sandbox):
        sandbox.target(self.WAIVER.format("2999-01-01"))
        sandbox.server(NOOP="500 no")
        sandbox.checks(SAMPLES)
        sandbox.run().assert_outcomes(xfailed=1, passed=3)
        assert sandbox.outcomes()["1/must"] == "waived"
        assert "ticket 4711" in sandbox.evidence("must")["reason"]
        assert sandbox.evidence("must")["expected"] == "code: 250"
        assert sandbox.report()["exit_code"] == 0

    def test_one_that_has_ended_is_reported_and_not_applied(self, sandbox):
        sandbox.target(self.WAIVER.format("2020-01-01"))
        sandbox.server(NOOP="500 no")
        sandbox.checks(SAMPLES)
        sandbox.run().assert_outcomes(failed=1, passed=3)
        assert any("ended on 2020-01-01" in note for note in sandbox.report()["notes"])

    def test_one_that_applies_to_nothing_is_reported_and_fails_when_strict(self, sandbox):
        sandbox.target(self.WAIVER.format("2999-01-01"))
        sandbox.checks(SAMPLES)
        sandbox.run()
        assert any("applies to nothing any more" in note for note in sandbox.report()["notes"])
        assert sandbox.report()["exit_code"] == 0
        sandbox.run("--mailproof-strict")
        assert sandbox.report()["exit_code"] == 1

    def test_one_that_applies_fails_nobody_who_is_strict(self, sandbox):
        sandbox.target(self.WAIVER.format("2999-01-01"))
        sandbox.server(NOOP="500 no")
        sandbox.checks(SAMPLES)
        sandbox.run("--mailproof-strict")
        assert sandbox.report()["notes"] == []
        assert sandbox.report()["exit_code"] == 0

    @pytest.mark.parametrize(
        "words", [["--mailproof-select", "hazards"], ["--mailproof-level", "must"], ["-k", "expn"]]
    )
    def test_one_of_a_check_that_is_not_run_says_nothing(self, sandbox, words):
        sandbox.target(self.WAIVER.format("2999-01-01").replace("1/must", "2/should"))
        sandbox.checks(SAMPLES)
        sandbox.run("--mailproof-strict", *words)
        assert not any("waiver" in note for note in sandbox.report()["notes"])
        assert sandbox.report()["exit_code"] == 0

    def test_one_of_a_twin_is_one_of_the_check(self, sandbox):
        sandbox.target(self.WAIVER.format("2999-01-01").replace("rfc5321/1/must", "rfc3501/7/data"))
        sandbox.checks(SAMPLES.replace("=MUST, ", '=MUST, also="rfc3501/7/data", '))
        sandbox.server(NOOP="500 no")
        sandbox.run()
        assert sandbox.outcomes()["1/must"] == "waived"
        sandbox.server()
        sandbox.run("--mailproof-strict")
        assert any("applies to nothing any more" in note for note in sandbox.report()["notes"])

    def test_one_of_no_requirement_is_refused_with_what_was_perhaps_meant(self, sandbox):
        sandbox.target(self.WAIVER.format("2999-01-01").replace("1/must", "1/mist"))
        sandbox.checks(SAMPLES)
        result = sandbox.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            ['ERROR: *target.toml: waiver: there is no requirement "rfc5321/1/mist"; did you mean *1/must?']
        )


class TestAmbientRules:
    ENTRY = (
        '["4.2/first-digit-2-to-5"]\nlevel = "MUST NOT"\nside = "server"\n'
        'statement = "No reply begins with another digit."\n'
    )

    @pytest.fixture
    def sandbox(self, sandbox):
        with (sandbox.path / "catalogue" / "rfc" / "rfc5321.toml").open("a") as file:
            file.write(self.ENTRY)
        sandbox.checks(SAMPLES)
        return sandbox

    @pytest.mark.parametrize("workers", [[], ["-n", "2"]])
    def test_they_are_judged_on_what_all_checks_say(self, sandbox, workers):
        sandbox.run(*workers, subprocess=bool(workers))
        assert sandbox.outcomes()["4.2/first-digit-2-to-5"] == "conforms"
        assert sandbox.report()["exit_code"] == 0
        sandbox.server(HELP="614 see RFC")
        result = sandbox.run(*workers, "--mailproof-seed", "9", subprocess=bool(workers))
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert sandbox.outcomes()["4.2/first-digit-2-to-5"] == "violates"
        assert sandbox.outcomes()["3/may"] == "observed"
        assert sandbox.report()["exit_code"] == 1
        evidence = sandbox.evidence("first-digit-2-to-5")
        assert evidence["note"] == "seen during rfc5321/3/may"
        assert evidence["dialogues"][0]["text"] == "C: HELP\nS: 614 see RFC"
        assert evidence["replay"].startswith(
            "mailproof check target.toml rfc5321/3/may rfc5321/4.2/first-digit"
        )

    def test_a_check_can_keep_its_own_conversations_out(self, sandbox):
        sandbox.checks(SAMPLES.replace("level=MAY, ", "level=MAY, ambient=False, "))
        sandbox.server(HELP="614 see RFC")
        sandbox.run()
        assert sandbox.outcomes()["4.2/first-digit-2-to-5"] == "conforms"

    @pytest.mark.parametrize(
        ("words", "judged"),
        [
            (["--mailproof-select", "smtp"], True),
            (["--mailproof-select", "rfc5321/4.2", "--mailproof-select", "rfc5321/1"], True),
            (["--mailproof-select", "rfc5321/1"], False),
            (["--mailproof-select", "hazards"], False),
            (["--mailproof-refute"], False),
            (["-k", "nothing"], False),
        ],
    )
    def test_they_are_judged_where_they_are_selected(self, sandbox, words, judged):
        sandbox.run(*words)
        assert ("4.2/first-digit-2-to-5" in sandbox.outcomes()) is judged

    def test_alone_they_judge_nothing(self, sandbox):
        sandbox.run("--mailproof-select", "rfc5321/4.2/first-digit-2-to-5")
        assert sandbox.report()["checks"] == []
        assert sandbox.report()["exit_code"] == 3

    def test_they_can_be_waived(self, sandbox):
        waiver = '[[waiver]]\nrequirement = "rfc5321/4.2/first-digit-2-to-5"\nreason = "known"\n'
        sandbox.target(waiver)
        sandbox.server(HELP="614 see RFC")
        sandbox.run()
        assert sandbox.outcomes()["4.2/first-digit-2-to-5"] == "waived"
        assert sandbox.report()["exit_code"] == 0
