"""A run of many checks that nobody ran: as large as a suite gets, for what reads runs."""

from datetime import UTC, datetime

from harness.conformance.events import RunFinished, RunStarted
from harness.conformance.evidence import CheckInfo, CheckResult, Dialogue, Evidence, Turn
from harness.reports.run import Run
from harness.vocabulary.judging import Level, Outcome

CHECKS = 2_000
_OUTCOMES = (
    *(Outcome.CONFORMS,) * 17,
    Outcome.VIOLATES,
    Outcome.DEVIATES,
    Outcome.UNSUPPORTED,
)
_LEVELS = (Level.MUST, Level.PROSE, Level.SHOULD, Level.MUST_NOT)
_GROUPS = ("smtp", "imap", "pop3", "lmtp", "relay")
_RFCS = (1870, 1939, 2033, 2177, 3030, 3501, 4954, 5321, 6409, 9051)
_LINES = 40


def synthetic_run(checks: int = CHECKS, *, lines: int = _LINES) -> Run:
    """Return a run of so many checks, one in ten with findings: a bad day."""
    results = tuple(_result(number, lines) for number in range(checks))
    started = RunStarted(
        version="0.1.0",
        target="synthetic",
        target_file="synthetic.toml",
        seed=7,
        depth="quick",
        refute=False,
        strict=False,
        started=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        checks=tuple(result.info for result in results),
    )
    return Run(started, results, RunFinished(seconds=61.5))


def _result(number: int, lines: int) -> CheckResult:
    rfc = _RFCS[number % len(_RFCS)]
    section = f"{number // 10 % 9 + 1}.{number // 90 % 7 + 1}"
    outcome = _OUTCOMES[number // len(_RFCS) % len(_OUTCOMES)]
    info = CheckInfo(
        id=f"rfc{rfc}/{section}/duty-number-{number}",
        title=f"What the server does in the case {number}, it does in every other case of the kind",
        level=_LEVELS[number % len(_LEVELS)],
        statement="A server that takes the responsibility for a message delivers it, or says that it could "
        "not; it does not lose it for reasons that could have been foreseen.",
        source=f"RFC {rfc} §{section}",
        group=_GROUPS[number % len(_GROUPS)],
    )
    return CheckResult(info, outcome, 0.012 + number / 1e5, 5, _evidence(number, outcome, lines))


def _evidence(number: int, outcome: Outcome, lines: int) -> Evidence:
    if outcome is Outcome.UNSUPPORTED:
        return Evidence(reason="the target does not announce CHUNKING")
    if outcome is Outcome.CONFORMS:
        return Evidence()
    turns = tuple(
        Turn(
            "CS"[line % 2],
            f"{line:04} a line of case {number} with some words in it\r\n".encode(),
            line / 900,
        )
        for line in range(lines)
    )
    text = "\n".join(f"{turn.mark}: {turn.octets.decode().rstrip()}" for turn in turns)
    return Evidence(
        expected="the code 250",
        actual=f"b'550 5.7.1 not in the case {number}\\r\\n'",
        input=("text = b'.\\r\\n..\\r\\n'",),
        dialogues=(Dialogue("smtp 127.0.0.1:2525", text, turns),),
        replay=f"mailproof check synthetic.toml duty-number-{number} --depth quick --seed 7",
    )
