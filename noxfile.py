"""The project's own checks, each a session; `nox` runs what CI runs, in an order that ends with the tests.

All sessions but `check` run in the environment that nox itself is installed in (`pip install -e '.[dev]'`):
one installation serves six sessions. `check` builds its own, from the wheel, as a user would.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

HERE = Path(__file__).parent
PYTHON_TREES = ("harness", "reference_server", "suites", "loadtests", "tests", "bench", "noxfile.py")
PROFILES = ("smtp-inbound", "imap-reading", "pop3-download-delete", "mail-flow")
SEED = ("--seed", "21")
"""CI judges the commit, not the day's luck; `endurance` and every user's own run draw anew."""
KILL_TESTS = ("tests/reference_server/test_durability_of_the_sending_half.py",)
LAB_TARGET = HERE / "harness" / "lab" / "dovecot_postfix" / "target.toml"
LAB_PACKAGES = ("dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd", "postfix")
LAB_PROGRAMS = ("dovecot", "postfix")

# nox may be called by its path, without an activated environment: its neighbours are the tools meant.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "floors", "check", "interop", "load", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and likely mistakes, by ruff."""
    session.run("ruff", "check", *PYTHON_TREES)
    session.run("ruff", "format", "--check", *PYTHON_TREES)


@nox.session
def types(session: nox.Session) -> None:
    """Types, by mypy --strict."""
    session.run("mypy")


@nox.session
def floors(session: nox.Session) -> None:
    """Who may import whom, by import-linter."""
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests of mailproof itself, with coverage; arguments go to pytest."""
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--skip-covered", "--skip-empty", "--show-missing")


@nox.session(venv_backend="virtualenv")
def check(session: nox.Session) -> None:
    """Install the wheel as a user would: the suites conform, none is toothless, each known fault is caught.

    It runs in an empty folder, so that nothing is found by accident of where it stands.
    """
    session.install(".", silent=False)
    with tempfile.TemporaryDirectory() as empty:
        session.chdir(empty)
        session.run("mailproof", "--version")
        session.run("mailproof", "catalogue")
        session.run("mailproof", "check", "-n", "2", *SEED, *session.posargs)
        session.run("mailproof", "check", "-n", "2", *SEED, "--refute")
        session.run("mailproof", "teeth", "-n", "2", *SEED)


@nox.session
def interop(session: nox.Session) -> None:
    """Debian's Dovecot and Postfix, run by the lab: each finding must have its reasoned waiver."""
    _need_lab(session)
    session.run("mailproof", "check", str(LAB_TARGET), *SEED, *session.posargs)
    for profile in PROFILES:
        _load(session, profile, str(LAB_TARGET))


@nox.session
def load(session: nox.Session) -> None:
    """Each load profile for ten seconds, in two processes, against the reference server."""
    for profile in session.posargs or PROFILES:
        _load(session, profile)


@nox.session
def catalogue(session: nox.Session) -> None:
    """Read RFCs beside their entries (`-- -h` says how), or renew docs/coverage (`-- --snapshot`)."""
    if session.posargs == ["--snapshot"]:
        session.run("python", "-m", "harness.reports.coverage_files", "docs")
    else:
        session.run("python", "-m", "harness.catalogue.extraction", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """How fast the parts are, measured on this machine; nothing here passes or fails."""
    session.run("python", "-m", "bench", *session.posargs)


@nox.session
def endurance(session: nox.Session) -> None:
    """The long runs: kills by the thousand, properties at depth deep, faults before all checks, load."""
    session.run("pytest", *KILL_TESTS, env={"MAILPROOF_KILL_ROUNDS": "1000"})
    session.run("mailproof", "check", "--depth", "deep", *session.posargs)
    session.run("mailproof", "teeth", "-n", "2", "--widely")
    for profile in PROFILES:
        _load(session, profile, duration="60s")


def _load(session: nox.Session, profile: str, *target: str, duration: str = "10s") -> None:
    session.run("mailproof", "load", profile, *target, "--duration", duration, "--processes", "2")


def _need_lab(session: nox.Session) -> None:
    """Install the lab's servers where that is possible; say what is not run where it is not."""
    environment_path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [program for program in LAB_PROGRAMS if not shutil.which(program, path=environment_path)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        install = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *LAB_PACKAGES)
        session.run("apt-get", "update", "-q", external=True)
        session.run(*install, env=quiet, external=True)
        missing = [program for program in LAB_PROGRAMS if not shutil.which(program, path=environment_path)]
    if not missing and os.geteuid() == 0:
        return
    reason = (
        f"not run: {' and '.join(missing)} not installed (apt-get install {' '.join(LAB_PACKAGES)})"
        if missing
        else "not run: Postfix and Dovecot drop privileges at start, which needs root"
    )
    if os.environ.get("CI") == "true":
        session.error(reason)
    session.skip(reason)
