"""The driver: one connection, its session stepped directly, its effects carried out.

There is no task per connection. Octets arrive in a buffer that all connections share, are copied into the
session's inbox, and the session's coroutine is stepped there and then; it runs until it asks for something.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from reference_server.log import LOG
from reference_server.net.hub import Hub
from reference_server.net.tls import TlsLayer
from reference_server.session.base import (
    Arrival,
    Commit,
    Effect,
    Flush,
    Input,
    Peer,
    Query,
    Running,
    Session,
    StartTls,
    VerifyPassword,
)
from reference_server.store.errors import StoreUnavailable

_LOG = LOG.getChild("net")
_INBOX_CAP = 1_048_576
"""With more than this unread by a session that waits for the store, the socket is not read."""
_HANDSHAKE_S = 60.0
_UNREAD_S = 300.0
"""How long a client may leave replies unread before it is cut off."""
_CLOSING_S = 30.0


class Connection(asyncio.BufferedProtocol):
    """One client (or, for the relay, one next hop) and the session that speaks to it."""

    __slots__ = (
        "_answering",
        "_breakdown",
        "_deadline_s",
        "_ended",
        "_fresh",
        "_hub",
        "_lost",
        "_make_session",
        "_on_end",
        "_paused_reading",
        "_paused_writing",
        "_running",
        "_server_name",
        "_server_side",
        "_stopping",
        "_timer",
        "_tls",
        "_tls_context",
        "_tls_implicit",
        "_transport",
        "_waiting",
        "peer",
        "session",
    )

    def __init__(
        self,
        hub: Hub,
        make_session: Callable[[Peer], Session],
        *,
        breakdown: bytes = b"",
        tls_context: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        server_side: bool = True,
        server_name: str | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self._hub = hub
        self._make_session = make_session
        self._breakdown = breakdown
        """What is said in the protocol's words when the session breaks down by a fault of ours."""
        self._tls_context = tls_context
        self._tls_implicit = implicit_tls
        self._server_side = server_side
        self._server_name = server_name
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._tls: TlsLayer | None = None
        self._running: Running | None = None
        self._waiting: Effect[Any] | None = None
        """What the session waits for; None while it runs, and before and after."""
        self._answering = 0
        """Counts the steps, so that an answer that comes late finds out that nobody waits for it."""
        self._timer: asyncio.TimerHandle | None = None
        self._deadline_s = 0.0
        self._fresh = False
        """Octets have come that the session was not told of."""
        self._ended = False
        self._lost = False
        self._stopping = False
        self._paused_reading = False
        self._paused_writing = False
        self.peer = Peer("", 0, secure=False)
        self.session: Session | None = None

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is, and greet them, under TLS where the port asks for it."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = _peer_of(transport, secure=self._tls_implicit)
        if not self._hub.add(self):
            if not self._tls_implicit:
                transport.write(self._breakdown)
            transport.close()
            return
        if self._tls_implicit:
            self._start_tls_layer()
        else:
            self._start_session()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return the buffer that all connections share."""
        return self._hub.receive_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what arrived out of the shared buffer, and let the session have it."""
        octets = self._hub.receive_buffer[:nbytes]
        if self._tls is not None:
            self._tls_received(octets)
            return
        session = self.session
        if session is None:
            return
        session.inbox += octets
        self._octets_came(session)

    def eof_received(self) -> bool:
        """Note that the client will send no more; what it waits for is still sent."""
        self._end_came()
        return not self._lost and self.session is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the session find out that nobody is there any more."""
        del exc
        self._lost = True
        self._hub.remove(self)
        self._cancel_timer()
        self._paused_writing = False
        waiting = self._waiting
        if isinstance(waiting, Input):
            self._step(Arrival.END)
        elif isinstance(waiting, Flush):
            self._step(None)
        elif isinstance(waiting, StartTls):
            self._step(answer=False)
        elif self._running is None:
            self._report_end()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read: it must not fill our memory."""
        self._paused_writing = True
        self._pause_reading()

    def resume_writing(self) -> None:
        """Go on with what was held back."""
        self._paused_writing = False
        waiting = self._waiting
        if isinstance(waiting, Flush):
            self._hub.loop.call_soon(self._answer, self._answering, None)
        elif isinstance(waiting, Input):
            arrival = self._arrival_for(waiting)
            if arrival is None:
                self._resume_reading()
            else:
                self._step(arrival)
        else:
            self._resume_reading()

    # The server calls these

    def shut_down(self) -> None:
        """Tell the session that the server is stopping, as soon as it listens."""
        self._stopping = True
        if isinstance(self._waiting, Input):
            self._step(Arrival.SHUTDOWN)
        elif self.session is None:
            self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        self._lost = True
        if self._transport is not None:
            self._transport.abort()

    # The session

    def _start_session(self) -> None:
        session = self._make_session(self.peer)
        session.wake = self._wake
        self.session = session
        self._running = session.run()
        self._step(None)

    def _step(self, answer: Any = None, error: Exception | None = None) -> None:
        """Run the session until it waits for something that is not there yet."""
        running = self._running
        assert running is not None
        self._waiting = None
        self._answering += 1
        finished = False
        try:
            while True:
                effect = running.send(answer) if error is None else running.throw(error)
                error = None
                if type(effect) is Input:
                    arrival = self._arrival_for(effect)
                    if arrival is None:
                        self._wait(effect, effect.timeout_s)
                        break
                    answer = arrival
                else:
                    self._carry_out(effect)
                    break
            finished = True
        except StopIteration:
            finished = True
            self._finish()
        finally:
            # An exception is a fault of ours. It goes on to the loop's handler, which logs it; the client
            # gets the protocol's temporary failure instead of silence.
            if not finished:
                assert self.session is not None
                self.session.outbox += self._breakdown
                self._finish()

    def _wait(self, effect: Effect[Any], timeout_s: float) -> None:
        self._waiting = effect
        self._send()
        if self._paused_reading and not self._paused_writing:
            self._resume_reading()
        self._arm(timeout_s)

    def _arrival_for(self, wait: Input) -> Arrival | None:
        """Return what an `Input` comes back with at once, or None if there is nothing."""
        session = self.session
        assert session is not None
        arrival = None
        if self._lost:
            arrival = Arrival.END
        elif self._stopping:
            arrival = Arrival.SHUTDOWN
        elif self._paused_writing:
            # Whoever does not read is not served either.
            arrival = None
        elif self._fresh:
            self._fresh = False
            arrival = Arrival.OCTETS
        elif self._ended:
            arrival = Arrival.END
        elif wait.news and session.rung:
            session.rung = False
            arrival = Arrival.NEWS
        elif wait.timeout_s <= 0:
            arrival = Arrival.TIMEOUT
        return arrival

    def _carry_out(self, effect: Effect[Any]) -> None:
        """Start an effect that is answered later."""
        self._waiting = effect
        number = self._answering
        hub = self._hub
        self._send()
        match effect:
            case Commit(change):
                hub.store.submit(change, lambda result: self._answer(number, result))
            case Query(work):
                hub.store.query(work, lambda result: self._answer(number, result))
            case VerifyPassword(login, password):
                hub.verify(login, password, lambda account: self._answer(number, account))
            case Flush():
                self._arm(_UNREAD_S)
                if not self._paused_writing:
                    hub.loop.call_soon(self._answer, number, None)
            case StartTls():
                if self._lost or self._tls_context is None:
                    hub.loop.call_soon(self._answer, number, False)
                else:
                    self._start_tls_layer()
            case _:
                raise TypeError(f"a session asked for {effect!r}")

    def _answer(self, number: int, result: Any) -> None:
        """Let the session go on with an effect's result, unless it has ended meanwhile."""
        if number != self._answering or self._waiting is None or self._running is None:
            return
        if isinstance(result, StoreUnavailable):
            self._step(error=result)
        else:
            self._step(result)

    def _wake(self) -> None:
        """Bring news to a session that waits for them, in a turn of its own."""
        if isinstance(self._waiting, Input) and self._waiting.news:
            self._hub.loop.call_soon(self._deliver_news)

    def _deliver_news(self) -> None:
        waiting = self._waiting
        if isinstance(waiting, Input) and waiting.news:
            arrival = self._arrival_for(waiting)
            if arrival is not None:
                self._step(arrival)

    def _finish(self) -> None:
        """Send the last words and close."""
        self._running = None
        self._waiting = None
        assert self.session is not None
        # Without this circle the session is freed at once, not at the next full round of gc.
        self.session.wake = None
        self._send()
        transport = self._transport
        assert transport is not None
        if self._tls is not None and self._tls.established and not self._lost:
            self._tls.close()
            transport.write(self._tls.take_outgoing())
        if self._lost:
            self._report_end()
            return
        transport.close()
        # A client that leaves the last words unread would keep the socket for ever.
        self._arm(_CLOSING_S)

    def _report_end(self) -> None:
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end()

    # Octets in and out

    def _octets_came(self, session: Session) -> None:
        waiting = self._waiting
        if type(waiting) is Input and not self._paused_writing and not self._stopping:
            self._step(Arrival.OCTETS)
            return
        self._fresh = True
        if len(session.inbox) > _INBOX_CAP:
            self._pause_reading()

    def _end_came(self) -> None:
        self._ended = True
        waiting = self._waiting
        if isinstance(waiting, Input):
            arrival = self._arrival_for(waiting)
            if arrival is not None:
                self._step(arrival)
        elif isinstance(waiting, StartTls):
            self._step(answer=False)
        elif self.session is None:
            self.abort()

    def _send(self) -> None:
        """Send and clear the outbox."""
        session = self.session
        if session is None or not session.outbox:
            return
        octets = bytes(session.outbox)
        session.outbox.clear()
        if self._lost or self._transport is None:
            return
        if self._tls is not None and self._tls.established:
            self._tls.write(octets)
            octets = self._tls.take_outgoing()
        self._transport.write(octets)

    def _pause_reading(self) -> None:
        if not self._paused_reading and self._transport is not None and not self._transport.is_closing():
            self._paused_reading = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._paused_reading and self._transport is not None and not self._transport.is_closing():
            self._paused_reading = False
            self._transport.resume_reading()

    # Time

    def _arm(self, timeout_s: float) -> None:
        """Set the time-out; a running timer is only replaced by an earlier one, since that is cheap."""
        loop = self._hub.loop
        self._deadline_s = loop.time() + timeout_s
        timer = self._timer
        if timer is None or timer.when() > self._deadline_s:
            if timer is not None:
                timer.cancel()
            self._timer = loop.call_at(self._deadline_s, self._time_came)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_came(self) -> None:
        loop = self._hub.loop
        self._timer = None
        waiting = self._waiting
        if self._running is not None and not isinstance(waiting, Input | Flush | StartTls):
            # The store or a password is being waited for: no fault of the client.
            return
        if loop.time() < self._deadline_s:
            self._timer = loop.call_at(self._deadline_s, self._time_came)
        elif isinstance(waiting, Input) and not self._paused_writing:
            self._step(Arrival.TIMEOUT)
        else:
            self.abort()

    # TLS

    def _start_tls_layer(self) -> None:
        assert self._tls_context is not None
        self._tls = TlsLayer(self._tls_context, server_side=self._server_side, server_name=self._server_name)
        self._arm(_HANDSHAKE_S)
        if not self._server_side:
            self._go_on_with_handshake()

    def _tls_received(self, octets: memoryview) -> None:
        tls = self._tls
        assert tls is not None
        tls.feed(octets)
        if not tls.established and not self._go_on_with_handshake():
            return
        session = self.session
        if session is None:
            return
        before = len(session.inbox)
        try:
            is_open = tls.read_into(session.inbox, self._hub.scratch)
        except ssl.SSLError as error:
            _LOG.warning("%s: TLS failed: %s", self.peer.address, error.reason or error)
            self.abort()
            return
        self._send_records()
        if len(session.inbox) > before:
            self._octets_came(session)
        if not is_open:
            self._end_came()

    def _go_on_with_handshake(self) -> bool:
        """Whether the handshake is done; the session then starts, or goes on after STARTTLS."""
        tls = self._tls
        assert tls is not None
        try:
            is_done = tls.handshake()
        except ssl.SSLError as error:
            _LOG.warning("%s: TLS handshake failed: %s", self.peer.address, error.reason or error)
            self._send_records()
            self._tls = None
            self._tls_failed()
            return False
        self._send_records()
        if not is_done:
            return False
        self.peer = Peer(
            self.peer.address, self.peer.port, secure=True, local_address=self.peer.local_address
        )
        if self.session is None:
            self._start_session()
        elif isinstance(self._waiting, StartTls):
            self._step(answer=True)
        return True

    def _tls_failed(self) -> None:
        if isinstance(self._waiting, StartTls):
            self._step(answer=False)
        elif self._transport is not None:
            self._transport.close()

    def _send_records(self) -> None:
        assert self._tls is not None
        records = self._tls.take_outgoing()
        if records and self._transport is not None and not self._lost:
            self._transport.write(records)


def _peer_of(transport: asyncio.Transport, *, secure: bool) -> Peer:
    """Return who is at the other end; IPv4 clients of a socket for both families by their IPv4 address."""
    peer = transport.get_extra_info("peername")
    local = transport.get_extra_info("sockname")
    if not isinstance(peer, tuple):
        return Peer("unix", 0, secure=secure, local_address="unix")
    return Peer(_plain(peer[0]), peer[1], secure=secure, local_address=_plain(local[0]))


def _plain(address: str) -> str:
    address = address.partition("%")[0]
    return address.removeprefix("::ffff:") if address.lower().startswith("::ffff:") else address
