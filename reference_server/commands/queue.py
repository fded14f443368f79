"""`python -m reference_server queue`: list, show, retry and drop what waits to be relayed."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reference_server.commands.asking import ask
from reference_server.net.control import Handler
from reference_server.relay.administration import Administration
from reference_server.relay.queue import LoadQueue, Queue
from reference_server.store import Store
from reference_server.store.change import Change


def main(words: Sequence[str]) -> int:
    """Carry the words out; raises `MailproofError` with one line where that fails."""
    arguments = vars(_parser().parse_args(words))
    data, action, as_json = arguments.pop("data"), arguments.pop("action"), arguments.pop("json")
    result = ask(data, f"queue {action}", _offline, **arguments)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        for line in _WRITERS[action](result):
            print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mailproof queue")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("list", "show", "retry", "drop"):
        action = actions.add_parser(name)
        action.add_argument("--data", type=Path, required=True, metavar="DIR")
        action.add_argument("--json", action="store_true")
        if name == "list":
            action.add_argument("--destination", metavar="DOMAIN")
        elif name == "show":
            action.add_argument("mail", type=int, metavar="NUMBER")
        else:
            action.add_argument("mails", type=int, nargs="*", metavar="NUMBER")
            action.add_argument("--all", action="store_true")
            action.add_argument("--recipient", metavar="ADDRESS")
    return parser


def _offline(store: Store) -> Mapping[str, Handler]:
    """Return the handlers for a queue that no server is working on."""
    queue = Queue()
    store.commit(LoadQueue(queue))

    async def commit(change: Change[Any]) -> Any:
        return store.commit(change)

    async def query(work: Any) -> Any:
        return store.run_query(work)

    return Administration(queue, commit, query).handlers


def _list(mails: list[dict[str, Any]]) -> list[str]:
    if not mails:
        return ["the queue is empty"]
    return [line for mail in mails for line in _mail(mail)]


def _mail(mail: dict[str, Any]) -> list[str]:
    sender = _printable(mail["sender"])
    lines = [f"{mail['mail']}  {mail['arrived']}  {mail['octets']} octets  from <{sender}>"]
    for one in mail["recipients"]:
        when = "being tried" if one["state"] == "trying" else f"next {one['next_attempt']}"
        lines.append(f"    <{_printable(one['address'])}>  {one['attempts']} attempts, {when}")
        if one["last_reply"]:
            lines.append(f"        {_printable(one['last_reply'])}")
    return lines


def _show(mail: dict[str, Any]) -> list[str]:
    lines = _mail(mail)
    given = {name: mail[name] for name in ("body", "ret", "envid") if mail[name] is not None}
    words = [f"{name.upper()}={_printable(value)}" for name, value in given.items()]
    if mail["smtputf8"]:
        words.append("SMTPUTF8")
    if words:
        lines.append(f"    {' '.join(words)}")
    return [*lines, "", *map(_printable, mail["header"].splitlines())]


def _changed(word: str, done: list[dict[str, Any]]) -> list[str]:
    if not done:
        return ["the queue is empty"]
    return [f"{one['mail']} to <{_printable(to)}>: {word}" for one in done for to in one["recipients"]]


def _printable(text: str) -> str:
    """Keep what a stranger wrote from moving the cursor."""
    return "".join(one if one.isprintable() or one == "\t" else "?" for one in text)


_WRITERS: dict[str, Callable[[Any], list[str]]] = {
    "list": _list,
    "show": _show,
    "retry": lambda done: _changed("due now", done),
    "drop": lambda done: _changed("dropped", done),
}
