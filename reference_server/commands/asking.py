"""How a command reaches what it is about: the running server, or the data directory that none is using."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.vocabulary.errors import UsageError
from reference_server.net.control import Handler, NoServer, call
from reference_server.relay.queue import TABLES
from reference_server.store import Store
from reference_server.store.database import DATABASE_NAME


def ask(
    data: Path,
    command: str,
    offline: Callable[[Store], Mapping[str, Handler]],
    *,
    makes: bool = False,
    **arguments: Any,
) -> Any:
    """Have a command carried out by the server on `data`, or, where there is none, by `offline`'s handlers.

    With `makes` a directory that holds nothing yet is good, too.
    """
    try:
        return call(data, command, **arguments)
    except NoServer:
        if not makes and not (data / DATABASE_NAME).is_file():
            raise UsageError(
                f"--data: {data} holds no mail of this server; give the directory that it was started with"
            ) from None
    store = Store.open(data, tables=TABLES)
    try:
        return asyncio.run(_carried_out(offline(store)[command], arguments))
    finally:
        store.close()


async def _carried_out(handler: Handler, arguments: dict[str, Any]) -> Any:
    return await handler(arguments)
