"""`python -m reference_server`: the reference server as a program of its own."""

import sys
from collections.abc import Sequence

from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from reference_server.app import run
from reference_server.log import set_up
from reference_server.options import configuration, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; returns the exit code."""
    try:
        config = configuration(parser().parse_args(arguments))
        set_up(config.log_level)
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
