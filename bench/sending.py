"""What a message costs the reference server, and others in the same run, driven by Postfix's generator."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench import contenders
from bench.contenders import NotHere, Running
from bench.figures import Figure, tree_cpu_s

GENERATOR = "smtp-source"
_SESSIONS = 20
_WARM_UP = 200


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
_CONTENDERS: tuple[tuple[str, Callable[[], AbstractContextManager[Running]], int], ...] = (
    ("reference server, SMTP", contenders.reference, 1),
    ("reference server, LMTP", contenders.reference_lmtp, 1),
    ("Dovecot, LMTP", contenders.dovecot_lmtp, 10),
    ("aiosmtpd, nothing stored", contenders.aiosmtpd, 2),
    ("smtp-sink, nothing stored", contenders.smtp_sink, 1),
)
"""Each with what its number of messages is divided by, for those that are slow."""


def figures() -> Iterator[Figure]:
    """Measure the servers' CPU time per acknowledged message, and how many they take in a second."""
    generator = generator_path()
    if generator is None:
        yield Figure(f"not measured: {GENERATOR} is not installed (apt-get install postfix)", 0, "", "")
        return
    for case in _CASES:
        for name, run, divisor in _CONTENDERS:
            count = case.count // divisor
            try:
                with run() as server:
                    drive(generator, server, case, _WARM_UP)
                    used_s, elapsed_s = drive(generator, server, case, count)
            except NotHere as why:
                yield Figure(f"{name}: not measured", 0, "", str(why))
                continue
            conditions = f"{name}; {_SESSIONS} sessions, {count:,} messages"
            yield Figure(f"{case.name}: server CPU", used_s / count * 1e6, "µs/message", conditions)
            yield Figure(f"{case.name}: rate", count / elapsed_s, "messages/s", conditions)


def generator_path() -> str | None:
    """Return where the generator is, if it is installed."""
    return shutil.which(GENERATOR, path="/usr/sbin:/usr/bin:/bin")


def drive(generator: str, server: Running, case: Case, count: int) -> tuple[float, float]:
    """Send, and return the server's CPU time and the time that passed, in seconds."""
    words = [generator, *case.options, *(("-L",) if server.lmtp else ())]
    words += ["-s", str(_SESSIONS), "-m", str(count), "-l", str(case.size_octets)]
    words += ["-f", "sender@elsewhere.test", "-t", server.address, f"inet:127.0.0.1:{server.port}"]
    used_s, started_s = tree_cpu_s(server.pid), time.perf_counter()
    subprocess.run(words, check=True)
    return tree_cpu_s(server.pid) - used_s, time.perf_counter() - started_s
