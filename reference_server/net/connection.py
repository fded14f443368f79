"""The driver: one connection, its session stepped directly, its effects carried out.

There is no task per connection. Octets arrive in a buffer that all connections share, are copied into the
session's inbox, and the session's coroutine is stepped there and then; it runs until it asks for something.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from reference_server.log import LOG
from reference_server.net.deadline import Deadline
from reference_server.net.hub import Hub
from reference_server.net.wire import TlsRole, Wire, peer_of
from reference_server.session.base import (
    Arrival,
    Commit,
    Effect,
    Flush,
    Input,
    Peer,
    PeerGone,
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
"""The same for the last words."""


class Connection(asyncio.BufferedProtocol):
    """One client (or, for the relay, one next hop) and the session that speaks to it."""

    __slots__ = (
        "_answering",
        "_breakdown",
        "_deadline",
        "_ended",
        "_fresh",
        "_hub",
        "_is_full",
        "_make_session",
        "_on_end",
        "_running",
        "_stopping",
        "_tls",
        "_waiting",
        "peer",
        "round_heard",
        "session",
        "wire",
    )

    wire: Wire
    """The octets; there from `connection_made` on."""

    def __init__(
        self,
        hub: Hub,
        make_session: Callable[[Peer], Session],
        *,
        breakdown: bytes = b"",
        tls: TlsRole | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self._hub = hub
        self._make_session = make_session
        self._breakdown = breakdown
        """What is said in the protocol's words when the session breaks down by a fault of ours."""
        self._tls = tls
        self._on_end = on_end
        self._deadline = Deadline(hub.loop, self._time_came)
        self._running: Running | None = None
        self._waiting: Effect[Any] | None = None
        """What the session waits for; None while it runs, and before and after."""
        self._answering = 0
        """Counts the steps, so that an answer that comes late finds out that nobody waits for it."""
        self._fresh = False
        """Octets have come that the session was not told of."""
        self._ended = False
        """The client will send no more."""
        self._stopping = False
        self.round_heard = 0
        self._is_full = False
        """The client does not read what is sent."""
        self.peer = Peer("", 0, secure=False)
        self.session: Session | None = None

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is, and greet them, under TLS where the port asks for it."""
        assert isinstance(transport, asyncio.Transport)
        self.wire = Wire(transport)
        tls = self._tls if self._tls is not None and self._tls.implicit else None
        self.peer = peer_of(transport, secure=tls is not None)
        if not self._hub.add(self):
            if tls is None:
                transport.write(self._breakdown)
            transport.close()
        elif tls is not None:
            self._start_tls(tls)
        else:
            self._start_session()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return the buffer that all connections share."""
        return self._hub.receive_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what arrived out of the shared buffer, and let the session have it."""
        hub = self._hub
        gathering = hub.gathering
        gathering.arrivals += 1
        if self.round_heard != gathering.round:
            gathering.heard(self)
        octets = hub.receive_buffer[:nbytes]
        if self.wire.tls is not None:
            self._records_came(octets)
        elif self.session is not None:
            self.session.inbox += octets
            self._octets_came(self.session)

    def eof_received(self) -> bool:
        """Note that the client will send no more; what it waits for is still sent."""
        self._end_came()
        return not self.wire.is_lost and self.session is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the session find out that nobody is there any more."""
        del exc
        self.wire.is_lost = True
        self._hub.remove(self)
        self._hub.gathering.gone(self)
        self._deadline.cancel()
        self._is_full = False
        match self._waiting:
            case Input():
                self._step(Arrival.END)
            case Flush():
                self._step(error=PeerGone())
            case StartTls():
                self._step(answer=False)
            case None if self._running is None:
                self._report_end()
            case _:
                # The store or a password is being waited for; what comes of it ends the session.
                return

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read: it must not fill our memory."""
        self._is_full = True
        self.wire.pause_reading()

    def resume_writing(self) -> None:
        """Go on with what was held back."""
        self._is_full = False
        waiting = self._waiting
        if isinstance(waiting, Flush):
            self._hub.loop.call_soon(self._answer, self._answering, None)
        elif not (isinstance(waiting, Input) and self._come_back(waiting)):
            self.wire.resume_reading()

    # The server calls these

    def shut_down(self) -> None:
        """Tell the session that the server is stopping, as soon as it listens."""
        self._stopping = True
        if isinstance(self._waiting, Input):
            if self._waiting.through_shutdown:
                return
            self._step(Arrival.SHUTDOWN)
        elif self.session is None:
            self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        self.wire.abort()

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
                    answer = self._arrival_for(effect)
                    if answer is None:
                        self._wait(effect)
                        break
                else:
                    self._carry_out(effect)
                    break
            finished = True
        except (StopIteration, PeerGone):
            finished = True
            self._finish()
        finally:
            # An exception is a fault of ours. It goes on to the loop's handler, which logs it; the client
            # gets the protocol's temporary failure instead of silence.
            if not finished:
                assert self.session is not None
                self.session.outbox += self._breakdown
                self._finish()

    def _wait(self, wait: Input) -> None:
        self._waiting = wait
        self._send()
        if not self._is_full:
            self.wire.resume_reading()
        self._deadline.set(wait.timeout_s)

    def _arrival_for(self, wait: Input) -> Arrival | None:
        """Return what an `Input` comes back with at once, or None if there is nothing."""
        session = self.session
        assert session is not None
        arrival = None
        if self.wire.is_lost:
            arrival = Arrival.END
        elif self._stopping and not wait.through_shutdown:
            arrival = Arrival.SHUTDOWN
        elif self._is_full:
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

    def _come_back(self, wait: Input) -> bool:
        """Step a waiting session if there is something for it; whether there was."""
        arrival = self._arrival_for(wait)
        if arrival is None:
            return False
        self._step(arrival)
        return True

    def _carry_out(self, effect: Effect[Any]) -> None:
        """Start an effect that is answered later."""
        self._waiting = effect
        number = self._answering
        hub = self._hub
        self._send()
        match effect:
            case Commit(change):
                hub.gathering.joined(self)
                hub.store.submit(change, lambda result: self._committed(number, result))
            case Query(work):
                hub.store.query(work, lambda result: self._answer(number, result))
            case VerifyPassword(login, password):
                hub.verify(login, password, self.peer.address, lambda account: self._answer(number, account))
            case Flush():
                self._deadline.set(_UNREAD_S)
                if self.wire.is_lost:
                    hub.loop.call_soon(self._answer, number, PeerGone())
                elif not self._is_full:
                    hub.loop.call_soon(self._answer, number, None)
            case StartTls():
                if self.wire.is_lost or self._tls is None:
                    hub.loop.call_soon(self._answer, number, False)
                else:
                    self._start_tls(self._tls)
            case _:
                raise TypeError(f"a session asked for {effect!r}")

    def _committed(self, number: int, result: Any) -> None:
        """Answer a change; who is answered is expected to go on at once."""
        if not self.wire.is_lost:
            self._hub.gathering.heard(self)
        self._answer(number, result)

    def _answer(self, number: int, result: Any) -> None:
        """Let the session go on with an effect's result, unless it has gone on or ended meanwhile."""
        if number != self._answering or self._running is None:
            return
        if isinstance(result, StoreUnavailable | PeerGone):
            self._step(error=result)
        else:
            self._step(result)

    def _wake(self) -> None:
        """Bring news to a session that waits for them, in a turn of its own."""
        if isinstance(self._waiting, Input) and self._waiting.news:
            self._hub.loop.call_soon(self._deliver_news)

    def _deliver_news(self) -> None:
        if isinstance(self._waiting, Input) and self._waiting.news:
            self._come_back(self._waiting)

    def _finish(self) -> None:
        """Send the last words and close."""
        self._running = None
        self._waiting = None
        assert self.session is not None
        # Without this circle the session is freed at once, not at the next full round of gc.
        self.session.wake = None
        self._send()
        if self.wire.is_lost:
            self._report_end()
            return
        self.wire.close()
        self._deadline.set(_CLOSING_S)

    def _report_end(self) -> None:
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end()

    # Octets and time

    def _octets_came(self, session: Session) -> None:
        waiting = self._waiting
        if type(waiting) is Input and not self._is_full and (not self._stopping or waiting.through_shutdown):
            self._step(Arrival.OCTETS)
            return
        self._fresh = True
        if len(session.inbox) > _INBOX_CAP:
            self.wire.pause_reading()

    def _end_came(self) -> None:
        self._ended = True
        waiting = self._waiting
        if isinstance(waiting, Input):
            self._come_back(waiting)
        elif isinstance(waiting, StartTls):
            self._step(answer=False)
        elif self.session is None:
            self.abort()

    def _send(self) -> None:
        """Send and clear the outbox."""
        session = self.session
        if session is not None and session.outbox:
            octets = bytes(session.outbox)
            session.outbox.clear()
            self.wire.send(octets)

    def _time_came(self) -> None:
        waiting = self._waiting
        if isinstance(waiting, Input) and not self._is_full:
            self._step(Arrival.TIMEOUT)
        elif self._running is None or isinstance(waiting, Input | Flush | StartTls):
            self.abort()
        # Else the store or a password is being waited for, which is no fault of the client.

    # TLS

    def _start_tls(self, role: TlsRole) -> None:
        self.wire.start_tls(role)
        self._deadline.set(_HANDSHAKE_S)
        if not role.server_side:
            self._shake_hands()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether a session goes on, or starts, under TLS now."""
        try:
            if not self.wire.shake_hands():
                return False
        except ssl.SSLError as error:
            _LOG.warning("%s: TLS handshake failed: %s", self.peer.address, error.reason or error)
            self.wire.tls = None
            if isinstance(self._waiting, StartTls):
                self._step(answer=False)
            else:
                self.wire.close()
            return False
        self.peer = Peer(
            self.peer.address, self.peer.port, secure=True, local_address=self.peer.local_address
        )
        if self.session is None:
            self._start_session()
        else:
            self._step(answer=True)
        return self._running is not None

    def _records_came(self, octets: memoryview) -> None:
        tls = self.wire.tls
        assert tls is not None
        tls.feed(octets)
        if not tls.established and not self._shake_hands():
            return
        session = self.session
        assert session is not None
        before = len(session.inbox)
        try:
            is_open = tls.read_into(session.inbox, self._hub.scratch)
        except ssl.SSLError as error:
            _LOG.warning("%s: TLS failed: %s", self.peer.address, error.reason or error)
            self.abort()
            return
        self.wire.send_records()
        if len(session.inbox) > before:
            self._octets_came(session)
        if not is_open:
            self._end_came()
