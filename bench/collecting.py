"""What it takes to collect 1,500 checks: import the modules, read the catalogue, verify, order, describe."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure

_CHECKS = 1_500
_PER_MODULE = 5
_SENTENCES = 4_000
"""As many entries has the catalogue, since most sentences have no check."""
_RUNS = 3
_HEAD = """\
from hypothesis import strategies as st

from harness.conformance import MUST, given, requirement, verify_equal
from harness.strategies import addresses, messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
"""
_CHECK = '''

@requirement(
    "rfc5321/{section}/sentence-{number}",
    level=MUST,
    needs={{Service.SMTP}},
    refuted_by=Rewrite.from_server(rb"^250", b"550"),
)
@given(text=messages.text_lines(), local_part=addresses.longest_local_parts(), count=st.integers(1, 9))
def test_sentence_{number}(target: Target, text: bytes, local_part: str, count: int) -> None:
    """Sentence {number} is kept."""
    verify_equal("count", expected=count, actual=len(text) + len(local_part))
'''
_ENTRY = (
    '["{section}/sentence-{number}"]\nlevel = "MUST"\nside = "server"\nstatement = "The server keeps it."\n'
)
_TARGET = """\
schema = 1
name = "nobody"
permits = ["conformance"]
[service.smtp]
host = "127.0.0.1"
port = 1
[accounts]
domain = "example.test"
pool = [{ address = "a@example.test", login = "a", password = "x" }]
"""


def figures() -> Iterator[Figure]:
    """Measure a process that collects and ends; the first time it also compiles the modules."""
    modules = _CHECKS // _PER_MODULE
    conditions = f"{_CHECKS:,} checks in {modules} modules, {_SENTENCES:,} sentences in the catalogue"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _write(directory)
        yield Figure("first collection, modules compiled", _collect(directory)[0], "s", conditions)
        wall_s, used_s = min(_collect(directory) for _ in range(_RUNS))
        yield Figure("collection", wall_s, "s", f"{conditions}; the best of {_RUNS}")
        yield Figure("the same: CPU", used_s / _CHECKS * 1e3, "ms/check", conditions)


def _write(directory: Path) -> None:
    (directory / "target.toml").write_text(_TARGET)
    (directory / "catalogue" / "rfc").mkdir(parents=True)
    (directory / "catalogue" / "index.toml").write_text('[rfc5321]\ntitle = "Sample"\ngroup = "smtp"\n')
    (directory / "catalogue" / "rfc" / "rfc5321.toml").write_text(
        "".join(_ENTRY.format(section=_section(number), number=number) for number in range(_SENTENCES))
    )
    suite = directory / "suite"
    suite.mkdir()
    for first in range(0, _CHECKS, _PER_MODULE):
        numbers = range(first, first + _PER_MODULE)
        checks = (_CHECK.format(section=_section(number), number=number) for number in numbers)
        (suite / f"test_s{first:04}.py").write_text(_HEAD + "".join(checks))


def _section(number: int) -> str:
    return f"{number // 100 + 1}.{number // 10 % 10 + 1}"


def _collect(directory: Path) -> tuple[float, float]:
    """Return the seconds that a collection takes, and those of CPU."""
    words = [
        *("-m", "pytest", "--collect-only", "-q", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"),
        *(
            "--assert=plain",
            "--rootdir",
            str(directory),
            "--mailproof-catalogue",
            str(directory / "catalogue"),
        ),
        *("--target", str(directory / "target.toml"), str(directory / "suite")),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_s = time.perf_counter()
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    elapsed_s = time.perf_counter() - started_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-2_000:] + done.stderr[-2_000:])
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return elapsed_s, used_s
