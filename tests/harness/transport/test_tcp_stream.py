"""Sockets, TLS and the four words for what goes wrong with them."""

import contextlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from harness.transport.tcp import SocketStream, client_context, connect_tcp, connect_unix, format_endpoint
from harness.vocabulary.errors import ConnectFailed, LocalProtocolError, PeerClosed, ReplyTimeout, TlsFailed

Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def serve(behaviour: Behaviour, *, address: str = "127.0.0.1") -> Iterator[int]:
    """A peer of one connection on loopback, in a thread."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        listener.settimeout(5)

        def accept() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                behaviour(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)
        assert not thread.is_alive()


@contextlib.contextmanager
def connected(behaviour: Behaviour) -> Iterator[SocketStream]:
    """A stream to such a peer."""
    with serve(behaviour) as port, contextlib.closing(connect_tcp("127.0.0.1", port, 5)) as stream:
        yield stream


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mail.test", "127.0.0.1").configure_cert(context)
    return context


def echo(connection: socket.socket) -> None:
    while octets := connection.recv(65536):
        connection.sendall(octets)


def ask(stream: SocketStream, octets: bytes) -> bytes:
    stream.send(octets)
    answer = b""
    while len(answer) < len(octets):
        answer += stream.receive(5)
    return answer


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_octets_go_both_ways(address: str) -> None:
    with serve(echo, address=address) as port:
        stream = connect_tcp(address, port, 5)
        assert stream.peer == format_endpoint(address, port)
        assert ask(stream, 200_000 * b"x") == 200_000 * b"x"
        assert stream.tls is None
        assert stream.certificate is None
        stream.close()


def test_a_host_name() -> None:
    with serve(echo) as port, contextlib.closing(connect_tcp("localhost", port, 5)) as stream:
        assert ask(stream, b"hello") == b"hello"
        assert stream.peer == f"localhost:{port}"


def test_small_sends_are_not_held_back() -> None:
    with connected(echo) as stream:
        assert stream._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_end_of_the_peers_side_is_empty() -> None:
    with connected(lambda connection: None) as stream:
        assert stream.receive(5) == b""


def test_silence_is_a_time_out() -> None:
    with (
        connected(echo) as stream,
        pytest.raises(ReplyTimeout, match=r"^127\.0\.0\.1:\d+ sent nothing for 0\.01 s$"),
    ):
        stream.receive(0.01)


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_reset_is_peer_closed() -> None:
    with connected(reset) as stream:
        stream.send(b"xx")
        with pytest.raises(
            PeerClosed, match=r"^127\.0\.0\.1:\d+ broke the connection: connection reset by peer$"
        ):
            stream.receive(5)
        with pytest.raises(PeerClosed, match="closed the connection: broken pipe"):
            stream.send(b"x")


def test_a_peer_that_does_not_read_is_given_up() -> None:
    done = threading.Event()

    def behave(_: socket.socket) -> None:
        done.wait(5)

    with serve(behave) as port:
        stream = connect_tcp("127.0.0.1", port, 5, send_timeout_s=0.05)
        with pytest.raises(ReplyTimeout, match="did not read"):
            stream.send(100_000_000 * b"x")
        done.set()
        stream.close()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectFailed, match=rf"^cannot connect to 127\.0\.0\.1:{port}: connection refused$"):
        connect_tcp("127.0.0.1", port, 5)


@pytest.mark.parametrize("host", ["a..b", 300 * "x"])
def test_what_is_no_host_name(host: str) -> None:
    with pytest.raises(ConnectFailed, match=r"^cannot connect to ") as failed:
        connect_tcp(host, 25, 5)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError(), "within 5 s"),
    ],
)
def test_no_connection(monkeypatch: pytest.MonkeyPatch, error: OSError, text: str) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("socket.create_connection", fail)
    with pytest.raises(ConnectFailed, match=rf"^cannot connect to mail\.test:25: .*{text}$"):
        connect_tcp("mail.test", 25, 5)


def test_unix_sockets(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        stream = connect_unix(path, 5)
        connection, _ = listener.accept()
        with connection:
            stream.send(b"LHLO")
            assert connection.recv(10) == b"LHLO"
        assert stream.peer == f"unix:{path}"
        stream.close()


def test_no_unix_socket(tmp_path: Path) -> None:
    with pytest.raises(ConnectFailed, match="no such file or directory"):
        connect_unix(tmp_path / "none", 5)
    with pytest.raises(ConnectFailed, match="too long"):
        connect_unix(tmp_path / (200 * "x"), 5)


# --- TLS


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def test_tls_in_place(server_context: ssl.SSLContext, ca_file: Path) -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"220\r\n")
        with server_context.wrap_socket(connection, server_side=True) as secured:
            echo(secured)

    with connected(behave) as stream:
        assert stream.receive(5) == b"220\r\n"
        stream.start_tls(client_context(ca_file), "mail.test")
        assert ask(stream, b"EHLO") == b"EHLO"
        assert stream.tls in {"TLSv1.2", "TLSv1.3"}
        assert stream.certificate
        with pytest.raises(LocalProtocolError, match="already"):
            stream.start_tls(client_context(ca_file), "mail.test")


def tls_server(context: ssl.SSLContext) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            echo(secured)

    return behave


def test_an_address_can_be_verified(server_context: ssl.SSLContext, ca_file: Path) -> None:
    with connected(tls_server(server_context)) as stream:
        stream.start_tls(client_context(ca_file), "127.0.0.1")
        assert ask(stream, b"x") == b"x"


def test_another_name_does_not_verify(server_context: ssl.SSLContext, ca_file: Path) -> None:
    with (
        connected(tls_server(server_context)) as stream,
        pytest.raises(TlsFailed, match=r"does not verify for other\.test: .*[Hh]ostname mismatch"),
    ):
        stream.start_tls(client_context(ca_file), "other.test")


def test_an_unknown_authority_does_not_verify(server_context: ssl.SSLContext) -> None:
    with (
        connected(tls_server(server_context)) as stream,
        pytest.raises(TlsFailed, match=r"does not verify for mail\.test"),
    ):
        stream.start_tls(client_context(), "mail.test")


def test_no_tls_at_the_other_end() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"500 what?\r\n")
        connection.recv(65536)

    with (
        connected(behave) as stream,
        pytest.raises(TlsFailed, match=r"^127\.0\.0\.1:\d+: the TLS handshake failed: "),
    ):
        stream.start_tls(client_context(), "mail.test")


def test_a_ca_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TlsFailed, match=r"^cannot read the CA certificates in .*none\.pem: no such file"):
        client_context(tmp_path / "none.pem")
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(TlsFailed, match="cannot read the CA certificates"):
        client_context(tmp_path / "empty.pem")


GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, socket, ssl, sys
from pathlib import Path
from harness.transport.tcp import client_context, connect_tcp
from harness.vocabulary.errors import ReplyTimeout
listener = socket.create_server(("127.0.0.1", 0))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
def behave():
    connection, _ = listener.accept()
    with context.wrap_socket(connection, server_side=True) as secured:
        while octets := secured.recv(100):
            secured.sendall(octets)
server = gevent.spawn(behave)
stream = connect_tcp("127.0.0.1", listener.getsockname()[1], 5)
stream.start_tls(client_context(Path(sys.argv[2])), "mail.test")
try:
    stream.receive(0.01)
except ReplyTimeout:
    stream.send(b"hello")
    print(stream.receive(5).decode())
stream.close()
server.join(5)
"""


def test_the_same_under_gevent(authority: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    authority.issue_cert("mail.test").private_key_and_cert_chain_pem.write_to_path(pem)
    done = subprocess.run(
        [sys.executable, "-c", GEVENT, pem, ca_file], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("hello\n", "")
