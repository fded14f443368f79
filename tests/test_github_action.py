"""The GitHub Action: what it declares, and its steps run as a runner runs them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from harness.reports.run import load_run

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, CHECK = ACTION["runs"]["steps"]
BASH = shutil.which("bash") or "/bin/bash"
EXPRESSION = re.compile(r"\$\{\{ *([^}]*?) *\}\}")

FAKE_PYTHON = """\
#!/bin/bash
echo "python $*" >> "$LOG"
if [ "$1" = -c ]; then exit "${TOO_OLD:-0}"; fi
mkdir -p "$3/bin"
printf '#!/bin/bash\\necho "pip $*" >> "$LOG"\\n' > "$3/bin/pip"
chmod +x "$3/bin/pip"
"""
FAKE_MAILPROOF = """\
#!/bin/bash
for word in "$@"; do echo "<$word>" >> "$LOG"; done
exit "${CODE:-0}"
"""


class Runner:
    """Runs a step as GitHub's runner does."""

    def __init__(self, path: Path) -> None:
        self.workspace = path / "work space"
        self.temp = path / "temp dir"
        self.log = path / "log"
        self.output = path / "output"
        self.summary = path / "summary.md"
        self.workspace.mkdir()
        self.temp.mkdir()
        self.log.touch()

    def program(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o700)
        return path

    def run(
        self, step: dict[str, Any], inputs: dict[str, str] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        values = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | (inputs or {})
        given = {
            name: EXPRESSION.sub(lambda match: values[match[1].removeprefix("inputs.")], text)
            for name, text in step["env"].items()
        }
        script = self.temp / "script.sh"
        script.write_text(step["run"])
        self.output.write_text("")
        return subprocess.run(
            [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.temp),
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": "/the action/path",
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "RUNNER_TEMP": str(self.temp),
                "LOG": str(self.log),
                **given,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


class TestDeclaration:
    def test_it_is_a_composite_action_with_the_promised_names(self):
        assert ACTION["runs"]["using"] == "composite"
        assert {"target", "select", "depth", "level", "strict", "args"} <= set(ACTION["inputs"])
        assert set(ACTION["outputs"]) == {"exit-code", "junit", "html", "record"}

    def test_everything_is_described(self):
        for one in (ACTION, *ACTION["inputs"].values(), *ACTION["outputs"].values()):
            assert one["description"]

    def test_no_expression_is_put_into_a_script(self):
        for step in ACTION["runs"]["steps"]:
            assert "${{" not in step["run"]
            assert step["shell"] == "bash"

    def test_every_input_is_handed_to_a_script_that_uses_it(self):
        used = set()
        for step in (INSTALL, CHECK):
            for name, value in step["env"].items():
                used.add(EXPRESSION.fullmatch(value)[1].removeprefix("inputs."))
                assert f'"${name}"' in step["run"]
        assert used == set(ACTION["inputs"])

    def test_every_output_is_one_of_the_step(self):
        for name, output in ACTION["outputs"].items():
            assert output["value"] == f"${{{{ steps.{CHECK['id']}.outputs.{name} }}}}"


class TestInstalling:
    def test_it_installs_from_where_the_action_is_into_a_place_of_its_own_once_in_a_job(self, runner):
        python = runner.program(runner.temp / "my python", FAKE_PYTHON)
        assert runner.run(INSTALL, {"python": str(python)}).returncode == 0
        venv = runner.temp / "mailproof"
        lines = runner.log.read_text().splitlines()
        assert lines[1:] == [
            f"python -m venv {venv}",
            "pip install --quiet --disable-pip-version-check /the action/path",
        ]
        runner.program(venv / "bin" / "mailproof", FAKE_MAILPROOF)
        assert runner.run(INSTALL, {"python": str(python)}).returncode == 0
        assert len(runner.log.read_text().splitlines()) == len(lines) + 1

    @pytest.mark.parametrize("too_old", ["1", "127"])
    def test_a_python_that_is_too_old_is_one_clear_line(self, runner, too_old):
        python = runner.program(runner.temp / "python", FAKE_PYTHON)
        ended = runner.run(INSTALL, {"python": str(python)}, TOO_OLD=too_old)
        assert ended.returncode == 2
        assert ended.stdout.startswith("::error title=mailproof::Python 3.11 or newer is needed")


class TestChecking:
    @pytest.fixture
    def words(self, runner) -> Callable[..., list[str]]:
        """What mailproof is called with, without the files."""
        runner.program(runner.temp / "mailproof" / "bin" / "mailproof", FAKE_MAILPROOF)

        def run(**inputs: str) -> list[str]:
            ended = runner.run(CHECK, inputs)
            assert (ended.returncode, ended.stderr) == (0, "")
            words = [line[1:-1] for line in runner.log.read_text().splitlines()]
            assert set(words[-6::2]) == {"--junit", "--html", "--record"}
            return words[:-6]

        return run

    def test_without_inputs_the_reference_server_is_checked(self, words):
        assert words() == ["check", "--depth", "quick", "--level", "may"]

    def test_inputs_become_words(self, words):
        assert words(
            target="my target.toml",
            select="imap\n  rfc5321/4.5\n",
            depth="deep",
            level="must",
            strict="true",
            args="-n 2",
        ) == [
            *("check", "--depth", "deep", "--level", "must", "my target.toml", "--strict"),
            *("imap", "rfc5321/4.5", "-n", "2"),
        ]

    def test_nothing_in_an_input_is_read_as_a_command(self, words, runner):
        (runner.workspace / "a file").touch()
        hostile = '"; touch owned; $(touch owned) `touch owned` * ${HOME}'
        assert words(target=hostile, select=hostile, args="--x=$(touch owned)") == [
            *("check", "--depth", "quick", "--level", "may", hostile, *hostile.split()),
            *("--x=$(touch", "owned)"),
        ]
        assert [path.name for path in runner.workspace.iterdir()] == ["a file"]

    @pytest.mark.parametrize("code", ["1", "2", "3"])
    def test_the_steps_end_is_that_of_the_check(self, runner, code):
        runner.program(runner.temp / "mailproof" / "bin" / "mailproof", FAKE_MAILPROOF)
        assert runner.run(CHECK, CODE=code).returncode == int(code)
        assert runner.outputs() == {"exit-code": code}

    def test_the_reference_server_is_checked_and_every_output_is_there(self, runner):
        command = (
            f'exec "{sys.executable}" -P -c "import sys; from harness.cli.main import main; sys.exit(main())"'
        )
        runner.program(runner.temp / "mailproof" / "bin" / "mailproof", f'#!/bin/bash\n{command} "$@"\n')
        ended = runner.run(CHECK, {"select": "rfc1939/5", "args": "--seed 21"})
        assert (ended.returncode, ended.stderr) == (0, "")
        outputs = runner.outputs()
        assert outputs["exit-code"] == "0"
        results = load_run(Path(outputs["record"])).results
        assert results
        root = ElementTree.parse(outputs["junit"]).getroot()  # noqa: S314 - we wrote it
        assert root.get("tests") == str(len(results))
        assert Path(outputs["html"]).read_text().startswith("<!")
        assert runner.summary.read_text().startswith("## mailproof: ")
