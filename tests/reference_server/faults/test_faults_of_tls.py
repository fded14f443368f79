"""Clear text behind STARTTLS, STARTTLS where it does not belong, and a TLS connection that is cut short."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from io import BufferedIOBase
from pathlib import Path

import pytest
import trustme
from server_process import ALICE, BOB, PASSWORD, WAIT_S, Dialogue, ServerProcess, serving

HOP_ADDRESS = "127.0.0.3"
LOGIN = b"LOGIN %b %b" % (ALICE.encode(), PASSWORD.encode())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("tls")) as running:
        yield running


# Injected in clear: to the server


@pytest.mark.parametrize(
    ("service", "start", "injected", "under_tls"),
    [
        ("smtp", b"STARTTLS", b"EHLO mallory\r\nMAIL FROM:<mallory@remote.test>\r\n", (b"NOOP", b"250 ")),
        ("submission", b"STARTTLS", b"EHLO mallory\r\nQUIT\r\n", (b"NOOP", b"250 ")),
        ("pop3", b"STLS", b"USER mallory\r\nQUIT\r\n", (b"CAPA", b"+OK")),
        ("imap", b"a STARTTLS", b"b " + LOGIN + b"\r\nc LOGOUT\r\n", (b"d NOOP", b"d OK")),
    ],
)
def test_nothing_received_in_clear_survives(
    server: ServerProcess, service: str, start: bytes, injected: bytes, under_tls: tuple[bytes, bytes]
) -> None:
    """RFC 3207 §4.2, RFC 2595 §4, RFC 3501 §6.2.1: the first thing answered under TLS was asked under TLS."""
    asked, answer = under_tls
    with Dialogue(server.port(service)) as client:
        client.file.readline()
        if service in {"smtp", "submission"}:
            assert client.code(b"EHLO client.test") == 250
        client.send(start + b"\r\n" + injected)
        assert client.file.readline()[:5].split(b" ")[0] in {b"220", b"+OK", b"a"}
        client.file.close()
        try:
            client.socket = server.context().wrap_socket(client.socket)
        except (ssl.SSLError, ConnectionError):
            # Or the octets count as a broken handshake, and that is the end.
            return
        finally:
            client.file = client.socket.makefile("rb")
        client.send(asked + b"\r\n")
        assert client.file.readline().startswith(answer)


def test_what_is_known_of_the_client_is_forgotten(server: ServerProcess) -> None:
    with server.smtp() as client:
        client.envelope(ALICE)
        assert client.code(b"STARTTLS") in {220, 503}
    with server.smtp() as client:
        client.start_tls(server.context())
        assert client.code(b"MAIL FROM:<>") == 503
        assert client.code(b"EHLO client.test") == 250
        assert client.code(b"STARTTLS") in range(500, 560)
        assert client.deliver(b"Subject: x\r\n\r\n", BOB).startswith(b"250 ")
    assert len(server.inbox(BOB)) == 1


def test_starttls_within_a_transaction_leaves_none(server: ServerProcess) -> None:
    with server.smtp() as client:
        client.envelope(ALICE)
        reply = client.code(b"STARTTLS")
        if reply == 220:
            client.file.close()
            client.socket = server.context().wrap_socket(client.socket)
            client.file = client.socket.makefile("rb")
            assert client.code(b"EHLO client.test") == 250
            assert client.code(b"DATA") == 503
        else:
            assert reply == 503


# Cut short


@pytest.mark.parametrize("before_the_cut", [b"Subject: half", b"Subject: half\r\n\r\nline\r\n", b"x\r\n."])
def test_a_text_cut_off_without_close_notify_is_nowhere(server: ServerProcess, before_the_cut: bytes) -> None:
    with server.smtp() as client:
        client.start_tls(server.context())
        assert client.code(b"EHLO client.test") == 250
        client.envelope(ALICE)
        assert client.code(b"DATA") == 354
        client.send(before_the_cut)
        assert isinstance(client.socket, ssl.SSLSocket)
        # The TCP connection ends, TLS says nothing of it.
        client.socket.shutdown(socket.SHUT_WR)
        while client.socket.recv(65_536):
            pass
    with server.smtp() as client:
        assert client.deliver(b"Subject: fence\r\n\r\n", ALICE).startswith(b"250 ")
    (octets,) = server.inbox().values()
    assert octets.endswith(b"Subject: fence\r\n\r\n")
    server.empty_inbox()


def test_old_versions_and_strangers_get_an_alert_and_the_next_is_served(server: ServerProcess) -> None:
    old = server.context()
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        Dialogue(server.port("submissions"), context=old)
    distrustful = ssl.create_default_context(cafile=None)
    distrustful.load_verify_locations(cadata=trustme.CA().cert_pem.bytes().decode())
    distrustful.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError):
        Dialogue(server.port("submissions"), context=distrustful)
    named = ssl.create_default_context()
    named.check_hostname = False
    named.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", server.port("submissions")), WAIT_S) as plain,
        named.wrap_socket(plain, server_hostname="somebody.else.test") as wrapped,
    ):
        assert wrapped.recv(4) == b"220 "


def test_a_handshake_is_not_repeated(server: ServerProcess) -> None:
    """A flood of renegotiations is impossible: OpenSSL refuses a client's, and TLS 1.3 has none."""
    context = server.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Dialogue(server.port("submissions"), context=context) as client:
        assert client.reply().startswith(b"220 ")
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.version() == "TLSv1.2"
        assert client.code(b"NOOP") == 250


# Injected in clear: to the relay


class LyingHop:
    """Says more after its 220 to STARTTLS than it may: the forged reply to the EHLO that comes under TLS."""

    def __init__(self) -> None:
        certificate = trustme.CA().issue_cert(HOP_ADDRESS)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._listening = socket.create_server((HOP_ADDRESS, 0))
        self.port: int = self._listening.getsockname()[1]
        self.texts: list[tuple[bool, bytes]] = []
        """Whether under TLS, and what came as text."""
        self.done = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while not self.done.is_set():
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            with peer:
                try:
                    self._converse(peer)
                except OSError:
                    continue

    def _converse(self, peer: socket.socket) -> None:
        peer.sendall(b"220 hop\r\n")
        file = peer.makefile("rb")
        secure = False
        with file:
            for line in file:
                verb = line[:4].upper()
                if verb == b"STAR":
                    peer.sendall(b"220 go ahead\r\n250-hop\r\n250 SIZE 10\r\n")
                    secure = True
                    break
                self._answer(peer, file, verb, secure=False)
        if secure:
            with (
                self._context.wrap_socket(peer, server_side=True) as wrapped,
                wrapped.makefile("rb") as lines,
            ):
                for line in lines:
                    self._answer(wrapped, lines, line[:4].upper(), secure=True)

    def _answer(self, peer: socket.socket, file: BufferedIOBase, verb: bytes, *, secure: bool) -> None:
        if verb == b"EHLO":
            peer.sendall(b"250-hop\r\n250 SIZE 1000000\r\n" if secure else b"250-hop\r\n250 STARTTLS\r\n")
        elif verb == b"DATA":
            peer.sendall(b"354 go on\r\n")
            self.texts.append((secure, b"".join(iter(file.readline, b".\r\n"))))
            peer.sendall(b"250 taken\r\n")
            self.done.set()
        else:
            peer.sendall(b"250 ok\r\n")


def test_the_relay_believes_nothing_said_in_clear(tmp_path: Path) -> None:
    """RFC 3207 §4.2, at the client's side: the forged SIZE would have the message bounce."""
    with closing(LyingHop()) as hop, serving(
        tmp_path, f"--relay-port={hop.port}", config="[relay]\nretry_pauses_s = [0.1]\n"
    ) as server, server.smtp("submission") as client:  # fmt: skip
        assert client.login() == 235
        text = b"Subject: x\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n\r\n" + b"line\r\n" * 100
        assert client.deliver(text, f"x@[{HOP_ADDRESS}]", sender=ALICE).startswith(b"250 ")
        assert hop.done.wait(WAIT_S)
        assert hop.texts[0][1].endswith(b"line\r\n" * 100)
        assert server.inbox() == {}
