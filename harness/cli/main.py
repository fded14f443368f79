"""The `mailproof` command.

One sub-command is one file, with `add_parser(subparsers)` and `run(arguments) -> int`.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import NoReturn

from harness.vocabulary.errors import MailproofError, TargetFileError, UsageError
from harness.vocabulary.exit_codes import ExitCode

COMMANDS = (
    *("serve", "check", "report", "replay", "compare", "diff", "catalogue", "probe", "load", "dns"),
    *("faults", "teeth", "clean"),
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

    def error(self, message: str) -> NoReturn:
        """End with the line."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; mistakes of the user are one line."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = build_parser(words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS)
    arguments = parse(parser, words)
    try:
        return int(arguments.run(arguments))
    except (UsageError, TargetFileError) as error:
        return _complain(arguments.command, error, ExitCode.USAGE)
    except MailproofError as error:
        return _complain(arguments.command, error, ExitCode.INCONCLUSIVE)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return ExitCode.INCONCLUSIVE


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
