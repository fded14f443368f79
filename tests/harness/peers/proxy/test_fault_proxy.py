"""The proxy as clients and servers see it: every octet, every end, and what it does when ordered."""

import contextlib
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from harness.peers.fault_proxy import Address, FaultProxy, Route
from harness.peers.faults.plan import parse_order
from harness.peers.proxy.events import Happening
from harness.peers.proxy.tls import ProxyTls, issued
from harness.vocabulary.errors import ConnectFailed
from harness.vocabulary.services import Service, Tls

WAIT_S = 10.0
Behaviour = Callable[[socket.socket], None]


class Backend:
    """A server that does to each connection what it is told now."""

    def __init__(self, behaviour: Behaviour, *, address: str | Path = "127.0.0.1") -> None:
        self.behaviour = behaviour
        if isinstance(address, Path):
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(address))
            self._listener.listen()
            self.address = Address(path=address)
        else:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self._listener = socket.create_server((address, 0), family=family, backlog=512)
            self.address = Address(address, self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(WAIT_S)
            self.behaviour(sock)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._accepting, *self._threads):
            thread.join(WAIT_S)
            assert not thread.is_alive()


@contextlib.contextmanager
def backend(behaviour: Behaviour, *, address: str | Path = "127.0.0.1") -> Iterator[Backend]:
    server = Backend(behaviour, address=address)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def proxy_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ca") / "ca.pem"


@pytest.fixture(scope="module")
def tls(authority: trustme.CA, proxy_ca: Path) -> ProxyTls:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return ProxyTls(issued(["localhost", "127.0.0.1", "::1"], proxy_ca), trusting, "server.test")


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("server.test").configure_cert(context)
    return context


def proxying(
    server: Backend, tls: ProxyTls, *orders: str, service: Service = Service.IMAP, how: Tls = Tls.NONE
) -> FaultProxy:
    return FaultProxy([Route(service, how, server.address)], tls=tls, orders=map(parse_order, orders))


def connect(proxy: FaultProxy, *, receive_octets: int = 0) -> socket.socket:
    address = proxy.routes[0].listen
    sock = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    if receive_octets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_octets)
    sock.settimeout(WAIT_S)
    sock.connect((address.host, address.port))
    return sock


def read_all(sock: socket.socket) -> bytes:
    octets = b""
    while piece := sock.recv(65536):
        octets += piece
    return octets


def read_lines(sock: socket.socket, count: int) -> bytes:
    octets = b""
    while octets.count(b"\n") < count:
        piece = sock.recv(65536)
        assert piece, octets
        octets += piece
    return octets


def echo(sock: socket.socket) -> None:
    while octets := sock.recv(65536):
        sock.sendall(octets)


def greet(sock: socket.socket) -> None:
    """An IMAP server of the crudest kind."""
    sock.sendall(b"* OK hi\r\n")
    with sock.makefile("rb") as lines:
        for line in lines:
            tag, _, rest = line.partition(b" ")
            sock.sendall(tag + b" OK " + rest)


def ended(proxy: FaultProxy, count: int = 1) -> list[str]:
    """Wait until so many connections are over; how they ended."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        endings = [event.text for event in proxy.events if event.happening is Happening.ENDED]
        if len(endings) >= count:
            return endings
        time.sleep(0.005)
    raise AssertionError(proxy.events)


# Transparency

NOISE = st.one_of(
    st.binary(min_size=1, max_size=300),
    st.sampled_from([b"a {9}\r\n", b"+ \r\n", b"DATA\r\n354 \r\n", b"\r\n.\r\n", b"+OK\r\nRETR 1\r\n"]),
    st.just(b"x" * 70_000),
)  # fmt: skip


class Played:
    """A server that says what the example has, and keeps what it hears."""

    def __init__(self) -> None:
        self.says: list[bytes] = []
        self.heard = b""
        self.done = threading.Event()

    def __call__(self, sock: socket.socket) -> None:
        for octets in self.says:
            sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)
        self.heard = read_all(sock)
        self.done.set()


@pytest.mark.parametrize("service", [Service.SMTP, Service.LMTP, Service.POP3, Service.IMAP])
@pytest.mark.parametrize("orders", [(), ("delay:seconds=0", "stall:command=1000")], ids=["alone", "reading"])
def test_every_octet_passes_either_way(tls: ProxyTls, service: Service, orders: tuple[str, ...]) -> None:
    played = Played()

    with backend(played) as server, proxying(server, tls, *orders, service=service) as proxy:

        @given(st.lists(NOISE, max_size=6), st.lists(NOISE, max_size=6))
        def run(client_says: list[bytes], server_says: list[bytes]) -> None:
            played.says, played.heard = server_says, b""
            played.done.clear()
            with connect(proxy) as sock:
                for octets in client_says:
                    sock.sendall(octets)
                sock.shutdown(socket.SHUT_WR)
                assert read_all(sock) == b"".join(server_says)
                assert played.done.wait(WAIT_S)
                assert played.heard == b"".join(client_says)

        run()


@pytest.mark.parametrize("orders", [(), ("stall:command=1000000",)], ids=["alone", "reading"])
def test_much_passes_while_the_client_sends_and_reads(tls: ProxyTls, orders: tuple[str, ...]) -> None:
    """The server reads nothing while it writes: neither way may wait for the other."""
    block = hashlib.sha256(b"seed").digest() * 2**15
    count = 16
    with backend(echo) as server, proxying(server, tls, *orders) as proxy, connect(proxy) as sock:

        def send() -> None:
            for _ in range(count):
                sock.sendall(block)
            sock.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        digest, octets = hashlib.sha256(), 0
        while piece := sock.recv(1 << 20):
            digest.update(piece)
            octets += len(piece)
        sending.join()
        assert octets == count * len(block)
        assert digest.hexdigest() == hashlib.sha256(block * count).hexdigest()


def test_who_does_not_read_fills_no_memory(tls: ProxyTls) -> None:
    """The server is held up, as by a client of its own, long before it has sent all."""
    sent = 0
    held_up = threading.Event()

    def pour(sock: socket.socket) -> None:
        nonlocal sent
        sock.settimeout(0.3)
        try:
            while sent < 200 * 2**20:
                sent += sock.send(bytes(65536))
        except TimeoutError:
            held_up.set()

    with backend(pour) as server, proxying(server, tls) as proxy, connect(proxy, receive_octets=8192):
        assert held_up.wait(WAIT_S)
    assert sent < 32 * 2**20


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_two_hundred_at_once(tls: ProxyTls, address: str) -> None:
    with backend(echo, address=address) as server:
        route = Route(Service.IMAP, Tls.NONE, server.address, Address(address))
        with FaultProxy([route], tls=tls) as proxy, contextlib.ExitStack() as stack:
            socks = [stack.enter_context(connect(proxy)) for _ in range(200)]
            for number, sock in enumerate(socks):
                sock.sendall(b"%d\n" % number)
            assert [read_lines(sock, 1) for sock in socks] == [b"%d\n" % number for number in range(200)]


def test_unix_sockets_on_both_sides(tls: ProxyTls, tmp_path: Path) -> None:
    with backend(echo, address=tmp_path / "server") as server:
        route = Route(Service.LMTP, Tls.NONE, server.address, Address(path=tmp_path / "proxy"))
        with FaultProxy([route], tls=tls) as proxy, socket.socket(socket.AF_UNIX) as sock:
            assert proxy.address(Service.LMTP) == Address(path=tmp_path / "proxy")
            sock.connect(str(tmp_path / "proxy"))
            sock.sendall(b"x\n")
            assert read_lines(sock, 1) == b"x\n"
        assert not (tmp_path / "proxy").exists()


# Ends


def test_each_side_may_end_alone(tls: ProxyTls) -> None:
    def answer_at_the_end(sock: socket.socket) -> None:
        sock.sendall(b"%d octets" % len(read_all(sock)))

    def end_first(sock: socket.socket) -> None:
        sock.shutdown(socket.SHUT_WR)
        heard.append(read_all(sock))

    heard: list[bytes] = []
    with backend(answer_at_the_end) as server, proxying(server, tls) as proxy:
        with connect(proxy) as sock:
            sock.sendall(b"12345")
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b"5 octets"
        server.behaviour = end_first
        with connect(proxy) as sock:
            assert read_all(sock) == b""
            sock.sendall(b"still here")
        ended(proxy, 2)
    assert heard == [b"still here"]


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_resets_are_passed_on(tls: ProxyTls) -> None:
    errors: list[str] = []
    told = threading.Event()

    def read_until_reset(sock: socket.socket) -> None:
        try:
            echo(sock)
        except ConnectionResetError as error:
            errors.append(str(error))
        told.set()

    with backend(read_until_reset) as server, proxying(server, tls) as proxy:
        sock = connect(proxy)
        sock.sendall(b"x\n")
        read_lines(sock, 1)
        reset(sock)
        assert told.wait(WAIT_S)
        assert len(errors) == 1
        server.behaviour = lambda sock: (read_lines(sock, 1), reset(sock))[0] and None
        with connect(proxy) as sock:
            sock.sendall(b"x\n")
            with pytest.raises(ConnectionResetError):
                sock.recv(10)
        assert ["reset" in text for text in ended(proxy, 2)] == [True, True]


def test_a_server_that_is_not_there_is_told_and_ends_the_connection(tls: ProxyTls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with FaultProxy([Route(Service.POP3, Tls.NONE, Address("127.0.0.1", port))], tls=tls) as proxy:
        with connect(proxy) as sock:
            assert sock.recv(10) == b""
        (failed,) = [event for event in proxy.events if event.happening is Happening.FAILED]
        assert failed.as_text().endswith(
            f"pop3 #1 failed: cannot connect to 127.0.0.1:{port}: connection refused"
        )


def test_a_port_in_use_is_one_clear_line(tls: ProxyTls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        route = Route(Service.IMAP, Tls.NONE, Address("127.0.0.1", 1), Address("127.0.0.1", port))
        with pytest.raises(
            ConnectFailed, match=f"cannot listen for imap on 127.0.0.1:{port}: address already in use"
        ):
            FaultProxy([route], tls=tls).start()


# TLS


def test_implicit_tls_ends_at_the_proxy_and_begins_anew(
    tls: ProxyTls, proxy_ca: Path, server_context: ssl.SSLContext
) -> None:
    def under_tls(sock: socket.socket) -> None:
        with server_context.wrap_socket(sock, server_side=True) as secure:
            greet(secure)  # type: ignore[arg-type]

    order = "refuse-for-now:match=NOOP"
    with (
        backend(under_tls) as server,
        proxying(server, tls, order, service=Service.IMAPS, how=Tls.IMPLICIT) as proxy,
    ):
        context = ssl.create_default_context(cafile=str(proxy_ca))
        with context.wrap_socket(connect(proxy), server_hostname="localhost") as secure:
            assert read_lines(secure, 1) == b"* OK hi\r\n"
            secure.sendall(b"a NOOP\r\nb CHECK\r\n")
            assert read_lines(secure, 2) == b"a NO [UNAVAILABLE] Try again later\r\nb OK CHECK\r\n"


def test_half_close_under_tls(tls: ProxyTls, proxy_ca: Path, server_context: ssl.SSLContext) -> None:
    """What the server still says to a client that has said goodbye arrives, whole."""

    def answer(sock: socket.socket) -> None:
        with server_context.wrap_socket(sock, server_side=True) as secure:
            heard = b""
            while not heard.endswith(b"\n"):
                heard += secure.recv(100)
            secure.sendall(bytes(300_000))

    with backend(answer) as server, proxying(server, tls, service=Service.IMAPS, how=Tls.IMPLICIT) as proxy:
        context = ssl.create_default_context(cafile=str(proxy_ca))
        with context.wrap_socket(connect(proxy), server_hostname="127.0.0.1") as secure:
            secure.sendall(b"a LOGOUT\r\n")
            assert len(read_all(secure)) == 300_000  # type: ignore[arg-type]


def test_clients_that_leave_during_tls(tls: ProxyTls, proxy_ca: Path, server_context: ssl.SSLContext) -> None:
    """Who leaves without a goodbye behind the handshake has ended; who speaks no TLS has failed."""

    def under_tls(sock: socket.socket) -> None:
        with server_context.wrap_socket(sock, server_side=True) as secure:
            greet(secure)

    with (
        backend(under_tls) as server,
        proxying(server, tls, service=Service.IMAPS, how=Tls.IMPLICIT) as proxy,
    ):
        context = ssl.create_default_context(cafile=str(proxy_ca))
        with context.wrap_socket(connect(proxy), server_hostname="localhost"):
            pass
        assert ended(proxy)[0] in {"both sides ended", "the client reset it"}
        with connect(proxy) as sock:
            sock.sendall(b"a NOOP\r\n")
            read_all(sock)
        assert ended(proxy, 2)[1] == "TLS with the client failed"
        failed = [event.text for event in proxy.events if event.happening is Happening.FAILED]
        assert failed == ["TLS with the client: wrong version number"]


def test_a_server_whose_certificate_does_not_verify_is_told(tls: ProxyTls, proxy_ca: Path) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("server.test").configure_cert(stranger)

    def under_tls(sock: socket.socket) -> None:
        stranger.wrap_socket(sock, server_side=True).close()

    with (
        backend(under_tls) as server,
        proxying(server, tls, service=Service.IMAPS, how=Tls.IMPLICIT) as proxy,
    ):
        context = ssl.create_default_context(cafile=str(proxy_ca))
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(connect(proxy), server_hostname="localhost") as secure,
        ):
            secure.recv(1)
        ended(proxy)
        (failed,) = [event.text for event in proxy.events if event.happening is Happening.FAILED]
        assert "the certificate does not verify" in failed
        assert "[trust]" in failed


def test_a_server_that_leaves_in_the_handshake_is_told(tls: ProxyTls, proxy_ca: Path) -> None:
    def leave(sock: socket.socket) -> None:
        sock.recv(100_000)

    with (
        backend(leave) as server,
        proxying(server, tls, service=Service.IMAPS, how=Tls.IMPLICIT) as proxy,
    ):
        context = ssl.create_default_context(cafile=str(proxy_ca))
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(connect(proxy), server_hostname="localhost") as secure,
        ):
            secure.recv(1)
        ended(proxy)
        (failed,) = [event.text for event in proxy.events if event.happening is Happening.FAILED]
        assert failed == f"TLS with the server {server.address}: the connection ended in the middle of it"


def upgrading(server_context: ssl.SSLContext) -> Behaviour:
    def serve(sock: socket.socket) -> None:
        sock.sendall(b"* OK hi\r\n")
        tag = read_lines(sock, 1).partition(b" ")[0]
        sock.sendall(tag + b" OK go\r\n")
        with server_context.wrap_socket(sock, server_side=True) as secure:
            tag = read_lines(secure, 1).partition(b" ")[0]  # type: ignore[arg-type]
            secure.sendall(tag + b" OK done\r\n")

    return serve


@pytest.mark.parametrize("orders", [(), ("garbage:octets=3,match=NOOP",)], ids=["alone", "faulty"])
def test_tls_begins_in_the_middle_on_both_sides(
    tls: ProxyTls, proxy_ca: Path, server_context: ssl.SSLContext, orders: tuple[str, ...]
) -> None:
    with (
        backend(upgrading(server_context)) as server,
        proxying(server, tls, *orders, how=Tls.STARTTLS) as proxy,
    ):
        sock = connect(proxy)
        read_lines(sock, 1)
        sock.sendall(b"a STARTTLS\r\n")
        assert read_lines(sock, 1) == b"a OK go\r\n"
        with ssl.create_default_context(cafile=str(proxy_ca)).wrap_socket(
            sock, server_hostname="localhost"
        ) as secure:
            secure.sendall(b"b NOOP\r\n")
            answer = read_lines(secure, 1)  # type: ignore[arg-type]
            assert answer.endswith(b"b OK done\r\n")
            assert len(answer) == len(b"b OK done\r\n") + 3 * len(orders)


@pytest.mark.parametrize("how", [Tls.STARTTLS, Tls.IMPLICIT])
def test_what_is_under_tls_may_pass_unread(
    tls: ProxyTls, authority: trustme.CA, server_context: ssl.SSLContext, how: Tls
) -> None:
    def under_tls(sock: socket.socket) -> None:
        with server_context.wrap_socket(sock, server_side=True) as secure:
            read_lines(secure, 1)  # type: ignore[arg-type]
            secure.sendall(b"b OK done\r\n")

    passing = ProxyTls(tls.for_clients, tls.for_server, terminates=False)
    behaviour = under_tls if how is Tls.IMPLICIT else upgrading(server_context)
    with backend(behaviour) as server, proxying(server, passing, "drop:match=NOOP", how=how) as proxy:
        sock = connect(proxy)
        if how is Tls.STARTTLS:
            read_lines(sock, 1)
            sock.sendall(b"a STARTTLS\r\n")
            assert read_lines(sock, 1) == b"a OK go\r\n"
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with context.wrap_socket(sock, server_hostname="server.test") as secure:
            secure.sendall(b"b NOOP\r\n")
            assert read_lines(secure, 1) == b"b OK done\r\n"  # type: ignore[arg-type]
        assert "passes unread" in next(
            event.text for event in proxy.events if event.happening is Happening.TLS
        )


# Faults


def test_a_reset_and_a_close_reach_the_client(tls: ProxyTls) -> None:
    with (
        backend(greet) as server,
        proxying(server, tls, "reset:match=RESET", "reply-cut-short:match=CUT") as proxy,
    ):
        with connect(proxy) as sock:
            read_lines(sock, 1)
            sock.sendall(b"a RESET\r\n")
            with pytest.raises(ConnectionResetError):
                read_all(sock)
        with connect(proxy) as sock:
            read_lines(sock, 1)
            # More than is read: the end must be one in good order all the same.
            sock.sendall(b"a CUT\r\n" + b"b NOOP\r\n" * 1000)
            assert read_all(sock) == b"a OK "
        assert sorted(ended(proxy, 2)) == ["ended by a fault", "reset by a fault"]


def test_a_half_closed_client_may_go_on(tls: ProxyTls) -> None:
    heard: list[bytes] = []
    with backend(greet) as server, proxying(server, tls, "half-close:match=NOOP") as proxy:

        def keep(sock: socket.socket) -> None:
            sock.sendall(b"* OK hi\r\n")
            read_lines(sock, 1)
            sock.sendall(b"a OK\r\n")
            heard.append(read_all(sock))

        server.behaviour = keep
        with connect(proxy) as sock:
            read_lines(sock, 1)
            sock.sendall(b"a NOOP\r\n")
            assert read_all(sock) == b"a OK\r\n"
            sock.sendall(b"b MORE\r\n")
        ended(proxy)
    assert heard == [b"b MORE\r\n"]


def test_a_stalled_reply_is_not_overtaken(tls: ProxyTls) -> None:
    with (
        backend(greet) as server,
        proxying(server, tls, "stall:match=SLOW,seconds=0.1") as proxy,
        connect(proxy) as sock,
    ):
        read_lines(sock, 1)
        sock.sendall(b"a SLOW\r\n")
        sock.sendall(b"b NOOP\r\n")
        assert read_lines(sock, 2) == b"a OK SLOW\r\nb OK NOOP\r\n"


def test_segments_of_one_octet_arrive_as_such(tls: ProxyTls) -> None:
    with (
        backend(greet) as server,
        proxying(server, tls, "drip:octets=1,seconds=0.005") as proxy,
        connect(proxy) as sock,
    ):
        sizes = []
        octets = b""
        while not octets.endswith(b"\n"):
            octets += (piece := sock.recv(100))
            sizes.append(len(piece))
        assert octets == b"* OK hi\r\n"
        assert sizes.count(1) >= 5


def test_faults_are_switched_while_it_runs(tls: ProxyTls) -> None:
    with backend(greet) as server, proxying(server, tls) as proxy:
        with connect(proxy) as before:
            assert read_lines(before, 1) == b"* OK hi\r\n"
            proxy.set_orders([parse_order("greeting-refusal")])
            with connect(proxy) as sock:
                assert read_all(sock).startswith(b"* BYE")
            before.sendall(b"a NOOP\r\n")
            assert read_lines(before, 1) == b"a OK NOOP\r\n"
        proxy.set_orders([])
        with connect(proxy) as sock:
            assert read_lines(sock, 1) == b"* OK hi\r\n"


def test_the_log_says_what_struck_whom_and_where(tls: ProxyTls) -> None:
    orders = ("refuse-for-now:match=^NOOP,times=0", "garbage:match=^X,octets=4", "greeting-late:seconds=0.01")
    with backend(greet) as server, proxying(server, tls, *orders) as proxy:
        with connect(proxy) as sock:
            read_lines(sock, 1)
            for line in (b"a LOGIN me secret", b"b NOOP", b"c CHECK", b"d NOOP", b"e X"):
                sock.sendall(line + b"\r\n")
                read_lines(sock, 1)
        ended(proxy)
        told = [(event.connection, event.fault, event.command) for event in proxy.events if event.fault]
        assert told == [
            (1, "transport-greeting-late", ""),
            (1, "transport-refuse-for-now", "b NOOP"),
            (1, "transport-refuse-for-now", "d NOOP"),
            (1, "transport-garbage", "e X"),
        ]
        opened = proxy.events[0].as_text()
        assert "imap #1 opened: from 127.0.0.1:" in opened
        assert "secret" not in " ".join(event.as_json() for event in proxy.events)


def test_stopping_ends_what_is_under_way(tls: ProxyTls) -> None:
    with backend(greet) as server:
        with proxying(server, tls, "stall:match=SLOW,seconds=1000") as proxy:
            sock = connect(proxy)
            read_lines(sock, 1)
            sock.sendall(b"a SLOW\r\n")
        with sock:
            assert sock.recv(10) == b""
