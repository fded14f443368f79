"""`mailproof replay` from the command line on, with sample suites and the fake server."""

import base64
import json
import zlib

import hypothesis
import pytest

from harness.cli import main
from harness.conformance import replaying

HEAD = """
import pytest
from hypothesis import example, strategies as st
from harness.conformance import *
from harness.transport.tamper import Rewrite

BREAK = Rewrite.from_server(b"^2", b"5")
"""
DRAWN = (
    HEAD
    + '''
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@given(text=st.text("abc", max_size=9), data=st.data())
def test_noop(target, text, data):
    """NOOP is harmless."""
    number = data.draw(st.integers(0, 99), label="number")
    code = target.code(b"NOOP %s %d" % (text.encode(), number))
    verify(code == 250 or "b" not in text or number < 7, expected="250", actual=code)
'''
)
FIXED_EXAMPLE = DRAWN.replace("@given", '@example(text="cabal", data=None)\n@given').replace(
    "data.draw", "8 if data is None else data.draw"
)
CASES = (
    HEAD
    + """
@requirement("rfc5321/1/must", level=MUST, refuted_by=BREAK)
@pytest.mark.parametrize("verb", [b"NOOP", b"RSET"], ids=["noop", "rset"])
def test_cases(target, verb):
    verify_equal("code", expected=250, actual=target.code(verb))
"""
)


def replay(*words: str) -> int:
    return main.main(["replay", *words])


@pytest.fixture
def failed(shop):
    """A record of a run in which NOOP failed."""
    shop.checks(DRAWN)
    shop.server(NOOP="500 no")
    assert shop.run("target.toml", "--record", "run.jsonl", "--depth", "deep") == 1
    return shop


def events(shop, path: str = "run.jsonl") -> list[dict]:
    return [json.loads(line) for line in (shop.path / path).read_text().splitlines()]


def write(shop, changed: list[dict]) -> None:
    (shop.path / "run.jsonl").write_text("".join(json.dumps(event) + "\n" for event in changed))


def change_example(shop, **changes: str) -> None:
    changed = events(shop)
    finished = next(event for event in changed if event["event"] == "check-finished")
    finished["evidence"]["example"].update(changes)
    write(shop, changed)


def test_the_very_example_is_run_again(failed, capsys):
    finished = next(event for event in events(failed) if event["event"] == "check-finished")
    assert finished["evidence"]["input"] == ["text = 'b'", "data = data(...)", "Draw 1 (number): 7"]
    example = finished["evidence"]["example"]
    assert example["hypothesis"] == hypothesis.__version__
    assert base64.b64decode(example["choices"])
    capsys.readouterr()
    assert replay("run.jsonl") == 1
    out, err = capsys.readouterr()
    assert "recorded: violates on fake" in out
    assert out.endswith("FAILED: it failed in 3 of 3 runs\n")
    assert "C: NOOP b 7" in out
    assert "note:" not in out
    assert err == ""


def test_what_is_mended_is_fixed(failed, capsys):
    failed.server()
    capsys.readouterr()
    assert replay("run.jsonl", "rfc5321/1/must", "--times", "2") == 0
    assert capsys.readouterr().out.endswith("FIXED: it did not fail in any of 2 runs\n")


def test_what_fails_now_and_then_is_flaky(failed, capsys):
    failed.server(NOOP=["250 OK", "500 no", "250 OK"])
    assert replay("run.jsonl") == 1
    assert capsys.readouterr().out.endswith("FLAKY: it failed in 2 of 5 runs\n")


def test_another_failure_than_the_recorded_one_is_said_to_be_one(failed, capsys):
    failed.server(NOOP="503 later")
    assert replay("run.jsonl") == 1
    assert "note: another answer than the recorded one, which was: 500" in capsys.readouterr().out
    failed.server(NOOP="!garbage")
    assert replay("run.jsonl") == 1
    out = capsys.readouterr().out
    assert "expected: a three-digit code" in out
    assert "note: another failure than the recorded one" in out


def test_another_server_can_be_named(failed, capsys):
    text = (failed.path / "target.toml").read_text()
    (failed.path / "other").mkdir()
    (failed.path / "other" / "target.toml").write_text(text.replace('name = "fake"', 'name = "another"'))
    (failed.path / "other" / "server.json").write_text(json.dumps({"NOOP": "250 OK"}))
    assert replay("run.jsonl", "other/target.toml") == 0
    out = capsys.readouterr().out
    assert "recorded: violates on fake" in out
    assert "now on:   another" in out


def test_an_example_written_beside_the_check_is_run_alone(shop, capsys):
    shop.checks(FIXED_EXAMPLE)
    shop.server(NOOP="500 no")
    assert shop.run("target.toml", "--record", "run.jsonl") == 1
    capsys.readouterr()
    assert replay("run.jsonl", "--times", "1") == 1
    out = capsys.readouterr().out
    assert "text = 'cabal'" in out
    assert "note:" not in out
    shop.server()
    assert replay("run.jsonl") == 0
    assert "note:" not in capsys.readouterr().out


def test_the_case_that_failed_is_run_alone(shop, capsys):
    shop.checks(CASES)
    shop.server(RSET="500 no", NOOP="250 OK")
    assert shop.run("target.toml", "--record", "run.jsonl") == 1
    shop.server(NOOP="500 no")
    assert replay("run.jsonl") == 0, "NOOP, which fails now, is another case"
    shop.server(RSET="500 no")
    capsys.readouterr()
    assert replay("run.jsonl") == 1
    assert "C: RSET" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hypothesis": "6.1.0"}, "its choices are for Hypothesis 6.1.0"),
        ({"choices": ""}, "the record does not say what Hypothesis chose"),
        ({"choices": "A"}, "its choices cannot be read"),
        ({"choices": "AAFCAkIAAA=="}, "the check does not make of its choices what it made then"),
        ({"choices": "gASVKAAAAA=="}, "its choices cannot be read"),
    ],
)
def test_where_the_example_cannot_be_had_the_check_is_run_and_that_is_said(failed, capsys, changes, why):
    change_example(failed, **changes)
    assert replay("run.jsonl", "--times", "1") == 1
    out = capsys.readouterr().out
    assert f"note: not the recorded example: {why}" in out
    assert "the check was run with the recorded seed" in out
    assert "at depth deep" in out
    assert "C: NOOP b 7" in out, "the same examples, and so the same smallest input"


def test_choices_without_measure_are_not_unpacked():
    bomb = base64.b64encode(b"\1" + zlib.compress(bytes(1 << 28), 9)).decode()
    assert len(bomb) < 1 << 20
    assert not replaying._are_readable(bomb)
    assert replaying._are_readable("AAFBAkEAAA==")


def test_what_cannot_be_run_ends_with_3_and_one_line(failed, capsys):
    failed.server(dead=True)
    capsys.readouterr()
    assert replay("run.jsonl") == 3
    assert capsys.readouterr().err.startswith("mailproof replay: fake cannot be tested: smtp: 127.0.0.1:1")
    failed.server(NOOP="!refused")
    assert replay("run.jsonl") == 3
    err = capsys.readouterr().err
    assert err == "mailproof replay: inconclusive: no connection: 127.0.0.1:1: connection refused\n"
    failed.checks(CASES)
    failed.server()
    assert replay("run.jsonl") == 3
    assert capsys.readouterr().err == "mailproof replay: rfc5321/1/must has no case '' any more\n"
    failed.checks(DRAWN.replace("rfc5321/1/must", "rfc5321/1/prose").replace("MUST", "PROSE"))
    assert replay("run.jsonl") == 3
    assert "selects no check" in capsys.readouterr().err


def test_what_the_other_server_lacks_is_named(shop, capsys):
    shop.server(NOOP="500 no")
    assert shop.run("target.toml", "--record", "run.jsonl") == 1
    shop.server(lacks={"smtp": "it has no SMTP"})
    capsys.readouterr()
    assert replay("run.jsonl") == 3
    assert capsys.readouterr().err == "mailproof replay: unsupported: it has no SMTP\n"


def test_a_failure_is_chosen_by_its_requirement(shop, capsys):
    shop.server(NOOP="500 no", EXPN="250 all")
    assert shop.run("target.toml", "--record", "run.jsonl") == 1
    capsys.readouterr()
    assert replay("run.jsonl") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "mailproof replay: run.jsonl: holds 2 failures; name one: rfc5321/1/must, hazard/sample\n"
    assert replay("run.jsonl", "hazard/sample", "--times", "1") == 1
    capsys.readouterr()
    assert replay("run.jsonl", "rfc5321/2/should") == 2
    assert "rfc5321/2/should did not fail there: conforms" in capsys.readouterr().err
    assert replay("run.jsonl", "rfc5321/9/nothing") == 2
    assert "holds no failure of rfc5321/9/nothing: rfc5321/1/must, hazard/sample" in capsys.readouterr().err


def test_a_failure_is_handed_over_in_a_file_of_its_own(shop, capsys):
    shop.server(NOOP="500 no", EXPN="250 all")
    shop.run("target.toml", "--record", "run.jsonl", "--failures", "failed")
    names = sorted(path.name for path in (shop.path / "failed").iterdir())
    assert names == ["hazard_sample.jsonl", "rfc5321_1_must.jsonl"]
    capsys.readouterr()
    assert replay("run.jsonl", "rfc5321/1/must", "--extract", "failure.json") == 0
    assert capsys.readouterr().out == ""
    (shop.path / "run.jsonl").unlink()
    assert replay("failure.json", "--times", "1") == 1
    assert replay("failed/rfc5321_1_must.jsonl", "--times", "1") == 1
    assert main.main(["report", "failure.json", "--json", "failure-report.json"]) == 0
    assert len(json.loads((shop.path / "failure-report.json").read_text())["checks"]) == 1


def test_a_failure_of_a_server_that_is_gone_asks_for_another_target(failed, capsys):
    (failed.path / "target.toml").rename(failed.path / "moved.toml")
    capsys.readouterr()
    assert replay("run.jsonl") == 2
    err = capsys.readouterr().err
    assert err.startswith("mailproof replay: target.toml: cannot be read")
    assert err.endswith("; name another target file after the record\n")
    assert replay("run.jsonl", "moved.toml", "--times", "1") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["target.toml"], "name the record of a run"),
        (["none.jsonl"], "none.jsonl: cannot be read"),
        (["server.json"], "server.json: is no record of a run"),
        (["a.toml", "b.toml", "run.jsonl"], "one target at a time"),
        (["run.jsonl", "rfc5321/1/must", "hazard/sample"], "one failure at a time"),
        (["run.jsonl", "--times", "0"], "a number of times is a whole number from 1"),
    ],
)
def test_wrong_usage_is_one_line(shop, capsys, words, line):
    try:
        code = replay(*words)
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert line in err


def test_nothing_failed_and_refutations_cannot_be_replayed(shop, capsys):
    assert shop.run("target.toml", "--record", "run.jsonl") == 0
    capsys.readouterr()
    assert replay("run.jsonl") == 2
    assert capsys.readouterr().err == "mailproof replay: run.jsonl: nothing failed there\n"
    shop.run("target.toml", "--record", "run.jsonl", "--refute")
    capsys.readouterr()
    assert replay("run.jsonl") == 2
    assert "mailproof check --refute runs them again" in capsys.readouterr().err


def test_what_has_no_example_of_its_own_is_referred_to_the_check(failed, capsys):
    changed = events(failed)
    for event in changed:
        if event["event"] == "check-finished":
            event["evidence"]["example"] = None
    write(failed, changed)
    capsys.readouterr()
    assert replay("run.jsonl", "rfc5321/1/must") == 2
    err = capsys.readouterr().err
    assert "run.jsonl: rfc5321/1/must has no example of its own; mailproof check target.toml rfc5321" in err
    assert replay("run.jsonl") == 2
    assert capsys.readouterr().err == "mailproof replay: run.jsonl: nothing failed there\n"
