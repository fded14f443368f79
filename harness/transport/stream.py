"""The seam between the clients and the network: a blocking byte stream of five methods."""

import ssl
from typing import Protocol


class ByteStream(Protocol):
    """An ordered, reliable stream of octets; every client speaks through one.

    Layers (transcript, tamper, pace) are streams around a stream. Time-outs are in seconds and count for
    one call; `None` would mean for ever and is never used.
    """

    def send(self, octets: bytes) -> None:
        """Send all of `octets`, or raise `PeerClosed` or `ReplyTimeout`."""
        ...

    def receive(self, timeout_s: float) -> bytes:
        """Return what has arrived, at least one octet; `b""` means that the peer has ended its side.

        Raises `ReplyTimeout` when nothing came within `timeout_s`, and `PeerClosed` on a reset.
        """
        ...

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Turn the stream into TLS in place, verifying `server_name`; raises `TlsFailed`."""
        ...

    def close(self) -> None:
        """Close both directions; never raises."""
        ...

    @property
    def peer(self) -> str:
        """The other end in words, as `127.0.0.1:2525` or `[::1]:2143`."""
        ...
