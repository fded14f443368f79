"""The control socket: how `mailproof queue`, `account` and `deliver` talk to a running server.

A UNIX socket `control.sock` in the data directory, mode 0600: whoever may open it may read the database, too.
One request is one line of JSON, an object with the key `command`; its reply is one line, `{"result": ...}` or
`{"error": "one line"}`. A connection may carry several of them.

    control = Control({"queue list": handler})          # handler(request) -> what JSON can write
    async with control.listening(data): ...             # in the server
    call(data, "queue list", destination="two.test")    # in a command; `NoServer` where none is running
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.vocabulary.errors import MailproofError
from reference_server.log import LOG

_LOG = LOG.getChild("control")
SOCKET_NAME = "control.sock"
_LINE_OCTETS = 256 * 1024 * 1024
"""The longest request: a message of the largest size that is taken, in JSON."""
_PATH_OCTETS = 100
"""What a socket's address holds of a path (108 octets on Linux, fewer elsewhere)."""
_CALL_S = 60.0

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
"""Carries a request out; raises `ControlError` with one line where it cannot."""


class ControlError(MailproofError):
    """The server did not do what it was asked for; the text says why."""


class NoServer(MailproofError):
    """No server is running on that data directory."""


class Control:
    """The server's end: a registry of handlers, by command."""

    def __init__(self, handlers: Mapping[str, Handler] | None = None) -> None:
        self._handlers: dict[str, Handler] = dict(handlers or {})
        self._open: set[asyncio.StreamWriter] = set()

    def register(self, command: str, handler: Handler) -> None:
        """Let `handler` carry `command` out."""
        self._handlers[command] = handler

    @contextlib.asynccontextmanager
    async def listening(self, data: Path) -> AsyncIterator[None]:
        """Serve the socket in a data directory, whose lock we hold: one that is there is dead."""
        path = data / SOCKET_NAME
        path.unlink(missing_ok=True)
        endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            with _reachable(path) as address:
                endpoint.bind(address)
        except OSError as error:
            endpoint.close()
            raise ControlError(
                f"{path}: cannot be made ({error.strerror}); give another data directory"
            ) from None
        finally:
            os.umask(mask)
        server = await asyncio.start_unix_server(self._serve, sock=endpoint, limit=_LINE_OCTETS)
        try:
            yield
        finally:
            server.close()
            for writer in tuple(self._open):
                writer.close()
            path.unlink(missing_ok=True)

    async def answer(self, line: bytes) -> bytes:
        """Carry one request out, and return the line that answers it."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ControlError("a request is an object")
            command = request.pop("command", None)
            handler = self._handlers.get(command) if isinstance(command, str) else None
            if handler is None:
                raise ControlError(f"no command {command!r}")
            reply: dict[str, Any] = {"result": await handler(request)}
        except MailproofError as error:
            reply = {"error": str(error)}
        except ValueError as error:
            reply = {"error": f"no request: {error}"}
        return json.dumps(reply).encode("ascii") + b"\n"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                writer.write(await self.answer(line))
                await writer.drain()
        except (ConnectionError, ValueError) as error:
            # A line without an end is a ValueError; nobody who may open the socket sends one by accident.
            _LOG.warning("control connection lost: %s", error)
        finally:
            self._open.discard(writer)
            writer.close()


def call(data: Path, command: str, **arguments: Any) -> Any:
    """Have the running server carry a command out; `NoServer`, or `ControlError` with its reason."""
    line = json.dumps({"command": command, **arguments}).encode("ascii") + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as endpoint:
        endpoint.settimeout(_CALL_S)
        try:
            with _reachable(data / SOCKET_NAME) as address:
                endpoint.connect(address)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            raise NoServer(f"{data}: no server is running there") from None
        except OSError as error:
            raise ControlError(f"{data / SOCKET_NAME}: {error.strerror or error}") from None
        try:
            endpoint.sendall(line)
            with endpoint.makefile("rb") as file:
                reply = json.loads(file.readline() or b"{}")
        except (OSError, ValueError) as error:
            raise ControlError(f"{data / SOCKET_NAME}: the server did not answer: {error}") from None
    if "error" in reply:
        raise ControlError(str(reply["error"]))
    if "result" not in reply:
        raise ControlError(f"{data / SOCKET_NAME}: the server ended before it answered")
    return reply["result"]


@contextlib.contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """Return the address of a socket, by a shorter way where its path is too long for one."""
    if len(os.fsencode(path)) <= _PATH_OCTETS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
