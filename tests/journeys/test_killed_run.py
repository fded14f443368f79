"""A run that is killed in the middle: all that was judged is on record, and every report is made of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

MAILPROOF = (sys.executable, "-P", "-c", "import sys; from harness.cli.main import main; sys.exit(main())")
WAIT_FOR = 12
"""Checks that are judged before the kill; POP3 has several times as many."""


def test_what_was_judged_before_a_kill_is_reported(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}

    def report(*words: str) -> str:
        ended = subprocess.run(
            [*MAILPROOF, "report", "run.jsonl", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

    with subprocess.Popen(
        [*MAILPROOF, "check", "pop3", "--record", "run.jsonl"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        printed = []
        while len(printed) < WAIT_FOR and (line := child.stdout.readline()):
            words = line.split()
            if line.startswith("  ") and "/" in line:
                printed.append((words[0], words[1]))
        child.send_signal(signal.SIGKILL)
        printed += [
            (line.split()[0], line.split()[1])
            for line in child.stdout
            if line.startswith("  ") and "/" in line
        ]
    assert child.returncode == -signal.SIGKILL
    assert len(printed) >= WAIT_FOR

    report("--json", "run.json", "--junit", "run.xml", "--html", "run.html", "--md", "run.md")
    data = json.loads((tmp_path / "run.json").read_text())
    recorded = [(one["outcome"], one["id"].split("/", 1)[1]) for one in data["checks"]]
    assert set(printed) <= set(recorded)
    assert len(recorded) < len(json.loads((tmp_path / "run.jsonl").read_text().split("\n")[0])["checks"])
    assert (data["interrupted"], data["exit_code"]) == (True, 3)

    broken_off = f"the run was broken off: {len(recorded)} of "
    assert broken_off in report()
    document = ElementTree.parse(tmp_path / "run.xml").getroot()  # noqa: S314 - we wrote it
    assert document.find("testsuite[@name='run']//error").get("message").startswith(broken_off)
    assert "inconclusive" in (tmp_path / "run.md").read_text().splitlines()[0]
    assert recorded[0][1] in (tmp_path / "run.html").read_text()
