"""A lab's own view of the machine: another resolver, and no process that outlives it.

A mail server asks the resolver that /etc/resolv.conf names, and has no setting of its own for that. In a
mount namespace the file can say something else to the lab's processes than to the rest of the machine; in a
process namespace the kernel ends all of them with the first (namespaces(7), pid_namespaces(7)).
"""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from typing import NoReturn

from harness.vocabulary.errors import UsageError

RESOLVER = "127.0.0.153"
"""Where the lab's servers ask for names: an address of the loopback range on which mailproof answers."""

_UNSHARE = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_RESOLV_CONF = Path("/etc/resolv.conf")


def demand_namespaces() -> None:
    """Refuse a machine on which no namespaces can be made, with what to do instead."""
    if which("unshare") is None or which("mount") is None:
        message = "unshare or mount is not installed; install with apt-get install util-linux mount"
        raise UsageError(message)
    argv = [which("unshare") or "unshare", *_UNSHARE, "true"]
    tried = subprocess.run(argv, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        message = (
            f"this machine allows no namespaces ({tried.stderr.strip()}): "
            "use --no-outbound, and a target file without [outbound]"
        )
        raise UsageError(message)


def enter(argv: Sequence[str], resolv_conf: Path) -> NoReturn:
    """Become `argv` in namespaces of its own, where /etc/resolv.conf reads as `resolv_conf` does.

    The process that remains outside keeps our process id and leaves SIGTERM to the one inside, which gets
    it too as a member of the same process group; if the outer one is killed, the kernel ends the inner.
    """
    inside = (
        f"mount --bind {shlex.quote(str(resolv_conf))} {_RESOLV_CONF} && rm {shlex.quote(str(resolv_conf))}; "
        f"exec {shlex.join(argv)}"
    )
    os.execvp("unshare", ["unshare", *_UNSHARE, "sh", "-c", inside])  # noqa: S606, S607 - an argument list


def resolver_is_ours() -> bool:
    """Whether the names of this process's namespace are asked at `RESOLVER`."""
    return f"nameserver {RESOLVER}" in _RESOLV_CONF.read_text().splitlines()


def write_resolv_conf(path: Path) -> None:
    """Write the resolver configuration of the inner namespace."""
    path.write_text(f"nameserver {RESOLVER}\noptions timeout:2 attempts:2\n")
