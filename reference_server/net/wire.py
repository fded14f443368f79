"""The octets of one connection: its transport, in clear or under TLS."""

import asyncio
import ssl
from dataclasses import dataclass

from reference_server.net.tls import TlsLayer
from reference_server.session.base import Peer


@dataclass(frozen=True, slots=True)
class TlsRole:
    """How a connection uses TLS, when it does."""

    context: ssl.SSLContext
    implicit: bool = False
    """From the first octet on (RFC 8314), rather than after STARTTLS."""
    server_side: bool = True
    server_name: str | None = None
    """For a client: whom it calls."""


class Wire:
    """Sends, encrypts where TLS is on, and stops reading where nobody keeps up."""

    __slots__ = ("_is_paused", "_transport", "is_lost", "tls")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._is_paused = False
        self.tls: TlsLayer | None = None
        self.is_lost = False
        """Nothing can be sent any more."""

    def start_tls(self, role: TlsRole) -> None:
        """Take what arrives from now on for TLS."""
        self.tls = TlsLayer(role.context, server_side=role.server_side, server_name=role.server_name)

    def shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done. Raises `ssl.SSLError`, the alert being sent."""
        assert self.tls is not None
        try:
            return self.tls.handshake()
        finally:
            self.send_records()

    def send(self, octets: bytes) -> None:
        """Send `octets`, or drop them where the connection is gone."""
        if self.is_lost:
            return
        if self.tls is not None and self.tls.established:
            self.tls.write(octets)
            octets = self.tls.take_outgoing()
        self._transport.write(octets)

    def send_records(self) -> None:
        """Send what TLS has to say by itself."""
        assert self.tls is not None
        records = self.tls.take_outgoing()
        if records and not self.is_lost:
            self._transport.write(records)

    def pause_reading(self) -> None:
        """Leave what arrives to the kernel, and so to the client."""
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Send what waits, then close; under TLS with a close_notify, or the client sees a truncation."""
        if self.tls is not None and self.tls.established and not self.is_lost:
            self.tls.close()
            self.send_records()
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection; what waits is dropped."""
        self.is_lost = True
        self._transport.abort()


def peer_of(transport: asyncio.Transport, *, secure: bool) -> Peer:
    """Return who is at the other end; IPv4 clients of a socket for both families by their IPv4 address."""
    peer = transport.get_extra_info("peername")
    local = transport.get_extra_info("sockname")
    if not isinstance(peer, tuple):
        return Peer("unix", 0, secure=secure, local_address="unix")
    return Peer(_plain(peer[0]), peer[1], secure=secure, local_address=_plain(local[0]))


def _plain(address: str) -> str:
    return address.partition("%")[0].removeprefix("::ffff:")
