"""`python -m reference_server account`: list, add and remove accounts, and give them new passwords."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.vocabulary.errors import UsageError
from reference_server.commands.asking import ask
from reference_server.config import checked_address, password_from_environment
from reference_server.mda.administration import Accounts
from reference_server.net.control import Handler
from reference_server.store import Store
from reference_server.store.change import Change


def main(words: Sequence[str]) -> int:
    """Carry the words out; raises `MailproofError` with one line where that fails."""
    arguments = vars(_parser().parse_args(words))
    data, action, as_json = arguments.pop("data"), arguments.pop("action"), arguments.pop("json")
    if "address" in arguments:
        checked_address(arguments["address"], "ADDRESS")
    if action in ("add", "passwd"):
        arguments["password"] = _password(
            arguments.pop("password_env"), stdin=arguments.pop("password_stdin")
        )
    result = ask(data, f"account {action}", _offline, makes=action == "add", **arguments)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        for line in _WRITERS[action](result):
            print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mailproof account")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("list", "add", "passwd", "remove"):
        action = actions.add_parser(name)
        action.add_argument("--data", type=Path, required=True, metavar="DIR")
        action.add_argument("--json", action="store_true")
        if name != "list":
            action.add_argument("address", metavar="ADDRESS")
        if name in ("add", "passwd"):
            source = action.add_mutually_exclusive_group()
            source.add_argument("--password-env", metavar="VARIABLE")
            source.add_argument("--password-stdin", action="store_true")
        if name == "add":
            action.add_argument("--quota-octets", type=int, metavar="N")
            action.add_argument("--quota-messages", type=int, metavar="N")
    return parser


def _password(variable: str | None, *, stdin: bool) -> str:
    """Return the password, from where no list of processes shows it."""
    if variable is not None:
        return password_from_environment(variable, "--password-env")
    if stdin or not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise UsageError("the two passwords differ; nothing was changed")
    if not password:
        raise UsageError("a password cannot be empty; give one on standard input or by --password-env")
    return password


def _offline(store: Store) -> Mapping[str, Handler]:
    """Return the handlers for a data directory that no server uses."""

    async def commit(change: Change[Any]) -> Any:
        return store.commit(change)

    return Accounts(store, commit).handlers


def _list(accounts: list[dict[str, Any]]) -> list[str]:
    if not accounts:
        return ["no accounts"]
    width = max(len(account["address"]) for account in accounts)
    return [f"{account['address']:<{width}}  {_usage(account)}" for account in accounts]


def _usage(account: dict[str, Any]) -> str:
    parts = []
    for key in ("messages", "octets"):
        most = account[f"quota_{key}"]
        parts.append(f"{account[key]} {key}" if most is None else f"{account[key]} of {most} {key}")
    return ", ".join(parts)


_WRITERS: dict[str, Callable[[Any], list[str]]] = {
    "list": _list,
    "add": lambda account: [f"{account['address']}: added"],
    "passwd": lambda account: [f"{account['address']}: new password"],
    "remove": lambda account: [f"{account['address']}: removed with {account['messages']} messages"],
}
