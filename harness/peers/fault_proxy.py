"""The fault proxy: stands between any client and a real mail server, and misbehaves as ordered.

    route = Route(Service.IMAP, Tls.STARTTLS, Address("127.0.0.1", 2143))
    with FaultProxy([route], tls=tls, orders=[parse_order("transport-stall:match=FETCH")]) as proxy:
        ...                                   # let a client connect to proxy.address(Service.IMAP)
        proxy.set_orders([])                  # from the next connection on it is transparent

It is one event loop in a thread of its own. Without an order it passes every octet, either way, unchanged,
and with them half-closes and resets.
"""

import asyncio
import errno
import itertools
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.peers.faults.plan import FaultOrder, Plan
from harness.peers.proxy.connection import ProxyConnection
from harness.peers.proxy.events import Happening, ProxyEvent
from harness.peers.proxy.side import Side, reason_of
from harness.peers.proxy.tls import ProxyTls
from harness.peers.spoken import SPOKEN
from harness.transport.tcp import format_endpoint
from harness.vocabulary.errors import ConnectFailed
from harness.vocabulary.services import Service, Tls

_CONNECT_WITHIN_S = 10.0
_BACKLOG = 512
_EVENTS_KEPT = 10_000
_PAUSE_WITHOUT_DESCRIPTORS_S = 0.1
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, or a UNIX socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path is not None else format_endpoint(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Route:
    """A service, the server behind it, and where the proxy listens for it; port 0 takes a free one."""

    service: Service
    tls: Tls
    server: Address
    listen: Address = field(default_factory=lambda: Address("127.0.0.1"))


class FaultProxy:
    """A proxy for the services of one mail server; a context manager."""

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        tls: ProxyTls,
        orders: Iterable[FaultOrder] = (),
        seed: int = 0,
        log: Callable[[ProxyEvent], None] | None = None,
    ) -> None:
        self._routes = list(routes)
        self._tls = tls
        self._seed = seed
        self._plan = Plan(orders, seed=seed)
        self._log = log
        self._lock = threading.Lock()
        self._events: deque[ProxyEvent] = deque(maxlen=_EVENTS_KEPT)
        self._numbers = itertools.count(1)
        self._listeners: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._connections: set[asyncio.Task[None]] = set()

    # Life

    def start(self) -> Self:
        """Listen and serve; raises `ConnectFailed` if an address or port cannot be had."""
        try:
            for place, route in enumerate(self._routes):
                listener, address = _listen(route)
                self._listeners.append(listener)
                self._routes[place] = replace(route, listen=address)
        except ConnectFailed:
            self._close_listeners()
            raise
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="fault-proxy", daemon=True
        )
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """Close every connection and the ports; harmless when not running."""
        if self._thread is not None and self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What may be asked, and ordered, while it runs

    @property
    def routes(self) -> Sequence[Route]:
        """Where it listens for which service."""
        return tuple(self._routes)

    def address(self, service: Service) -> Address:
        """Where it listens for a service."""
        return next(route.listen for route in self._routes if route.service is service)

    @property
    def orders(self) -> Sequence[FaultOrder]:
        """The faults in force."""
        return self._plan.orders

    def set_orders(self, orders: Iterable[FaultOrder], *, seed: int | None = None) -> None:
        """Put other faults in force, for the connections from now on; all counts begin anew."""
        self._seed = self._seed if seed is None else seed
        self._plan = Plan(orders, seed=self._seed)
        names = ", ".join(map(str, self._plan.orders)) or "none"
        self._tell(ProxyEvent(Happening.FAULTS, names))

    @property
    def events(self) -> list[ProxyEvent]:
        """What happened so far; of very much, the latest."""
        with self._lock:
            return list(self._events)

    def _tell(self, event: ProxyEvent) -> None:
        with self._lock:
            self._events.append(event)
            if self._log is not None:
                self._log(event)

    # In the loop's thread

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        accepting = [
            asyncio.create_task(self._accept(listener, route))
            for listener, route in zip(self._listeners, self._routes, strict=True)
        ]
        ready.set()
        await self._stopping.wait()
        for task in (*accepting, *self._connections):
            task.cancel()
        await asyncio.gather(*accepting, *self._connections, return_exceptions=True)
        self._close_listeners()

    async def _accept(self, listener: socket.socket, route: Route) -> None:
        assert self._loop is not None
        while True:
            try:
                sock, peer = await self._loop.sock_accept(listener)
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS:
                    self._tell(
                        ProxyEvent(Happening.FAILED, f"cannot accept: {reason_of(error)}", route.service)
                    )
                    await asyncio.sleep(_PAUSE_WITHOUT_DESCRIPTORS_S)
                # Otherwise the client had gone before it was its turn.
                continue
            whence = format_endpoint(*peer[:2]) if isinstance(peer, tuple) else "a UNIX socket"
            task = asyncio.create_task(self._handle(sock, whence, route, next(self._numbers)))
            self._connections.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        """Take note that a connection is over; what went wrong in our own lines is told, not lost."""
        self._connections.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tell(ProxyEvent(Happening.FAILED, f"by a mistake of mailproof itself: {error!r}"))

    async def _handle(self, sock: socket.socket, whence: str, route: Route, number: int) -> None:
        def tell(event: ProxyEvent) -> None:
            self._tell(replace(event, service=route.service, connection=number))

        with sock:
            client = Side(sock, whence)
            interposers = self._plan.open(route.service)
            names = ", ".join(name for name, _ in interposers)
            tell(ProxyEvent(Happening.OPENED, f"from {whence}, {f'with {names}' if names else 'no faults'}"))
            try:
                upstream = await asyncio.wait_for(_connect(route.server), _CONNECT_WITHIN_S)
            except TimeoutError:
                reason = f"no answer within {_CONNECT_WITHIN_S:g} s"
                tell(ProxyEvent(Happening.FAILED, f"cannot connect to {route.server}: {reason}"))
                return
            except OSError as error:
                tell(ProxyEvent(Happening.FAILED, f"cannot connect to {route.server}: {reason_of(error)}"))
                return
            with upstream:
                connection = ProxyConnection(
                    client,
                    Side(upstream, str(route.server)),
                    SPOKEN[route.service],
                    interposers,
                    tls=self._tls,
                    tell=tell,
                )
                how = await connection.run(implicit_tls=route.tls is Tls.IMPLICIT)
                tell(ProxyEvent(Happening.ENDED, how))

    def _close_listeners(self) -> None:
        for listener, route in zip(self._listeners, self._routes, strict=False):
            listener.close()
            if route.listen.path is not None:
                with suppress(OSError):
                    route.listen.path.unlink()
        self._listeners.clear()


def _listen(route: Route) -> tuple[socket.socket, Address]:
    """Return a listening socket, and its address with the port that it got."""
    address = route.listen
    try:
        with _closed_on_error(_bound(address)) as listener:
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            if address.path is not None:
                return listener, address
            return listener, replace(address, port=listener.getsockname()[1])
    except OSError as error:
        reason = reason_of(error)
        raise ConnectFailed(
            f"cannot listen for {route.service} on {address}: {reason}; name another address or port"
        ) from error


def _bound(address: Address) -> socket.socket:
    if address.path is not None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _closed_on_error(sock):
            sock.bind(str(address.path))
        return sock
    family, kind, protocol, _, place = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    with _closed_on_error(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
    return sock


@contextmanager
def _closed_on_error(sock: socket.socket) -> Iterator[socket.socket]:
    try:
        yield sock
    except OSError:
        sock.close()
        raise


async def _connect(address: Address) -> socket.socket:
    """Connect to the server; a name's addresses are tried in the resolver's order."""
    loop = asyncio.get_running_loop()
    if address.path is not None:
        places = [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", str(address.path))]
    else:
        places = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)  # type: ignore[assignment]
    failure = OSError("the name has no address")
    for family, kind, protocol, _, place in places:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, place)
        except OSError as error:
            sock.close()
            failure = error
        except asyncio.CancelledError:
            sock.close()
            raise
        else:
            return sock
    raise failure
