"""TLS over memory buffers: both ends, in the driver too."""

import ssl
from pathlib import Path

import pytest
from fake_wire import Loop, Store, Transport, make_hub, receive

from harness.vocabulary.errors import UsageError
from reference_server.config import TlsConfig
from reference_server.net.certificates import Certificates, configured, names_for, outgoing_context, self_made
from reference_server.net.connection import Connection
from reference_server.net.tls import TlsLayer
from reference_server.net.wire import TlsRole
from reference_server.session.base import Arrival, Input, Session, StartTls


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def certificates(directory: Path) -> Certificates:
    return self_made(directory, names_for("mx.example.test", "127.0.0.1"))


@pytest.fixture
def client_context(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.ca_file))


class Upgrading(Session):
    """Takes lines, and TLS when it is told to."""

    async def run(self) -> None:
        self.outbox += b"hello\n"
        while True:
            while (end := self.inbox.find(b"\n")) >= 0:
                line = bytes(self.inbox[:end])
                del self.inbox[: end + 1]
                if line == b"tls":
                    self.outbox += b"go\n"
                    self.inbox.clear()
                    if not await StartTls():
                        return
                elif line == b"quit":
                    return
                else:
                    self.outbox += line + b"\n"
            if await Input(60.0) is not Arrival.OCTETS:
                return


class Client:
    """The other end of a connection under TLS."""

    def __init__(self, connection: Connection, transport: Transport, context: ssl.SSLContext) -> None:
        self.connection = connection
        self.transport = transport
        self.tls = TlsLayer(context, server_side=False, server_name="mx.example.test")
        self.inbox = bytearray()

    def shake_hands(self) -> None:
        while not self.tls.handshake():
            self._exchange()
        self._exchange()

    def _exchange(self) -> None:
        receive(self.connection, self.tls.take_outgoing())
        self.tls.feed(memoryview(self.transport.take()))

    def send(self, octets: bytes) -> bytes:
        self.tls.write(octets)
        self._exchange()
        return self.read()

    def read(self) -> bytes:
        self.is_open = self.tls.read_into(self.inbox, memoryview(bytearray(1000)))
        taken = bytes(self.inbox)
        self.inbox.clear()
        return taken


@pytest.fixture
def loop() -> Loop:
    return Loop()


def connected(loop: Loop, context: ssl.SSLContext, *, implicit: bool) -> tuple[Connection, Transport]:
    connection = Connection(
        make_hub(loop, Store()), Upgrading, tls=TlsRole(context, implicit=implicit), breakdown=b"broken\n"
    )
    transport = Transport(loop)
    transport.protocol = connection
    connection.connection_made(transport)
    return connection, transport


def test_implicit_tls(loop: Loop, certificates: Certificates, client_context: ssl.SSLContext) -> None:
    connection, transport = connected(loop, certificates.context, implicit=True)
    assert transport.take() == b""
    client = Client(connection, transport, client_context)
    client.shake_hands()
    assert client.read() == b"hello\n"
    assert connection.peer.secure
    long = b"x" * 100_000 + b"\n"
    assert client.send(long) == long
    client.send(b"quit\n")
    assert not client.is_open
    assert transport.closed


def test_starttls(loop: Loop, certificates: Certificates, client_context: ssl.SSLContext) -> None:
    connection, transport = connected(loop, certificates.context, implicit=False)
    receive(connection, b"tls\ninjected\n")
    assert transport.take() == b"hello\ngo\n"
    client = Client(connection, transport, client_context)
    client.shake_hands()
    assert client.send(b"one\n") == b"one\n"
    assert connection.peer.secure


def test_clear_text_after_starttls_is_no_handshake(loop: Loop, certificates: Certificates) -> None:
    connection, transport = connected(loop, certificates.context, implicit=False)
    receive(connection, b"tls\n")
    receive(connection, b"injected command that is no TLS record\n")
    assert transport.closed
    assert b"injected" not in transport.take()


def test_a_handshake_that_stalls_is_cut_off(loop: Loop, certificates: Certificates) -> None:
    for implicit in (True, False):
        connection, transport = connected(loop, certificates.context, implicit=implicit)
        if not implicit:
            receive(connection, b"tls\n")
        receive(connection, b"\x16\x03\x01")
        loop.advance(61.0)
        assert transport.closed


def test_a_client_that_leaves_during_the_handshake(loop: Loop, certificates: Certificates) -> None:
    for implicit in (True, False):
        connection, transport = connected(loop, certificates.context, implicit=implicit)
        if not implicit:
            receive(connection, b"tls\n")
        connection.eof_received()
        assert transport.closed


def test_old_versions_are_refused(loop: Loop, certificates: Certificates) -> None:
    assert certificates.context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_certificates_are_kept_while_the_names_stay(directory: Path, certificates: Certificates) -> None:
    assert certificates.ca_file is not None
    before = certificates.ca_file.read_bytes()
    self_made(directory, names_for("mx.example.test", "127.0.0.1"))
    assert certificates.ca_file.read_bytes() == before
    self_made(directory / "other", names_for("mx.other.test", "::"))
    assert (directory / "key.pem").stat().st_mode & 0o077 == 0


def test_configured_certificates(directory: Path, certificates: Certificates) -> None:
    files = TlsConfig(directory / "certificate.pem", directory / "key.pem")
    assert configured(files).ca_file is None
    with pytest.raises(UsageError, match="cannot be used"):
        configured(TlsConfig(directory / "key.pem", directory / "certificate.pem"))


def test_next_hops_are_not_verified() -> None:
    assert outgoing_context().verify_mode is ssl.CERT_NONE


def test_names() -> None:
    assert names_for("a.test", "::1") == ("a.test", "localhost", "::1")
    assert names_for("a.test", "::") == ("a.test", "localhost", "127.0.0.1", "::1")
