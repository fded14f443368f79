"""A recorded failure is run again by the real commands, and each of the three words is seen.

A server stands behind the fault proxy, whose faults are switched while it runs: as when somebody mends it, or
half mends it. The same failure is tried on other servers, with a fault seeded in the server itself.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

MAILPROOF = (sys.executable, "-P", "-c", "import sys; from harness.cli.main import main; sys.exit(main())")
RSET_OK = "rfc5321/4.1.1.5/rset-ok"
TRANSPARENCY = "rfc2033/4/transparency"
REFUSED = "transport-refuse-for-good:match=^RSET,times=0"
READY_WITHIN_S = 30.0


class Directory:
    """Where a user works."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {**os.environ, "HOME": str(path), "XDG_CACHE_HOME": str(path)}

    def mailproof(self, *words: str) -> tuple[int, str, str]:
        """Run a command to its end; exit code, output, complaints."""
        ended = subprocess.run(
            [*MAILPROOF, *words],
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout, ended.stderr

    def replay(self, *words: str) -> tuple[int, str]:
        """Run `mailproof replay`; exit code, and the last line."""
        code, out, err = self.mailproof("replay", *words)
        assert err == ""
        return code, out.splitlines()[-1]

    @contextmanager
    def serving(self, *words: str, target: str) -> Iterator[list[str]]:
        """Run a command that serves until the end of the block; its lines up to the target file's."""
        with subprocess.Popen(
            [*MAILPROOF, *words, "--write-target", target],
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as child:
            assert child.stdout is not None
            try:
                deadline = time.monotonic() + READY_WITHIN_S
                lines = []
                while not (self.path / target).exists():
                    assert child.poll() is None, child.stdout.read()
                    assert time.monotonic() < deadline, lines
                    lines.append(child.stdout.readline())
                yield lines
            finally:
                child.terminate()


@pytest.fixture
def here(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


def switch(control: str, *faults: str) -> None:
    """Have other faults from now on."""
    place = urlsplit(control)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request("PUT", place.path, json.dumps({"faults": list(faults)}))
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def test_failed_fixed_and_flaky_behind_the_fault_proxy(here: Directory) -> None:
    words = ("faults", "--fault", REFUSED, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
    with here.serving(*words, target="proxied.toml") as lines:
        (control,) = [line.split()[1] for line in lines if line.startswith("control ")]
        code, out, _ = here.mailproof("check", "proxied.toml", RSET_OK, "--record", "run.jsonl")
        assert code == 1
        assert f"violates: {RSET_OK}" in out
        assert here.replay("run.jsonl") == (1, "FAILED: it failed in 3 of 3 runs")
        switch(control)
        assert here.replay("run.jsonl", RSET_OK) == (0, "FIXED: it did not fail in any of 3 runs")
        switch(control, f"{REFUSED},chance=0.5")
        code, line = here.replay("run.jsonl", "--times", "8")
        assert (code, line[:5]) == (1, "FLAKY")
        assert line.endswith(" of 8 runs")
    code, out, err = here.mailproof("replay", "run.jsonl")
    assert code == 3
    assert out.splitlines()[-1].startswith("  now on: ")
    assert err.startswith("mailproof replay: ")
    assert err.count("\n") == 1
    assert "connection refused" in err


def test_a_failure_is_handed_over_and_tried_on_another_server(here: Directory) -> None:
    fault = ("serve", "--ports", "free", "--fault", "smtp-dot-kept")
    accounts = [word for n in range(4) for word in ("--account", f"u{n}@example.test:secret{n}")]
    with here.serving(*fault, *accounts, target="faulty.toml"):
        code, _, _ = here.mailproof("check", "faulty.toml", TRANSPARENCY, "--failures", "failed")
        assert code == 1
        (failure,) = (here.path / "failed").iterdir()
        code, out, err = here.mailproof("replay", str(failure))
        assert (code, err) == (1, "")
        assert r"    text = b'.\r\n'" in out, "the smallest input"
        assert "C: ..\n" in out
        assert "note:" not in out
        assert out.endswith("FAILED: it failed in 3 of 3 runs\n")
    (here.path / "faulty.toml").unlink()
    code, out, err = here.mailproof("replay", str(failure))
    assert (code, out) == (2, "")
    assert "name another target file after the record" in err
    with here.serving("serve", "--ports", "free", *accounts, target="mended.toml"):
        assert here.replay(str(failure), "mended.toml") == (0, "FIXED: it did not fail in any of 3 runs")
