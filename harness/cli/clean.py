"""`mailproof clean`: removes what a run that was killed has left on a mail server."""

import argparse
from collections.abc import Sequence

from rich.console import Console

from harness.cli.output import standard_output
from harness.targets.file import Permit, TargetFile
from harness.targets.leftovers import Kind, Leftover, clean_account
from harness.targets.loader import load_target
from harness.targets.sole_use import sole_use
from harness.targets.target import Target
from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import Service

_READING = frozenset({Service.IMAP, Service.IMAPS, Service.POP3, Service.POP3S})
_DESCRIPTION = """\
Look into every account of the target file for what a run has left that was killed: mailboxes as mailproof
names them, subscriptions to them, and messages that say that they come from mailproof. Remove it, and say
what it was. Nothing else is touched; in the accounts that the file names as accounts.pop3, whose maildrops it
lets the checks empty, every message is removed.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "clean",
        help="remove what a run that was killed has left on a mail server",
        description=_DESCRIPTION,
        epilog="Exit codes: 0 nothing is left, 2 wrong usage or target file, 3 not all could be looked at.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="TARGET.toml", help="the target file that the run was given")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be removed, and remove nothing"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Clean the accounts, and return the exit code."""
    file = load_target(arguments.target)
    console = standard_output()
    if Permit.CONFORMANCE not in file.permits:
        raise UsageError(
            f'{file.path}: permits does not name "conformance", so that no run can have left anything'
        )
    if file.needs_launch:
        console.print(
            f"{file.name} is started afresh for each run, in a directory that goes with it: nothing is left"
        )
        return ExitCode.CONFORMS
    if not any(endpoint.service in _READING for endpoint in file.endpoints):
        raise MailproofError(
            f"{file.path}: names neither IMAP nor POP3, so that no account can be looked into; add one"
        )
    with sole_use(file):
        found, problems = _clean(file, console, dry_run=arguments.dry_run)
    for problem in problems:
        console.print(f"problem: {problem}", soft_wrap=True)
    if found or not problems:
        console.print(f"{file.name}: {_summary(found, dry_run=arguments.dry_run)}", soft_wrap=True)
    stuck = any(leftover.reason for leftover in found)
    return ExitCode.INCONCLUSIVE if stuck or problems else ExitCode.CONFORMS


def _clean(file: TargetFile, console: Console, *, dry_run: bool) -> tuple[list[Leftover], list[str]]:
    """Clean account by account; what was found, and why an account could not be looked into."""
    found: list[Leftover] = []
    problems: list[str] = []
    with Target(file) as target:
        for account in target.accounts:
            try:
                for leftover in clean_account(target, account, dry_run=dry_run):
                    found.append(leftover)
                    console.print(_line(leftover, dry_run=dry_run), soft_wrap=True)
            except MailproofError as error:
                problems.append(f"{account.address}: {error}")
    return found, problems


def _line(leftover: Leftover, *, dry_run: bool) -> str:
    word = "found" if dry_run else "removed" if leftover.removed else "kept"
    reason = f": {leftover.reason}" if leftover.reason else ""
    return f"{word}: {leftover.account}: {leftover.kind} {leftover.name}{reason}"


def _summary(found: Sequence[Leftover], *, dry_run: bool) -> str:
    if not found:
        return "nothing is left of earlier runs"
    parts = []
    for kind in Kind:
        count = sum(leftover.kind is kind for leftover in found)
        if count:
            plural = "" if count == 1 else "es" if kind is Kind.MAILBOX else "s"
            parts.append(f"{count} {kind}{plural}")
    kept = sum(bool(leftover.reason) for leftover in found)
    done = "would be removed" if dry_run else "removed" if not kept else f"found, {kept} of them kept"
    return f"{', '.join(parts)} {done}"
