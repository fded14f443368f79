"""`mailproof queue`: what the reference server has yet to relay, and what is to become of it."""

import argparse
from collections.abc import Iterator

from harness.cli.server_command import run_server_command

_EPILOG = """\
The server that runs on the data directory is asked, and notices what was changed at once; where none is
running, the directory itself is read and changed. A dropped message is told to nobody.

Examples:
  mailproof queue list --data DIR
  mailproof queue show 17 --data DIR --json
  mailproof queue retry --all --data DIR
  mailproof queue drop 17 --recipient bob@two.test --data DIR

Exit codes: 0 done; 2 wrong usage, or no such directory; 3 no such message, or the server does not answer.
"""
_ACTIONS = {
    "list": "list what waits, and why",
    "show": "show one message with its header",
    "retry": "try messages again now",
    "drop": "take messages out of the queue, without a word to their senders",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "queue",
        help="look at the reference server's queue, retry or drop what is in it",
        description="Look at the reference server's queue, retry or drop what is in it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        if name == "show":
            action.add_argument("mail", type=int, metavar="NUMBER", help="the number that list shows")
        elif name != "list":
            action.add_argument(
                "mails", type=int, nargs="*", metavar="NUMBER", help="numbers that list shows"
            )
            action.add_argument("--all", action="store_true", help="every message")
            action.add_argument("--recipient", metavar="ADDRESS", help="only for this recipient of them")
        else:
            action.add_argument("--destination", metavar="DOMAIN", help="only what waits for this domain")
        action.add_argument("--data", required=True, metavar="DIR", help="the server's data directory")
        action.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Have the server's own command do it; its exit code."""
    return run_server_command(["queue", arguments.action, *_words(arguments)])


def _words(arguments: argparse.Namespace) -> Iterator[str]:
    """Return the arguments as they were given."""
    given = vars(arguments)
    yield f"--data={arguments.data}"
    for name in ("destination", "recipient"):
        if given.get(name) is not None:
            yield f"--{name}={given[name]}"
    for name in ("json", "all"):
        if given.get(name):
            yield f"--{name}"
    if "mail" in given:
        yield str(arguments.mail)
    yield from map(str, given.get("mails", ()))
