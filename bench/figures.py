"""A measured figure, and how the CPU time of a server is read from outside."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a benchmark's table."""

    work: str
    value: float
    unit: str
    conditions: str


def child_running(words: str, *, of: int | None = None) -> int:
    """Return the process id of the child, ours or `of`'s, whose command line has `words` in it."""
    for pid in _children(of or os.getpid()):
        if words in (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
            return pid
    message = f"no such child runs {words}"
    raise LookupError(message)


def _children(pid: int) -> Iterator[int]:
    for children in PROC.glob(f"{pid}/task/*/children"):
        yield from map(int, children.read_text().split())


def cpu_s(pid: int) -> float:
    """Return the CPU time in seconds that all threads of a process have used so far, to the nanosecond."""
    return sum(int(task.read_text().split()[0]) for task in PROC.glob(f"{pid}/task/*/schedstat")) / 1e9


def tree_cpu_s(pid: int) -> float:
    """Return the CPU time of a process and all below it, also of those that have ended (to 10 ms)."""
    after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    ended_s = (int(after_name[13]) + int(after_name[14])) / os.sysconf("SC_CLK_TCK")
    return cpu_s(pid) + ended_s + sum(map(tree_cpu_s, _children(pid)))


def resident_octets(pid: int) -> int:
    """Return how much memory of a process is resident."""
    return int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
