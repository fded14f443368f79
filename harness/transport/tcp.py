"""Byte streams over TCP and UNIX sockets, and TLS over either.

Plain blocking sockets and nothing else, so that the same lines serve pytest, threads and gevent's
monkey-patched greenlets. Every error of the operating system leaves here as one of four words with one
line that names the other end: `ConnectFailed`, `PeerClosed`, `ReplyTimeout`, `TlsFailed`.
"""

import os
import socket
import ssl
from pathlib import Path

from harness.vocabulary.errors import ConnectFailed, LocalProtocolError, PeerClosed, ReplyTimeout, TlsFailed

_RECEIVE_OCTETS = 65536
DEFAULT_SEND_TIMEOUT_S = 60.0
"""How long a peer may refuse to read before one `send` gives up."""


_MENDS = dict.fromkeys((18, 19, 20, 21), "; name the certificate of the CA that issued it, to trust it") | {
    62: "; name the server as its certificate does"
}
"""What to do about a certificate, by OpenSSL's X509_V_ERR codes: an issuer unknown, another host's name."""


class SocketStream:
    """A `ByteStream` over a connected socket."""

    def __init__(
        self, sock: socket.socket, peer: str, *, send_timeout_s: float = DEFAULT_SEND_TIMEOUT_S
    ) -> None:
        self._socket = sock
        self._peer = peer
        self._send_timeout_s = send_timeout_s

    def send(self, octets: bytes) -> None:
        """Send all of `octets`."""
        try:
            self._socket.settimeout(self._send_timeout_s)
            self._socket.sendall(octets)
        except TimeoutError:
            raise ReplyTimeout(f"{self._peer} did not read for {self._send_timeout_s:.3g} s") from None
        except OSError as error:
            raise PeerClosed(f"{self._peer} closed the connection: {_reason(error)}") from error

    def receive(self, timeout_s: float) -> bytes:
        """Return what has arrived; `b""` means that the peer has ended its side."""
        try:
            self._socket.settimeout(timeout_s)
            return self._socket.recv(_RECEIVE_OCTETS)
        except TimeoutError:
            raise ReplyTimeout(f"{self._peer} sent nothing for {timeout_s:.3g} s") from None
        except OSError as error:
            raise PeerClosed(f"{self._peer} broke the connection: {_reason(error)}") from error

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Turn the stream into TLS in place, verifying `server_name` as `context` demands."""
        if isinstance(self._socket, ssl.SSLSocket):
            raise LocalProtocolError(f"the connection to {self._peer} is under TLS already")
        try:
            self._socket.settimeout(self._send_timeout_s)
            self._socket = context.wrap_socket(self._socket, server_hostname=server_name)
        except ssl.SSLCertVerificationError as error:
            raise TlsFailed(
                f"{self._peer}: the certificate does not verify for {server_name}: {error.verify_message}"
                f"{_MENDS.get(error.verify_code, '')}"
            ) from error
        except TimeoutError:
            raise TlsFailed(f"{self._peer}: no TLS handshake within {self._send_timeout_s:.3g} s") from None
        except (OSError, ValueError) as error:
            raise TlsFailed(f"{self._peer}: the TLS handshake failed: {_reason(error)}") from error

    @property
    def tls(self) -> str | None:
        """The TLS version in use, as `TLSv1.3`; None without TLS."""
        return self._socket.version() if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate in DER; None without TLS."""
        return self._socket.getpeercert(binary_form=True) if isinstance(self._socket, ssl.SSLSocket) else None

    def close(self) -> None:
        """Close both directions."""
        self._socket.close()

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self._peer


def connect_tcp(
    host: str, port: int, timeout_s: float, *, send_timeout_s: float = DEFAULT_SEND_TIMEOUT_S
) -> SocketStream:
    """Connect to a host name, an IPv4 or an IPv6 address (without brackets); raises `ConnectFailed`.

    A name's addresses are tried in the resolver's order, each for `timeout_s`. For implicit TLS call
    `start_tls` on the result. TCP_NODELAY is set: what a client sends in two calls leaves as two segments.
    """
    peer = format_endpoint(host, port)
    try:
        sock = socket.create_connection((host, port), timeout_s)
    except TimeoutError:
        raise ConnectFailed(f"cannot connect to {peer}: no answer within {timeout_s:.3g} s") from None
    except socket.gaierror as error:
        raise ConnectFailed(f"cannot connect to {peer}: {error.strerror}") from error
    except (OSError, UnicodeError, OverflowError) as error:
        raise ConnectFailed(f"cannot connect to {peer}: {_reason(error)}") from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return SocketStream(sock, peer, send_timeout_s=send_timeout_s)


def connect_unix(
    path: str | os.PathLike[str], timeout_s: float, *, send_timeout_s: float = DEFAULT_SEND_TIMEOUT_S
) -> SocketStream:
    """Connect to a UNIX socket, as LMTP servers like to have one; raises `ConnectFailed`."""
    peer = f"unix:{os.fspath(path)}"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(os.fspath(path))
    except OSError as error:
        sock.close()
        raise ConnectFailed(f"cannot connect to {peer}: {_reason(error)}") from error
    return SocketStream(sock, peer, send_timeout_s=send_timeout_s)


def client_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies certificate and name: against `ca_file` alone, or the system's CAs.

    There is no way to turn the verification off: a target with a private CA names its file.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise TlsFailed(f"cannot read the CA certificates in {ca_file}: {_reason(error)}") from error


def format_endpoint(host: str, port: int) -> str:
    """Return `host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: Exception) -> str:
    """Return the error's own words in one line, without its number."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return str(error.reason).replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__
