"""Listening sockets: all are bound before the first client is served."""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.vocabulary.errors import MailproofError
from harness.vocabulary.services import Service

_BACKLOG = 1024
_ACCEPT_AT_ONCE = 16


class ListenError(MailproofError):
    """A port cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A service's socket, bound and not yet served."""

    service: Service
    socket: socket.socket
    host: str
    port: int
    path: Path | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        if self.path is not None:
            return str(self.path)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listen(service: Service, host: str, port: int) -> Listener:
    """Bind a TCP socket; port 0 takes any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it, TLS replies wait 40 ms.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` serves IPv4 as well, an address of its own only itself.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        made.bind((host, port))
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise ListenError(_why(service, f"{host} port {port}", error)) from None
    return Listener(service, made, host, made.getsockname()[1])


def listen_unix(service: Service, path: Path) -> Listener:
    """Bind a local socket, over one that a dead server has left behind."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            _remove_if_dead(path)
        made.bind(str(path))
        path.chmod(0o660)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise ListenError(_why(service, str(path), error)) from None
    return Listener(service, made, "unix", 0, path)


def _remove_if_dead(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _why(service: Service, place: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{service}: {place} is in use; stop what listens there, or choose other ports (--ports free)"
    if error.errno == errno.EACCES:
        return f"{service}: {place} is not permitted to this user; choose other ports (--ports high)"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{service}: {place} is no address of this machine; choose another one with --bind"
    return f"{service}: cannot listen on {place}: {os.strerror(error.errno or 0)}"


async def serve(
    loop: asyncio.AbstractEventLoop, listener: Listener, protocol: Callable[[], asyncio.BufferedProtocol]
) -> asyncio.Server:
    """Accept clients; asyncio itself pauses for a second where file descriptors run out (EMFILE).

    It takes the backlog for the number of clients to accept in one go, too, and reports EMFILE as often; so
    it is told a small one, and the kernel the large one afterwards.
    """
    if listener.path is not None:
        server = await loop.create_unix_server(protocol, sock=listener.socket, backlog=_ACCEPT_AT_ONCE)
    else:
        server = await loop.create_server(protocol, sock=listener.socket, backlog=_ACCEPT_AT_ONCE)
    listener.socket.listen(_BACKLOG)
    return server
