"""pymap is started by its target file, judged, and removed without a trace."""

import json
import subprocess
import sys
from pathlib import Path

import harness

TARGET = Path(harness.__file__).parent / "lab" / "pymap" / "target.toml"


def test_pymap_is_started_judged_and_stopped(tmp_path: Path) -> None:
    report = tmp_path / "run.json"
    argv = [str(Path(sys.executable).parent / "mailproof"), "check", str(TARGET)]
    selectors = ["rfc3501/6.1.1", "rfc3501/6.4.7/copy-to-the-end", "rfc5321/4.5.2"]
    run = subprocess.run(
        [*argv, *selectors, "--json", str(report)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    checks = {check["id"]: check["outcome"] for check in json.loads(report.read_text())["checks"]}
    assert run.returncode == 1, run.stderr
    assert checks["rfc3501/6.4.7/copy-to-the-end"] == "violates", "Maildir keeps bare LF, and so does FETCH"
    assert {outcome for name, outcome in checks.items() if name.startswith("rfc5321")} == {"unsupported"}
    assert "conforms" in checks.values()
