"""`python -m reference_server`: the reference server as a program of its own, and its commands."""

import sys
from collections.abc import Sequence
from importlib import import_module

from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from reference_server.app import run
from reference_server.commands import COMMANDS
from reference_server.log import set_up
from reference_server.options import configuration, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server, or the command that the first word names; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] and words[0] in COMMANDS:
            return int(import_module(f"reference_server.commands.{words[0]}").main(words[1:]))
        config = configuration(parser().parse_args(words))
        set_up(config.log_level, config.log_format)
        run(config)
    except UsageError as error:
        print(f"mailproof: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except MailproofError as error:
        print(f"mailproof: {error}", file=sys.stderr)
        return ExitCode.INCONCLUSIVE
    return ExitCode.CONFORMS


if __name__ == "__main__":
    sys.exit(main())
