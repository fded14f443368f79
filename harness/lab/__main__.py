"""`python -m harness.lab LAB DIRECTORY`: run a third-party server in the foreground until SIGTERM."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.lab import dovecot_postfix, namespaces, pymap
from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one lab; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except MailproofError as error:
        sys.stderr.write(f"mailproof lab: {error}\n")
        return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.INCONCLUSIVE
    except OSError as error:
        sys.stderr.write(f"mailproof lab: {error}\n")
        return ExitCode.INCONCLUSIVE
    return ExitCode.CONFORMS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.lab",
        description="Run third-party mail servers with mailproof's configuration, until SIGTERM.",
    )
    labs = parser.add_subparsers(dest="lab", metavar="LAB", required=True)
    lab = labs.add_parser(
        "dovecot-postfix",
        help="Debian's Dovecot and Postfix; needs root and the packages",
    )
    lab.add_argument(
        "directory", type=Path, help="where they run; what they make there is removed at the end"
    )
    lab.add_argument(
        "--ports",
        choices=("high", "free"),
        default="high",
        help="3525, 3587, ... or any that are free (default: high)",
    )
    lab.add_argument(
        "--write-target", type=Path, metavar="FILE", help="write a target file for it when it is ready"
    )
    lab.add_argument(
        "--no-outbound",
        action="store_true",
        help="keep the machine's own resolver: needs no namespaces, and leaves the relay checks out",
    )
    lab.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    lab.set_defaults(run=_run_dovecot_postfix)
    lab = labs.add_parser("pymap", help="pymap, an IMAP server in Python; needs `pip install pymap`")
    lab.add_argument("directory", type=Path, help="where it runs; what it makes there is removed at the end")
    lab.set_defaults(run=lambda options: pymap.run(options.directory))
    return parser


def _run_dovecot_postfix(options: argparse.Namespace) -> None:
    if packages := dovecot_postfix.missing_packages():
        message = f"not installed: {', '.join(packages)}; install with apt-get install {' '.join(packages)}"
        raise UsageError(message)
    if os.geteuid() != 0:
        message = "Dovecot and Postfix change between users: start this lab as root"
        raise UsageError(message)
    if not options.no_outbound and not options.inside:
        namespaces.demand_namespaces()
        handle, name = tempfile.mkstemp(prefix="mailproof-resolv-")
        os.close(handle)
        resolv_conf = Path(name)
        namespaces.write_resolv_conf(resolv_conf)
        resolv_conf.chmod(0o644)
        namespaces.enter([sys.executable, "-m", "harness.lab", *sys.argv[1:], "--inside"], resolv_conf)
    if options.inside and not namespaces.resolver_is_ours():
        message = "/etc/resolv.conf could not be replaced for the lab's own processes"
        raise dovecot_postfix.LabError(message)
    dovecot_postfix.run(
        options.directory,
        ports=dovecot_postfix.Ports.free() if options.ports == "free" else dovecot_postfix.Ports(),
        write_target=options.write_target,
        outbound=not options.no_outbound,
    )


if __name__ == "__main__":
    sys.exit(main())
