"""What a durable message costs the reference server, driven by Postfix's own generator."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import Figure, child_running, cpu_s
from harness.targets import TargetFile, embedded_target
from harness.vocabulary.services import Service

_GENERATOR = "smtp-source"
_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A way of sending."""

    name: str
    size_octets: int
    count: int
    options: tuple[str, ...] = ()


_CASES = (
    Case("1 KiB, sessions kept open", 1024, 20_000, ("-d",)),
    Case("64 KiB, sessions kept open", 65_536, 3_000, ("-d",)),
    Case("1 KiB, a connection per message", 1024, 5_000),
)


def figures() -> Iterator[Figure]:
    """Measure the server's CPU time per acknowledged message, and how many it takes in a second."""
    generator = shutil.which(_GENERATOR, path="/usr/sbin:/usr/bin:/bin")
    if generator is None:
        yield Figure(f"not measured: {_GENERATOR} is not installed (apt-get install postfix)", 0, "", "")
        return
    for case in _CASES:
        with embedded_target(outbound=False) as target:
            used_s, elapsed_s = _drive(generator, target, case)
        conditions = f"{_SESSIONS} sessions, {case.count:,} messages"
        yield Figure(f"{case.name}: server CPU", used_s / case.count * 1e6, "µs/message", conditions)
        yield Figure(f"{case.name}: rate", case.count / elapsed_s, "messages/s", conditions)


def _drive(generator: str, target: TargetFile, case: Case) -> tuple[float, float]:
    """Send, and return the server's CPU time and the time that passed, in seconds."""
    endpoint = target.endpoint(Service.SMTP)
    assert endpoint is not None
    words = [
        generator,
        *case.options,
        "-s",
        str(_SESSIONS),
        "-m",
        str(case.count),
        "-l",
        str(case.size_octets),
    ]
    words += ["-f", "sender@elsewhere.test", "-t", target.accounts.pool[0].address]
    words.append(f"inet:{endpoint.host}:{endpoint.port}")
    pid = child_running("reference_server")
    used_s, started_s = cpu_s(pid), time.perf_counter()
    subprocess.run(words, check=True)
    return cpu_s(pid) - used_s, time.perf_counter() - started_s
