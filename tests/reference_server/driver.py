"""Runs a session without any loop: feed octets, see what comes out.

    peer = Driver(Pop3Session(Peer("192.0.2.1", 4711, secure=True), ...), store)
    peer.greeting                    # what the session said before it wanted input
    peer.send(b"NOOP\r\n")           # what it says until it wants input again
    peer.ended

Effects are carried out on the spot: `VerifyPassword`, `Commit` and `Query` by the store, `StartTls` as
`tls_succeeds` says. A test that needs them to fail sets `commit_fails` or `verify_fails`.
"""

from typing import Any, Protocol

from reference_server.session.base import (
    Arrival,
    Commit,
    Effect,
    Flush,
    Input,
    PeerGone,
    Query,
    Session,
    StartTls,
    VerifyPassword,
)
from reference_server.store.errors import StoreUnavailable


class Backend(Protocol):
    """What the driver needs of a store."""

    def verify(self, login: str, password: str) -> Any: ...
    def commit(self, change: Any) -> Any: ...
    def run_query(self, work: Any) -> Any: ...


class Driver:
    """One session and its client."""

    def __init__(self, session: Session, store: Backend) -> None:
        self.session = session
        self.store = store
        self.tls_succeeds = True
        self.commit_fails = False
        self.verify_fails = False
        self.lost = False
        """The connection is gone, as a `Flush` finds out."""
        self.ended = False
        self.effects: list[Effect[Any]] = []
        """Everything the session has asked for, in order."""
        self.waiting: Input | None = None
        """What it waits with now."""
        self._running = session.run()
        self.greeting = self._go_on(None)

    def send(self, octets: bytes) -> bytes:
        """Let octets arrive; what the session says until it wants more."""
        assert not self.ended, "the session has ended"
        self.session.inbox += octets
        return self._go_on(Arrival.OCTETS)

    def end(self) -> bytes:
        """Let the client end its side."""
        return self._go_on(Arrival.END)

    def time_out(self) -> bytes:
        """Let the time-out pass that the session has set."""
        return self._go_on(Arrival.TIMEOUT)

    def shut_down(self) -> bytes:
        """Let the server stop."""
        return self._go_on(Arrival.SHUTDOWN)

    def news(self) -> bytes:
        """Deliver the news that were rung, if the session waits for any."""
        if self.waiting is None or not self.waiting.news or not self.session.rung:
            return b""
        self.session.rung = False
        return self._go_on(Arrival.NEWS)

    def cut(self) -> None:
        """Drop the connection as a driver does when the socket fails."""
        self._running.close()
        self.ended = True

    def _go_on(self, answer: Any) -> bytes:
        said = bytearray()
        failure: StoreUnavailable | PeerGone | None = None
        while True:
            try:
                effect = self._running.throw(failure) if failure else self._running.send(answer)
            except (StopIteration, PeerGone):
                self.ended = True
                self.waiting = None
                return bytes(said + self._take_outbox())
            failure = None
            self.effects.append(effect)
            said += self._take_outbox()
            if isinstance(effect, Input):
                self.waiting = effect
                return bytes(said)
            try:
                answer = self._carry_out(effect)
            except (StoreUnavailable, PeerGone) as error:
                failure = error

    def _carry_out(self, effect: Effect[Any]) -> Any:
        match effect:
            case Flush():
                if self.lost:
                    raise PeerGone
                return None
            case StartTls():
                assert not self.session.inbox, "octets that came in clear would survive"
                return self.tls_succeeds
            case VerifyPassword(login, password):
                if self.verify_fails:
                    raise StoreUnavailable("the test says so")
                return self.store.verify(login, password)
            case Commit(change):
                if self.commit_fails:
                    raise StoreUnavailable("the test says so")
                return self.store.commit(change)
            case Query(work):
                return self.store.run_query(work)
            case _:
                raise AssertionError(f"no driver knows {effect!r}")

    def _take_outbox(self) -> bytes:
        taken = bytes(self.session.outbox)
        self.session.outbox.clear()
        return taken
