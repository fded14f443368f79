"""The driver of sessions, on a wire without sockets and a clock that the test moves."""

import gc
import logging
from collections.abc import Callable, Iterator

import pytest
from fake_wire import Loop, Store, Transport, make_hub, receive

from reference_server.net.connection import Connection
from reference_server.net.hub import Hub
from reference_server.session.base import (
    Arrival,
    Commit,
    Flush,
    Input,
    Peer,
    Query,
    Session,
    StartTls,
    VerifyPassword,
)
from reference_server.store.errors import StoreUnavailable


class Echo(Session):
    """Says what happens to it; a line may ask for any effect."""

    async def run(self) -> None:
        self.outbox += b"hello\n"
        while True:
            while (end := self.inbox.find(b"\n")) >= 0:
                line = bytes(self.inbox[:end])
                del self.inbox[: end + 1]
                if line == b"quit":
                    self.outbox += b"bye\n"
                    return
                await self._obey(line)
            arrival = await Input(60.0, news=True)
            if arrival is not Arrival.OCTETS:
                self.outbox += arrival.name.encode() + b"\n"
                if arrival is not Arrival.NEWS:
                    return

    async def _obey(self, line: bytes) -> None:
        try:
            match line:
                case b"commit":
                    self.outbox += b"%r\n" % await Commit("change")
                case b"query":
                    self.outbox += b"%r\n" % await Query("work")
                case b"login":
                    self.outbox += b"%r\n" % await VerifyPassword("alice", "secret")
                case b"flood":
                    for _ in range(10):
                        self.outbox += b"x" * 1000 + b"\n"
                        await Flush()
                case b"tls":
                    self.outbox += b"%r\n" % await StartTls()
                case b"crash":
                    raise ZeroDivisionError("a fault of ours")
                case _:
                    self.outbox += line + b"\n"
        except StoreUnavailable as error:
            self.outbox += str(error).encode() + b"\n"


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def hub(loop: Loop, store: Store) -> Iterator[Hub]:
    made = make_hub(loop, store, per_address=2)
    yield made
    made._verifiers.shutdown()


Connect = Callable[..., tuple[Connection, Transport]]


@pytest.fixture
def connect(loop: Loop, hub: Hub) -> Connect:
    def make(address: str = "192.0.2.1") -> tuple[Connection, Transport]:
        transport = Transport(loop, address)
        connection = Connection(hub, Echo, breakdown=b"broken\n")
        transport.protocol = connection
        connection.connection_made(transport)
        return connection, transport

    return make


def test_a_conversation(connect: Connect, loop: Loop, hub: Hub) -> None:
    connection, transport = connect()
    assert transport.take() == b"hello\n"
    assert connection.peer == Peer("192.0.2.1", 4711, secure=False, local_address="192.0.2.9")
    receive(connection, b"one\ntw")
    assert transport.take() == b"one\n"
    receive(connection, b"o\nquit\nignored\n")
    assert transport.take() == b"two\nbye\n"
    assert transport.closed
    loop.turn()
    assert len(hub) == 0


def test_what_arrived_before_the_end_is_served(connect: Connect) -> None:
    connection, transport = connect()
    receive(connection, b"one\n")
    assert connection.eof_received()
    assert transport.take() == b"hello\none\nEND\n"
    assert transport.closed


def test_a_commit_suspends_the_session_and_not_the_client(connect: Connect, store: Store) -> None:
    connection, transport = connect()
    receive(connection, b"commit\n")
    receive(connection, b"one\n")
    assert transport.take() == b"hello\n"
    assert connection.eof_received()
    store.answer("done")
    assert transport.take() == b"'done'\none\nEND\n"


def test_a_failed_commit_is_raised_in_the_session(connect: Connect, store: Store) -> None:
    connection, transport = connect()
    receive(connection, b"commit\nquery\n")
    store.answer(StoreUnavailable("no disk"))
    assert transport.take() == b"hello\nno disk\n"
    store.answer(7)
    assert transport.take() == b"7\n"


def test_a_client_that_goes_while_the_store_works(
    connect: Connect, store: Store, loop: Loop, hub: Hub
) -> None:
    connection, transport = connect()
    receive(connection, b"commit\n")
    connection.connection_lost(None)
    assert len(hub) == 0
    store.answer("done")
    assert transport.take() == b"hello\n"
    assert connection._running is None
    assert loop.timers == 0


def test_a_password_is_verified_off_the_loop(connect: Connect, loop: Loop, hub: Hub) -> None:
    connection, transport = connect()
    receive(connection, b"login\n")
    hub._verifiers.shutdown(wait=True)
    loop.turn()
    assert transport.take() == b"hello\n'alice'\n"


def test_a_wrong_password_is_answered_after_a_pause(loop: Loop, hub: Hub) -> None:
    answers: list[object] = []
    hub.verify("alice", "wrong", "192.0.2.1", answers.append)
    hub._verifiers.shutdown(wait=True)
    loop.turn()
    assert answers == []
    loop.advance(1.0)
    assert answers == [None]


def test_silence_times_out(connect: Connect, loop: Loop) -> None:
    connection, transport = connect()
    loop.advance(59.0)
    receive(connection, b"one\n")
    loop.advance(59.0)
    assert transport.take() == b"hello\none\n"
    loop.advance(1.5)
    assert transport.take() == b"TIMEOUT\n"
    assert transport.closed


def test_waiting_for_the_store_is_no_silence(connect: Connect, loop: Loop, store: Store) -> None:
    connection, transport = connect()
    receive(connection, b"commit\n")
    loop.advance(1000.0)
    store.answer("done")
    assert transport.take() == b"hello\n'done'\n"
    loop.advance(60.0)
    assert transport.take() == b"TIMEOUT\n"


def test_a_client_that_does_not_read_is_not_served(connect: Connect, loop: Loop) -> None:
    connection, transport = connect()
    connection.pause_writing()
    assert not transport.reading
    receive(connection, b"one\n")
    assert transport.take() == b"hello\n"
    connection.resume_writing()
    assert transport.take() == b"one\n"
    assert transport.reading
    connection.pause_writing()
    loop.advance(61.0)
    assert transport.closed
    assert transport.take() == b""


def test_a_flood_goes_out_in_slices(connect: Connect, loop: Loop) -> None:
    connection, transport = connect()
    transport.take()
    receive(connection, b"flood\n")
    assert len(transport.take()) == 1001
    connection.pause_writing()
    loop.turn()
    assert len(transport.take()) == 1001
    loop.turn()
    assert transport.take() == b""
    connection.resume_writing()
    loop.turn()
    assert len(transport.take()) == 8 * 1001


def test_whoever_leaves_a_flood_unread_is_cut_off(connect: Connect, loop: Loop, hub: Hub) -> None:
    connection, transport = connect()
    connection.pause_writing()
    receive(connection, b"flood\n")
    connection.resume_writing()
    connection.pause_writing()
    loop.advance(1000.0)
    assert transport.closed
    assert len(hub) == 0


def test_an_inbox_does_not_grow_while_the_store_works(connect: Connect, store: Store) -> None:
    connection, transport = connect()
    receive(connection, b"commit\n")
    receive(connection, b"x" * 1_100_000)
    assert not transport.reading
    store.answer("done")
    assert transport.reading


def test_a_fault_of_ours_ends_one_connection_with_the_protocols_words(connect: Connect, loop: Loop) -> None:
    connection, transport = connect()
    with pytest.raises(ZeroDivisionError):
        receive(connection, b"crash\n")
    assert transport.take() == b"hello\nbroken\n"
    assert transport.closed
    other, its_transport = connect()
    receive(other, b"one\n")
    assert its_transport.take() == b"hello\none\n"


def test_news_reach_a_session_that_waits(connect: Connect, loop: Loop, store: Store) -> None:
    connection, transport = connect()
    session = connection.session
    assert session is not None
    session.ring()
    loop.turn()
    assert transport.take() == b"hello\nNEWS\n"
    receive(connection, b"commit\n")
    session.ring()
    session.ring()
    loop.turn()
    assert transport.take() == b""
    store.answer("done")
    assert transport.take() == b"'done'\nNEWS\n"


def test_shutdown(connect: Connect, loop: Loop, store: Store) -> None:
    waiting, idle_transport = connect()
    busy, busy_transport = connect()
    receive(busy, b"commit\n")
    waiting.shut_down()
    busy.shut_down()
    assert idle_transport.take() == b"hello\nSHUTDOWN\n"
    assert busy_transport.take() == b"hello\n"
    store.answer("done")
    assert busy_transport.take() == b"'done'\nSHUTDOWN\n"
    assert busy_transport.closed


def test_connections_per_address(connect: Connect, loop: Loop, hub: Hub) -> None:
    first, _ = connect()
    connect()
    _, third = connect()
    assert third.take() == b"broken\n"
    assert third.closed
    _, elsewhere = connect("192.0.2.2")
    assert elsewhere.take() == b"hello\n"
    loop.turn()
    first.connection_lost(None)
    _, fourth = connect()
    assert fourth.take() == b"hello\n"
    assert len(hub) == 3


def test_starttls_without_a_certificate_fails(connect: Connect, loop: Loop) -> None:
    connection, transport = connect()
    receive(connection, b"tls\n")
    loop.turn()
    assert transport.take() == b"hello\nFalse\n"


def test_mapped_addresses_are_ipv4(loop: Loop, hub: Hub) -> None:
    transport = Transport(loop, "::ffff:192.0.2.5")
    connection = Connection(hub, Echo)
    transport.protocol = connection
    connection.connection_made(transport)
    assert connection.peer.address == "192.0.2.5"


def test_ended_connections_are_freed_at_once(connect: Connect, loop: Loop) -> None:
    """Ten thousand of them must not wait for the garbage collector's full round."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            connection, transport = connect()
            receive(connection, b"one\n")
            connection.connection_lost(None)
            transport.protocol = None
        loop.turn()
        del connection, transport
        assert not any(isinstance(found, Connection | Echo) for found in gc.get_objects())
    finally:
        gc.enable()


def test_no_password_is_verified_once_the_server_stops(loop: Loop, hub: Hub) -> None:
    hub.stopping = True
    hub._verifiers.shutdown(wait=True)
    answers: list[object] = []
    hub.verify("alice", "secret", "192.0.2.1", answers.append)
    loop.turn()
    assert [type(answer) for answer in answers] == [StoreUnavailable]


def test_a_failed_login_is_logged_with_its_origin(
    loop: Loop, hub: Hub, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("mailproof"), "propagate", True)
    hub.verify("alice", "wrong", "192.0.2.1", lambda _: None)
    hub._verifiers.shutdown(wait=True)
    loop.turn()
    assert "login failed for 'alice' from 192.0.2.1" in caplog.text
    assert "wrong" not in caplog.text


class Decides(Session):
    """Waits for a word that it must have, also while the server stops."""

    async def run(self) -> None:
        self.outbox += b"%s\n" % (await Input(60.0, through_shutdown=True)).name.encode()
        self.outbox += b"%s\n" % (await Input(60.0)).name.encode()


def test_what_decides_over_mail_is_waited_for_while_the_server_stops(loop: Loop, hub: Hub) -> None:
    transport = Transport(loop)
    connection = Connection(hub, Decides)
    transport.protocol = connection
    connection.connection_made(transport)
    connection.shut_down()
    assert transport.take() == b""
    receive(connection, b"250\r\n")
    assert transport.take() == b"OCTETS\nSHUTDOWN\n"
    loop.turn()
    assert len(hub) == 0


def test_nothing_more_is_said_to_a_client_that_is_gone(connect: Connect, hub: Hub) -> None:
    connection, transport = connect()
    receive(connection, b"flood\nflood\n")
    assert transport.take().count(b"x\n") == 1
    connection.connection_lost(None)
    assert connection._running is None
    assert len(hub) == 0
