"""The parts that need no pytest around them."""

from datetime import UTC, datetime

import hypothesis
import pytest
from conformance_sandbox import HEAD
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.internal.conjecture import engine
from hypothesis.reporting import with_reporter

from harness.conformance import codec
from harness.conformance.depth import Depth, hypothesis_set_up
from harness.conformance.events import CheckFinished, RunFinished, RunStarted
from harness.conformance.evidence import (
    CaseResult,
    CheckInfo,
    Dialogue,
    Evidence,
    Teeth,
    Turn,
    combine,
)
from harness.conformance.lifeline import Lifeline
from harness.conformance.outcomes import of_finding, of_no_finding
from harness.conformance.recorder import Recorder, Waivers
from harness.conformance.selection import matches
from harness.conformance.text import replay_line, result_text
from harness.conformance.workbench import ServerSubject
from harness.plugin import door
from harness.targets.file import Accounts, Endpoint, TargetFile
from harness.vocabulary.judging import Level, Need, Offers, Outcome
from harness.vocabulary.services import Service, Tls

INFO = CheckInfo("rfc5321/4.5.2/dot", "Dots", Level.MUST, "One dot goes.", "RFC 5321 §4.5.2", "smtp", cases=2)

texts = st.text(max_size=20)
evidences = st.builds(
    Evidence,
    reason=texts,
    expected=texts,
    actual=texts,
    note=texts,
    input=st.lists(texts, max_size=2).map(tuple),
    dialogues=st.lists(
        st.builds(
            Dialogue,
            texts,
            texts,
            st.lists(
                st.builds(Turn, st.sampled_from("CS"), st.binary(max_size=20), st.integers(0, 9).map(float)),
                max_size=2,
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    observations=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2).map(
        lambda facts: tuple(facts.items())
    ),
)


@given(
    st.builds(
        CaseResult,
        outcome=st.sampled_from(Outcome),
        seconds=st.floats(0, 9),
        examples=st.integers(0, 9),
        evidence=evidences,
        teeth=st.none() | st.sampled_from(Teeth),
    )
)
def test_results_survive_the_way_from_a_worker(result):
    assert codec.case_from_json(codec.case_to_json(result)) == result


def test_so_do_checks():
    assert codec.info_from_json(codec.info_to_json(INFO)) == INFO


def case(outcome: Outcome, **more) -> CaseResult:
    return CaseResult(outcome, 1.0, 2, Evidence(reason=outcome.value), **more)


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((Outcome.CONFORMS, Outcome.VIOLATES), Outcome.VIOLATES),
        ((Outcome.UNSUPPORTED, Outcome.CONFORMS), Outcome.CONFORMS),
        ((Outcome.ERROR, Outcome.DEVIATES), Outcome.DEVIATES),
        ((Outcome.WAIVED, Outcome.INCONCLUSIVE), Outcome.INCONCLUSIVE),
        ((), Outcome.INCONCLUSIVE),
    ],
)
def test_cases_are_combined_by_gravity(outcomes, together):
    result = combine(INFO, tuple(case(outcome) for outcome in outcomes))
    assert result.outcome is together
    assert result.examples == 2 * len(outcomes)


def test_one_toothless_case_makes_the_check_toothless():
    cases = (case(Outcome.VIOLATES, teeth=Teeth.REFUTED), case(Outcome.CONFORMS, teeth=Teeth.TOOTHLESS))
    assert combine(INFO, cases).teeth is Teeth.TOOTHLESS


@pytest.mark.parametrize("level", list(Level))
def test_every_level_has_a_word_for_either_end(level):
    assert of_finding(level) is not of_no_finding(level) or level is Level.MAY


sections = st.lists(st.integers(1, 30).map(str), min_size=1, max_size=4).map(".".join)


@given(sections, sections)
def test_a_selector_is_a_prefix_that_ends_at_a_border(section, selector):
    check = CheckInfo(f"rfc5321/{section}/slug", "", Level.MUST, "", "", "smtp")
    parts, wanted = section.split("."), selector.split(".")
    assert matches(check, f"rfc5321/{selector}") == (parts[: len(wanted)] == wanted)
    assert matches(check, f"rfc5321/{selector}/") == (parts == wanted)


class Alive:
    def __init__(self) -> None:
        self.lost: str | None = None
        self.asked = 0

    def ask_alive(self, needs):
        self.asked += 1
        return self.lost


def test_a_server_that_is_gone_is_asked_again_only_after_a_rest():
    subject, now = Alive(), [0.0]
    lifeline = Lifeline(subject, clock=lambda: now[0])
    assert lifeline.lost(()) is None
    assert subject.asked == 0
    subject.lost = "refused"
    assert lifeline.ask(()) == "refused"
    assert [lifeline.lost(()) for _ in range(3)] == ["refused"] * 3
    assert subject.asked == 1
    now[0] = 5.0
    subject.lost = None
    assert lifeline.lost(()) is None
    assert subject.asked == 2


def test_what_could_not_be_reached_is_asked_at_once():
    subject = Alive()
    lifeline = Lifeline(subject)
    lifeline.cut((), "no connection")
    assert lifeline.lost(()) is None
    assert subject.asked == 1


def test_services_are_lost_one_by_one():
    subject = Alive()
    lifeline = Lifeline(subject, clock=lambda: 0.0)
    subject.lost = "smtp: refused"
    lifeline.ask({Service.SMTP})
    subject.lost = None
    assert lifeline.lost({Service.SMTP, Need.RETRIEVE}) == "smtp: refused"
    assert lifeline.lost({Offers(Service.IMAP, "IDLE")}) is None
    assert lifeline.lost({Service.SMTP}) == "smtp: refused"


def started() -> RunStarted:
    return RunStarted("1", "t", "t.toml", 1, "quick", False, False, datetime.now(UTC), ())


def test_the_recorder_finishes_a_check_with_its_last_case_and_ends_once():
    events: list[object] = []
    recorder = Recorder([events.append], started())
    recorder.plan([INFO])
    recorder.plan([INFO])
    recorder.judge(INFO, case(Outcome.CONFORMS))
    assert not any(isinstance(event, CheckFinished) for event in events)
    recorder.judge(INFO, case(Outcome.VIOLATES))
    recorder.judge(INFO, case(Outcome.ERROR))
    recorder.refuse("first", usage=True)
    recorder.refuse("second", usage=False)
    for _ in range(2):
        recorder.end(interrupted=False, waivers=Waivers())
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["RunStarted", "CheckStarted", "CheckFinished", "RunFinished"]
    assert events[2].result.outcome is Outcome.VIOLATES
    assert isinstance(events[3], RunFinished)
    assert (events[3].problem, events[3].usage) == ("first", True)


def test_an_interrupted_check_is_judged_by_the_cases_it_had():
    events: list[object] = []
    recorder = Recorder([events.append], started())
    recorder.judge(INFO, case(Outcome.VIOLATES))
    recorder.start(CheckInfo("rfc5321/9/other", "", Level.MUST, "", "", "smtp"))
    recorder.end(interrupted=True, waivers=Waivers())
    assert [result.outcome for result in recorder.results] == [Outcome.VIOLATES]


def test_the_line_that_replays_is_quoted_for_the_shell():
    line = replay_line("my server.toml", "rfc5321/1/x", depth="deep", seed=3, refute=True)
    assert line == "mailproof check 'my server.toml' rfc5321/1/x --depth deep --seed 3 --refute"


def test_text_of_evidence_leaves_out_what_is_not_there():
    text = result_text(combine(INFO, (case(Outcome.UNSUPPORTED), case(Outcome.UNSUPPORTED))))
    assert "reason: unsupported" in text
    assert "expected" not in text
    assert "dialogue" not in text


def test_a_subject_says_which_service_does_not_answer(tmp_path):
    endpoint = Endpoint(Service.SMTP, Tls.NONE, host="127.0.0.1", port=1)
    file = TargetFile(tmp_path, "t", frozenset(), (endpoint,), Accounts("example.test"))
    subject = ServerSubject(file)
    try:
        assert (subject.ask_alive({Service.SMTP}) or "").startswith("smtp: ")
        assert subject.ask_alive({Service.IMAP}) is None
        preflight = subject.preflight()
    finally:
        subject.close()
    assert preflight.answering == 0
    assert len(preflight.problems) == 1
    assert preflight.fatal is None


def test_hypothesis_is_set_up_for_the_run_and_put_back():
    before = (hypothesis.settings.get_current_profile_name(), engine.MAX_SHRINKING_SECONDS)
    with hypothesis_set_up(Depth.NORMAL):
        now = hypothesis.settings()
        assert (now.max_examples, now.stateful_step_count, now.deadline, now.database) == (25, 30, None, None)
        assert engine.MAX_SHRINKING_SECONDS == 20
    assert (hypothesis.settings.get_current_profile_name(), engine.MAX_SHRINKING_SECONDS) == before


def test_shrinking_ends_when_its_time_is_over(monkeypatch):
    now = [0.0]
    calls = []

    @hypothesis.given(st.lists(st.integers(), min_size=30))
    def slow(numbers):
        calls.append(numbers)
        now[0] += 5.0
        assert sum(numbers) < 10

    with hypothesis_set_up(Depth.NORMAL):
        wrapped = hypothesis.settings(hypothesis.settings())(slow)
        monkeypatch.setattr(engine.time, "perf_counter", lambda: now[0])
        with pytest.raises(AssertionError), with_reporter(lambda _text: None):
            wrapped()
    assert len(calls) < 40


class TestPyargs:
    """`pytest --pyargs suites` means the installed suites, wherever it is typed."""

    @pytest.mark.parametrize(
        ("word", "ending"),
        [
            ("suites", "/suites"),
            ("suites.rfc9999.test_x", "/suites/rfc9999/test_x.py"),
            ("suites.rfc9999.test_x::test_y[1]", "/suites/rfc9999/test_x.py::test_y[1]"),
        ],
    )
    def test_the_paths(self, word, ending):
        assert door._path_of_suite(word).endswith(ending)

    def test_a_users_own_suites_are_not_ours(self, sandbox):
        own = sandbox.path / "suites"
        own.mkdir()
        (own / "__init__.py").touch()
        (own / "conftest.py").write_text("raise RuntimeError('the conftest of the user')")
        (own / "test_users_own.py").write_text("def test_users_own(): pass")
        result = sandbox.pytester.runpytest_subprocess(
            *(
                "--pyargs",
                "suites",
                "--target",
                "target.toml",
                "--collect-only",
                "-q",
                "-p",
                "no:cacheprovider",
            )
        )
        assert "test_users_own" not in result.stdout.str()
        assert "the conftest of the user" not in result.stdout.str() + result.stderr.str()

    def test_other_arguments_and_other_sessions_are_left_alone(self, sandbox):
        sandbox.checks(HEAD + "def test_plain(): pass\n")
        sandbox.run("test_samples.py").assert_outcomes(passed=1)
