"""`mailproof check` from the command line on, with sample suites and the fake server."""

import json
import os
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.main import COMMANDS, build_parser

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
import conformance_sandbox as samples


def test_a_target_that_conforms_ends_with_0_and_a_summary(shop, capsys):
    assert shop.run("target.toml") == 0
    out, err = capsys.readouterr()
    assert "RFC 5321" in out
    assert "fake: conforms" in out
    assert "4 checks" in out
    assert err == ""


def test_violations_end_with_1_and_evidence(shop, capsys):
    shop.server(NOOP="500 no")
    assert shop.run("target.toml", "--seed", "5") == 1
    out = capsys.readouterr().out
    assert "violates: rfc5321/1/must" in out
    assert "replay: mailproof check target.toml rfc5321/1/must --depth quick --seed 5" in out


def test_deviations_end_with_1_only_when_strict(shop):
    shop.server(VRFY="550 no")
    assert shop.run("target.toml") == 0
    assert shop.run("target.toml", "--strict") == 1


def test_a_server_that_answers_nowhere_ends_with_3_and_one_line(shop, capsys):
    shop.server(dead=True)
    assert shop.run("target.toml") == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "mailproof check: fake cannot be tested: smtp: 127.0.0.1:1: connection refused; "
        f"start the server, or mend {shop.path / 'target.toml'}\n"
    )


def test_the_level_decides_what_is_judged_and_listed(shop, capsys):
    shop.server(VRFY="550 no")
    assert shop.run("target.toml", "--strict", "--level", "must") == 0
    out = capsys.readouterr().out
    assert "2 checks, " in out
    assert "note: 2 checks of SHOULD, SHOULD NOT and MAY left out by --level must" in out
    assert shop.run("target.toml", "--strict", "--level", "should") == 1
    capsys.readouterr()
    assert shop.run("target.toml", "--level", "should", "--list") == 0
    out = capsys.readouterr().out
    assert "3 checks would run, 0 would not" in out
    assert "3/may" not in out


def test_a_level_that_leaves_nothing_of_a_selection_ends_with_2(shop, capsys):
    assert shop.run("target.toml", "rfc5321/3", "--level", "should", "--list") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mailproof check: 'rfc5321/3' selects only checks of MAY")
    assert err.count("\n") == 1


def test_a_waiver_of_no_requirement_ends_with_2_before_anything_is_started(shop, capsys):
    with (shop.path / "target.toml").open("a") as file:
        file.write('[[waiver]]\nrequirement = "rfc5321/4.5.2/remove-one-dots"\nreason = "known"\n')
    shop.server(dead=True)
    assert shop.run("target.toml") == 2
    err = capsys.readouterr().err
    assert 'there is no requirement "rfc5321/4.5.2/remove-one-dots"; did you mean rfc5321' in err
    assert err.count("\n") == 1


def test_selectors_and_options_come_in_any_order(shop, capsys):
    assert shop.run("rfc5321/2", "--depth", "deep", "target.toml", "hazards") == 0
    assert "2 checks" in capsys.readouterr().out


def test_a_selection_of_nothing_ends_with_2_and_one_line(shop, capsys):
    assert shop.run("target.toml", "rfc9999") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mailproof check: 'rfc9999' selects no check; ")
    assert err.count("\n") == 1


def test_a_selection_of_nothing_is_found_before_a_target_that_is_down(shop, capsys):
    shop.server(dead=True)
    assert shop.run("target.toml", "nonsense") == 2
    assert capsys.readouterr().err.startswith("mailproof check: 'nonsense' selects no check; ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["missing.toml"], "missing.toml: cannot be read"),
        (["a.toml", "b.toml"], "one target at a time, not a.toml and b.toml"),
        (
            ["target.toml", "--json", "no/such/run.json"],
            "--json no/such/run.json: cannot be written: there is no folder",
        ),
        (["target.toml", "--junit", "."], "--junit .: cannot be written: it is a folder"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(shop, capsys, words, line):
    assert shop.run(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"mailproof check: {line}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--depth", "bottomless"], ["--seed", "-1"], ["-n", "0"], ["--nonsense"], ["x", "-q"]]
)
def test_wrong_options_end_with_2(shop, capsys, words):
    with pytest.raises(SystemExit) as left:
        shop.run(*words)
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("mailproof check: ")
    assert err.endswith("; see mailproof check --help\n")
    assert err.count("\n") == 1


def test_what_the_file_does_not_permit_is_never_run(shop, capsys):
    shop.target(permits='"load"')
    assert shop.run("target.toml") == 2
    assert 'permits does not name "conformance"' in capsys.readouterr().err


def test_list_runs_nothing_and_says_what_would_not_run(shop, capsys):
    shop.server(lacks={"smtp": "the target has no smtp"}, NOOP="!bug", VRFY="!bug")
    assert shop.run("target.toml", "--list") == 0
    out = capsys.readouterr().out
    assert "3 checks would run, 1 would not" in out
    assert "the target has no smtp" in out
    assert "fake: " not in out


def test_both_reports_are_written(shop):
    assert shop.run("target.toml", "--json", "run.json", "--junit", "run.xml") == 0
    assert json.loads((shop.path / "run.json").read_text())["summary"]["conforms"] == 2
    assert (shop.path / "run.xml").read_text().startswith("<?xml")


def test_refute_finds_the_toothless(shop, capsys):
    assert shop.run("target.toml", "--refute") == 0
    assert "every check can fail" in capsys.readouterr().out
    shop.checks(samples.SAMPLES.replace("expected=250", "expected=target.code(b'NOOP')"))
    assert shop.run("target.toml", "--refute") == 1
    assert "TOOTHLESS: " in capsys.readouterr().out


def test_checks_that_are_declared_wrongly_end_with_3_and_the_line_to_paste(shop, capsys):
    shop.checks(samples.SAMPLES.replace("level=SHOULD", "level=MAY"))
    assert shop.run("target.toml") == 3
    assert "level=Level.SHOULD," in capsys.readouterr().err


def test_ctrl_c_ends_with_what_was_judged(shop, capsys):
    shop.checks(
        samples.SAMPLES
        + """
@requirement("rfc5321/10/later", level=MUST_NOT, refuted_by=BREAK)
def test_later(target):
    raise KeyboardInterrupt
"""
    )
    assert shop.run("target.toml", "--json", "run.json") == 3
    out = capsys.readouterr().out
    assert "interrupted: " in out
    assert "3 checks" in out
    report = json.loads((shop.path / "run.json").read_text())
    assert report["interrupted"] is True
    assert [one["outcome"] for one in report["checks"]] == ["conforms", "conforms", "observed"]


def test_the_users_own_pytest_has_no_say(shop, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    (shop.path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (shop.path / "conftest.py").write_text("raise RuntimeError\n")
    (shop.path / "installed" / "conftest.py").write_text("raise RuntimeError\n")
    (shop.path / "suites").mkdir()
    (shop.path / "suites" / "__init__.py").write_text("raise RuntimeError\n")
    assert shop.run("target.toml") == 0
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ


class TestMain:
    def test_every_command_has_its_place(self):
        parser = build_parser()
        for command in COMMANDS:
            with pytest.raises(SystemExit) as left:
                parser.parse_args([command, "--help"])
            assert left.value.code == 0

    def test_version(self, capsys):
        with pytest.raises(SystemExit):
            main.main(["--version"])
        assert capsys.readouterr().out.startswith("mailproof 0.")

    def test_no_command_is_wrong_usage(self, capsys):
        with pytest.raises(SystemExit) as left:
            main.main([])
        assert left.value.code == 2
        assert "COMMAND" in capsys.readouterr().err


def test_what_is_almost_a_selection_is_told_what_it_may_mean(capsys):
    assert main.main(["check", "rfc5321/4.5.2/remove-one-dott"]) == 2
    said = "'rfc5321/4.5.2/remove-one-dott' selects no check; did you mean rfc5321/4.5.2/remove-one-dot"
    assert said in capsys.readouterr().err
    assert main.main(["check", "5321/4.5.2/remove-one"]) == 2
    assert "did you mean rfc5321/4.5.2/remove-one-dot?" in capsys.readouterr().err
