"""Commands of the reference server, run as a child process: the harness imports nothing of it."""

import subprocess
import sys
from collections.abc import Iterable


def run_server_command(words: Iterable[str]) -> int:
    """Run `python -m reference_server WORDS`, which speaks for itself; its exit code."""
    # -P: a folder of that name in the working directory is not the server.
    child = subprocess.run([sys.executable, "-P", "-m", "reference_server", *words], check=False)
    return child.returncode if child.returncode >= 0 else 3
