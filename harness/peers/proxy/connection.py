"""One connection through the fault proxy: two sides, and what stands between them."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress

from harness.peers.faults.conversation import open_conversation
from harness.peers.faults.watched import Turn, Watched
from harness.peers.proxy.events import Happening, ProxyEvent, shown
from harness.peers.proxy.side import Side, reason_of
from harness.peers.proxy.tls import ProxyTls
from harness.transport.chain import chained
from harness.transport.interpose import Action, End, Ending, Interposer, Spoken, ToClient, ToServer, Wait

_FLUSH_WITHIN_S = 10.0
"""How long a client may leave unread what it is sent at the end."""
_LINGER_S = 2.0


class _Ended(Exception):
    """A fault has ended the connection."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class _Broken(Exception):
    """A side has broken."""

    def __init__(self, side: Side, error: OSError) -> None:
        super().__init__(side.peer, error)
        self.side = side
        self.error = error


class ProxyConnection:
    """Drives the interposers of one connection until it ends.

    Their actions are done one after the other, whichever side has caused them, so that a reply that waits is
    not overtaken. Only writing never waits for anybody: who has written waits outside, for its own
    destination, so that the two ways cannot hold each other up.
    """

    def __init__(
        self,
        client: Side,
        server: Side,
        spoken: Spoken,
        interposers: Sequence[tuple[str, Interposer]],
        *,
        tls: ProxyTls,
        tell: Callable[[ProxyEvent], None],
    ) -> None:
        self._client = client
        self._server = server
        self._tls = tls
        self._tell = tell
        self._interposer = chained(
            [Watched(interposer, self._striker(name)) for name, interposer in interposers]
        )
        self._turn = asyncio.Lock()
        self._seen_by_client = open_conversation(spoken)
        self._seen_by_server = open_conversation(spoken)
        self._opaque = False

    def _striker(self, name: str) -> Callable[[Turn], None]:
        """Return what tells that the fault of this name strikes, once for each command."""
        told: set[int] = set()

        def struck(turn: Turn) -> None:
            heard = self._seen_by_client
            command = heard.outstanding[0] if turn is Turn.REPLY and heard.outstanding else heard.latest
            number = 0 if command is None else command.number
            if number not in told:
                told.add(number)
                self._tell(ProxyEvent(Happening.STRUCK, fault=name, command=shown(command)))

        return struck

    async def run(self, *, implicit_tls: bool) -> str:
        """Pass on until both sides have ended, one has broken, or a fault ends it; how it ended, in words."""
        if implicit_tls:
            self._begin_implicit_tls()
        client_writer = self._task(self._client, self._client.write_out)
        others = [
            self._task(self._client, self._pass_from_client),
            self._task(self._server, self._pass_from_server),
            self._task(self._server, self._server.write_out),
        ]
        tasks = [client_writer, *others]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            failure = next((error for task in done if (error := task.exception()) is not None), None)
            if failure is None:
                return "both sides ended"
            await _cancel(others)
            match failure:
                case _Ended():
                    return await self._end(failure.ending, client_writer)
                case _Broken():
                    await _cancel(tasks)
                    return self._pass_break_on(failure)
                case _:
                    raise failure
        finally:
            await _cancel(tasks)
            self._client.close()
            self._server.close()

    def _task(self, side: Side, job: Callable[[], Coroutine[None, None, None]]) -> "asyncio.Task[None]":
        """Run a job that uses one side; how that breaks is told with the side."""

        async def guarded() -> None:
            try:
                await job()
            except OSError as error:
                raise _Broken(side, error) from error

        return asyncio.create_task(guarded())

    def _begin_implicit_tls(self) -> None:
        if self._tls.terminates:
            self._client.begin_tls(self._tls.for_clients, server_side=True)
            self._server.begin_tls(self._tls.for_server, server_name=self._tls.server_name)
        else:
            self._become_opaque()

    def _become_opaque(self) -> None:
        """Pass on what cannot be read."""
        self._opaque = True
        self._interposer = None
        self._tell(ProxyEvent(Happening.TLS, "passes unread, and without faults"))

    # The ways

    async def _pass_from_client(self) -> None:
        while True:
            octets = await self._client.receive()
            async with self._turn:
                if not self._opaque:
                    _read(self._seen_by_client.from_client(octets))
                if self._interposer is None:
                    self._to_server(octets)
                else:
                    await self._do(self._interposer.from_client(octets))
            if not octets:
                self._server.end()
                return
            await self._server.room()

    async def _pass_from_server(self) -> None:
        while True:
            octets = await self._server.receive()
            async with self._turn:
                self._follow_server(octets)
                if self._interposer is None:
                    self._to_client(octets)
                else:
                    await self._do(self._interposer.from_server(octets))
            if not octets:
                self._client.end()
                return
            await self._client.room()

    async def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case ToServer(octets):
                    self._to_server(octets)
                case ToClient(octets):
                    self._to_client(octets)
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case End(Ending.HALF_CLOSE):
                    self._client.end()
                case End(ending):
                    raise _Ended(ending)

    def _to_server(self, octets: bytes) -> None:
        if not self._opaque and not self._server.is_tls:
            _read(self._seen_by_server.from_client(octets))
        self._server.write(octets)

    def _to_client(self, octets: bytes) -> None:
        self._client.write(octets)
        if self._opaque:
            return
        _read(self._seen_by_client.from_server(octets))
        if self._seen_by_client.tls_agreed and not self._client.is_tls:
            self._follow_client_into_tls()

    # TLS in the middle: each side by what it was told itself, since a fault may tell them different things

    def _follow_client_into_tls(self) -> None:
        if not self._tls.terminates:
            self._become_opaque()
            return
        self._client.begin_tls(self._tls.for_clients, server_side=True)
        self._seen_by_client.tls_started()
        if self._interposer is not None:
            self._interposer.tls_started()
        self._tell(ProxyEvent(Happening.TLS, "begins"))

    def _follow_server(self, octets: bytes) -> None:
        if self._opaque or self._server.is_tls:
            return
        _read(self._seen_by_server.from_server(octets))
        if self._seen_by_server.tls_agreed and self._tls.terminates:
            self._server.begin_tls(self._tls.for_server, server_name=self._tls.server_name)

    # Endings

    async def _end(self, ending: Ending, client_writer: "asyncio.Task[None]") -> str:
        """End the connection as a fault has ordered."""
        self._server.close()
        if ending is Ending.RESET:
            await _cancel([client_writer])
            self._client.reset()
            return "reset by a fault"
        self._client.end()
        with suppress(TimeoutError, _Broken):
            await asyncio.wait_for(client_writer, _FLUSH_WITHIN_S)
            await asyncio.wait_for(self._client.linger(), _LINGER_S)
        return "ended by a fault"

    def _pass_break_on(self, broken: _Broken) -> str:
        """Reset the side that is whole; a broken handshake is told, since nobody else knows of it."""
        whole = self._server if broken.side is self._client else self._client
        who = "the client" if broken.side is self._client else f"the server {broken.side.peer}"
        if isinstance(broken.error, ssl.SSLError):
            self._tell(ProxyEvent(Happening.FAILED, f"TLS with {who}: {reason_of(broken.error)}"))
            return f"TLS with {who} failed"
        whole.reset()
        if isinstance(broken.error, (ConnectionResetError, BrokenPipeError)):
            return f"{who} reset it"
        return f"{who} broke it: {reason_of(broken.error)}"


def _read(said: Iterable[object]) -> None:
    """Let the reader take note of what passes."""
    deque(said, maxlen=0)


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
