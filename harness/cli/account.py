"""`mailproof account`: the accounts of the reference server."""

import argparse
from collections.abc import Iterator

from harness.cli.server_command import run_server_command

_EPILOG = """\
The server that runs on the data directory is asked, and obeys at once; where none is running, the directory
itself is changed, and made by the first add. Accounts that the server's configuration names have the password
and the quota from there again after its next start.

The password is asked for on the terminal, or is the first line of standard input, or stands in a variable of
the environment; never on the command line, which every user of this machine can read.

Examples:
  mailproof account add alice@example.test --data DIR
  printf 'secret\\n' | mailproof account passwd alice@example.test --data DIR --password-stdin
  mailproof account list --data DIR --json

Exit codes: 0 done; 2 wrong usage, or no such directory; 3 no such account, or the server does not answer.
"""
_ACTIONS = {
    "list": "list the accounts, and what they hold",
    "add": "add an account",
    "passwd": "give an account a new password",
    "remove": "remove an account with all its mail",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "account",
        help="list, add and remove the reference server's accounts",
        description="List, add and remove the reference server's accounts, and give them new passwords.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        if name != "list":
            action.add_argument("address", metavar="ADDRESS", help="the account's address")
        if name in ("add", "passwd"):
            source = action.add_mutually_exclusive_group()
            source.add_argument("--password-env", metavar="VARIABLE", help="take the password from there")
            source.add_argument(
                "--password-stdin", action="store_true", help="read the password from standard input"
            )
        if name == "add":
            action.add_argument("--quota-octets", type=int, metavar="N", help="how many octets it may hold")
            action.add_argument(
                "--quota-messages", type=int, metavar="N", help="how many messages it may hold"
            )
        action.add_argument("--data", required=True, metavar="DIR", help="the server's data directory")
        action.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Have the server's own command do it; its exit code."""
    return run_server_command(["account", arguments.action, *_words(arguments)])


def _words(arguments: argparse.Namespace) -> Iterator[str]:
    """Return the arguments as they were given."""
    given = vars(arguments)
    for name in ("data", "password_env", "quota_octets", "quota_messages"):
        if given.get(name) is not None:
            yield f"--{name.replace('_', '-')}={given[name]}"
    for name in ("json", "password_stdin"):
        if given.get(name):
            yield f"--{name.replace('_', '-')}"
    if "address" in given:
        yield arguments.address
