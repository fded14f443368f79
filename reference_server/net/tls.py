"""TLS over memory buffers, so that a connection keeps its one protocol object and its one receive buffer.

asyncio's own TLS gives each connection a receive buffer of 256 KiB; ten thousand idle clients would cost
2.8 GB. This layer holds OpenSSL's state and nothing else, and reads into a buffer that all connections share.
It also makes STARTTLS exact: what the layer was not fed, it has not seen.
"""

import ssl


class TlsLayer:
    """One end of a TLS connection: ciphertext is fed in and taken out, plaintext read and written."""

    __slots__ = ("_incoming", "_object", "_outgoing", "established")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_name: str | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self.established = False
        """Whether the handshake is done."""

    def feed(self, octets: memoryview) -> None:
        """Take what the transport received."""
        self._incoming.write(octets)

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done. Raises `ssl.SSLError` when it failed."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.established = True
        return True

    def read_into(self, inbox: bytearray, scratch: memoryview) -> bool:
        """Append all plaintext that is there to `inbox`; False once the peer closed its side properly.

        Raises `ssl.SSLError` on a broken record.
        """
        read = self._object.read
        while True:
            try:
                count = read(len(scratch), scratch)
            except ssl.SSLWantReadError:
                return True
            except ssl.SSLZeroReturnError:
                return False
            if not count:
                return False
            inbox += scratch[: int(count)]

    def write(self, octets: bytes) -> None:
        """Encrypt `octets`; the records are then in `take_outgoing`."""
        self._object.write(octets)

    def close(self) -> None:
        """Say close_notify, without waiting for the peer's (RFC 8446 §6.1)."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            # The peer's own close_notify is not awaited; ours is in the outgoing buffer.
            return

    def take_outgoing(self) -> bytes:
        """Return what is to be sent."""
        return self._outgoing.read()

    @property
    def description(self) -> str:
        """The version and cipher, for the log."""
        cipher = self._object.cipher()
        return f"{self._object.version()} {cipher[0] if cipher else ''}".strip()
