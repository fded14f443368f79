"""Commands work from any directory: what lies there by our names, or pytest's and Locust's, is not ours.

They also need no home to write to, and no environment but a PATH.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAILPROOF = (sys.executable, "-P", "-c", "import sys; from harness.cli.main import main; sys.exit(main())")
OURS = ("harness", "suites", "loadtests", "reference_server", "locust", "hypothesis", "dns")
TRAP = "raise RuntimeError('this is the folder of the user')\n"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A project of the user's, of the kind that stands in our way."""
    project = tmp_path / "project"
    for package in OURS:
        (project / package).mkdir(parents=True)
        (project / package / "__init__.py").write_text(TRAP)
    for folder in (project, project / "suites", project / "loadtests"):
        (folder / "conftest.py").write_text(TRAP)
    (project / "locustfile.py").write_text(TRAP)
    (project / "socket.py").write_text(TRAP)
    (project / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (project / "locust.conf").write_text("tags = theirs\n")
    (project / "suites" / "test_theirs.py").write_text("def test_theirs():\n    raise RuntimeError\n")
    return project


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that nobody can write to, root neither: nothing can be made below a file."""
    file = tmp_path / "home"
    file.touch(mode=0o400)
    return file / "nowhere"


def mailproof(directory: Path, home: Path, *words: str, **environment: str) -> str:
    """Run a command with almost no environment; it ends well, complains of nothing and leaves nothing."""
    before = sorted(directory.rglob("*"))
    ended = subprocess.run(
        [*MAILPROOF, *words],
        cwd=directory,
        env={"HOME": str(home), "PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert ended.stderr == ""
    assert sorted(directory.rglob("*")) == before
    return ended.stdout


def test_what_there_is_to_check_is_listed(elsewhere: Path, home: Path) -> None:
    listed = mailproof(elsewhere, home, "check", "--list")
    assert "rfc5321" in listed.lower().replace(" ", "")
    assert "checks would run" in listed
    assert "theirs" not in listed


def test_a_check_runs_in_workers_too(elsewhere: Path, home: Path) -> None:
    printed = mailproof(elsewhere, home, "check", "rfc1939/5", "--workers", "2", PYTEST_ADDOPTS="--no-such")
    assert "conforms" in printed
    assert "theirs" not in printed


def test_profiles_are_listed_and_run(elsewhere: Path, home: Path) -> None:
    assert "smtp-inbound" in mailproof(elsewhere, home, "load", "--list")
    words = ("load", "smtp-inbound", "-u", "2", "-t", "1", "--processes", "2")
    printed = mailproof(elsewhere, home, *words, LOCUST_TAGS="theirs")
    assert "service level met" in printed
