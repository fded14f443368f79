"""Runs for the tests of reports: a few fixed ones, and any that Hypothesis can think of."""

from collections.abc import Iterator
from datetime import UTC, datetime

from hypothesis import strategies as st

from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    Event,
    RunFinished,
    RunStarted,
)
from harness.conformance.evidence import CheckInfo, CheckResult, Dialogue, Evidence, Example, Teeth, Turn
from harness.reports.run import Run, gathered
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


def events_of(*results, started=STARTED, finished: RunFinished | None = FINISHED) -> Iterator[Event]:
    """The events of a run; without `finished` it was killed."""
    yield started
    for one in results:
        yield CheckStarted(one.info)
        yield CheckFinished(one)
    if finished is not None:
        yield finished


def run_of(*results, **more) -> Run:
    return gathered(events_of(*results, **more))


# -- any run

texts = st.text(st.characters(), max_size=20)
"""Control characters and lone surrogates too."""
few_texts = st.lists(texts, max_size=3).map(tuple)
seconds = st.integers(0, 10**9).map(lambda number: number / 10**6)
"""As exact as they are written."""
turns = st.builds(Turn, st.sampled_from(("C", "S", "TLS", "END")), st.binary(max_size=40), seconds)
dialogues = st.builds(Dialogue, texts, texts, st.lists(turns, max_size=3).map(tuple))
evidences = st.builds(
    Evidence,
    **dict.fromkeys(("reason", "expected", "actual", "note", "traceback", "replay"), texts),
    input=few_texts,
    dialogues=st.lists(dialogues, max_size=2).map(tuple),
    observations=st.dictionaries(texts, few_texts, max_size=3).map(lambda facts: tuple(facts.items())),
    example=st.none() | st.builds(Example, texts, texts, texts),
)
ids = st.sampled_from(("rfc5321/4.5.2/remove-one-dot", "rfc3501/6.1.2/noop", "hazard/smuggling"))
infos = st.builds(
    CheckInfo,
    ids,
    title=texts,
    level=st.sampled_from(Level),
    statement=texts,
    source=texts,
    group=texts,
    cases=st.integers(1, 9),
    also=few_texts,
)
results = st.builds(
    CheckResult,
    info=infos,
    outcome=st.sampled_from(Outcome),
    seconds=seconds,
    examples=st.integers(0, 300),
    evidence=evidences,
    teeth=st.none() | st.sampled_from(Teeth),
    refutation=texts,
)
starts = st.builds(
    RunStarted,
    **dict.fromkeys(("version", "target", "target_file"), texts),
    seed=st.integers(0, 1 << 32),
    depth=st.sampled_from(("quick", "normal", "deep")),
    refute=st.booleans(),
    strict=st.booleans(),
    started=st.datetimes(timezones=st.just(UTC)),
    checks=st.lists(infos, max_size=3, unique_by=lambda info: info.id).map(tuple),
    workers=st.integers(1, 8),
)
ends = st.builds(
    RunFinished,
    seconds,
    **dict.fromkeys(("interrupted", "usage"), st.booleans()),
    **dict.fromkeys(("problem", "silence"), texts),
    **dict.fromkeys(("notes", "waiver_notes"), few_texts),
)
events = st.one_of(
    starts,
    ends,
    st.builds(CheckListed, infos, st.none() | texts),
    st.builds(CheckStarted, infos),
    st.builds(CheckFinished, results),
)
runs = st.builds(
    lambda start, judged, end: run_of(*judged, started=start, finished=end),
    starts,
    st.lists(results, max_size=4),
    st.none() | ends,
)
