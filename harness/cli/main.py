"""The `mailproof` command.

One sub-command is one file, with `add_parser(subparsers)` and `run(arguments) -> int`.
"""

import argparse
import os
import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from types import FrameType
from typing import NoReturn

from harness.cli.unread import NobodyReads, discard, is_unread
from harness.vocabulary.errors import MailproofError, TargetFileError, UsageError
from harness.vocabulary.exit_codes import ExitCode

COMMANDS = (
    *("serve", "check", "report", "replay", "compare", "diff", "catalogue", "probe", "load", "dns"),
    *("faults", "teeth", "clean", "queue", "account", "deliver"),
)
"""The sub-commands, each the name of its module; only the one that is asked for is imported."""

_EPILOG = """\
exit codes:
  0  conforms; the service level was met; done
  1  violations were found, or the service level was missed
  2  wrong usage or target file
  3  target unreachable, nothing executed, inconclusive, or mailproof's own fault
"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as all others are; the usage is what `--help` shows."""

    def format_help(self) -> str:
        """Return the help; a description that is one line is wrapped, also where the epilog is not."""
        if self.description and "\n" not in self.description:
            self.description = textwrap.fill(self.description, shutil.get_terminal_size().columns - 2)
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """End with the line."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; mistakes of the user are one line."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        with _hangup_as_termination():
            code = _obey(words)
            sys.stdout.flush()
            return code
    except NobodyReads:
        return ExitCode.INCONCLUSIVE
    except BrokenPipeError:
        if not is_unread(sys.stdout):
            raise
        discard(sys.stdout)
        return ExitCode.INCONCLUSIVE
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return ExitCode.INCONCLUSIVE


def _obey(words: Sequence[str]) -> int:
    """Do what the words say; mistakes of the user are one line."""
    parser = build_parser(words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS)
    arguments = parse(parser, words)
    try:
        return int(arguments.run(arguments))
    except (UsageError, TargetFileError) as error:
        return _complain(arguments.command, error, ExitCode.USAGE)
    except MailproofError as error:
        return _complain(arguments.command, error, ExitCode.INCONCLUSIVE)


@contextmanager
def _hangup_as_termination() -> Iterator[None]:
    """Let a terminal that is closed end a command as SIGTERM does: with nothing left behind.

    Where SIGHUP is ignored (nohup) it stays so; a command may have other plans for it.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGHUP, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parse the words; what follows an option belongs to the command's arguments as what precedes it does.

    argparse gives a list of arguments only the first row of them, and an argument that may be left out only a
    place in the first row.
    """
    arguments, more = parser.parse_known_args(words)
    if more and not more[0].startswith("-") and getattr(arguments, "target", "") is None:
        arguments.target, *more = more
    if more and (any(word.startswith("-") for word in more) or not hasattr(arguments, "arguments")):
        parser.prog = f"{parser.prog} {arguments.command}"
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        arguments.arguments = [*arguments.arguments, *more]
    return arguments


def build_parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of the command line, with these sub-commands."""
    parser = Parser(
        prog="mailproof",
        description="Conformance and load testing for mail servers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mailproof {version('mailproof')}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands:
        import_module(f"harness.cli.{command}").add_parser(subparsers)
    return parser


def _complain(command: str, error: MailproofError, code: ExitCode) -> ExitCode:
    print(f"mailproof {command}: {error}", file=sys.stderr)
    return code
