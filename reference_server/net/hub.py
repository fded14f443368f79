"""What all connections share: the store, a thread pool, one receive buffer, the list of them all."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from reference_server.log import LOG
from reference_server.net.gathering import Gathering
from reference_server.store.errors import StoreUnavailable

if TYPE_CHECKING:
    from reference_server.net.connection import Connection

_LOG = LOG.getChild("net")
_RECEIVE_OCTETS = 262_144
_SCRATCH_OCTETS = 65_536


class StorePort(Protocol):
    """What connections ask of the store; every `done` is called on the loop's thread."""

    def submit(self, change: Any, done: Callable[[Any], None]) -> None:
        """Make a change; `done` gets its result or a `StoreUnavailable`, once it is synced."""
        ...

    def query(self, work: Any, done: Callable[[Any], None]) -> None:
        """Run a long read on a reader thread; `done` gets its result or a `StoreUnavailable`."""
        ...

    def verify(self, login: str, password: str) -> "Any | None":
        """Verify a password; slow on purpose, called on a thread of its own."""
        ...


class Hub:
    """Carries out what sessions ask for, and ends all of them together."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: StorePort,
        *,
        max_connections_per_address: int,
        failed_login_delay_s: float,
    ) -> None:
        self.loop = loop
        self.store = store
        self.receive_buffer = memoryview(bytearray(_RECEIVE_OCTETS))
        """asyncio reads every connection into this one buffer; what arrived is copied out at once."""
        self.scratch = memoryview(bytearray(_SCRATCH_OCTETS))
        """TLS records are decrypted into this one."""
        self.gathering = Gathering(loop)
        """Finds the moment at which changes go to disk together."""
        self.stopping = False
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._max_per_address = max_connections_per_address
        self._failed_login_delay_s = failed_login_delay_s
        # argon2 takes tens of milliseconds of a core on purpose: two at a time leave the loop its turn.
        self._verifiers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="verify")
        self._empty = asyncio.Event()
        self._empty.set()

    # Connections

    def add(self, connection: "Connection") -> bool:
        """Count a connection in; False if its address has too many already, or the server is stopping."""
        address = connection.peer.address
        if self.stopping or self._per_address[address] >= self._max_per_address:
            return False
        self._per_address[address] += 1
        self._connections.add(connection)
        self._empty.clear()
        return True

    def remove(self, connection: "Connection") -> None:
        """Count a connection out."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        address = connection.peer.address
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]
        if not self._connections:
            self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    async def stop(self, grace_s: float) -> None:
        """Tell every session that the server stops, wait for their last words, then cut what is left."""
        self.stopping = True
        for connection in tuple(self._connections):
            connection.shut_down()
        try:
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        except TimeoutError:
            _LOG.warning("cutting %d connections that did not end", len(self._connections))
            for connection in tuple(self._connections):
                connection.abort()
        self._verifiers.shutdown(wait=True, cancel_futures=True)

    # Effects

    def verify(self, login: str, password: str, address: str, done: Callable[[Any], None]) -> None:
        """Verify a password off the loop; a wrong one is logged, and answered after a pause."""
        if self.stopping:
            self.loop.call_soon(done, StoreUnavailable("the server is stopping"))
            return
        future: Future[Any] = self._verifiers.submit(self.store.verify, login, password)
        future.add_done_callback(
            lambda finished: self.loop.call_soon_threadsafe(self._verified, finished, login, address, done)
        )

    def _verified(
        self, finished: "Future[Any]", login: str, address: str, done: Callable[[Any], None]
    ) -> None:
        if finished.cancelled():
            done(StoreUnavailable("the server is stopping"))
            return
        error = finished.exception()
        if error is not None:
            _LOG.error("could not verify a password", exc_info=error)
            done(StoreUnavailable("the password could not be verified"))
            return
        account = finished.result()
        if account is None:
            _LOG.warning("login failed for %r from %s", login[:128], address)
            self.loop.call_later(self._failed_login_delay_s, done, None)
        else:
            done(account)
