"""One end of a connection through the proxy: a socket, with or without TLS, whose writes never block.

TLS is done on octets in memory, so that a session may begin under TLS in the middle, one side may be ended
alone, and a reset can be passed on. All this is for the thread of one event loop.
"""

import asyncio
import os
import socket
import ssl
import struct
from collections import deque
from contextlib import suppress

_RECEIVE_OCTETS = 65536
_HIGH_WATER_OCTETS = 256 * 1024
"""From here on who writes should wait: `room`."""


class Side:
    """A connected socket; `receive` is for one task, `write_out` for another one, `write` for all."""

    def __init__(self, sock: socket.socket, peer: str) -> None:
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = peer
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._shaking_hands = False
        self._under_tls_later: list[bytes] = []
        self._queue: deque[bytes] = deque()
        self._queued_octets = 0
        self._ending = False
        self._wake = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    @property
    def is_tls(self) -> bool:
        """Whether TLS was begun."""
        return self._tls is not None

    def begin_tls(
        self, context: ssl.SSLContext, *, server_side: bool = False, server_name: str | None = None
    ) -> None:
        """Go on under TLS behind what was written so far; the handshake takes place in `receive`."""
        # An end without close_notify is common, and is one of the peer's side only.
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self._shaking_hands = True
        if not server_side:
            # Who is the client has to speak first.
            self._shake_hands()

    # Reading

    async def receive(self) -> bytes:
        """Return what has arrived, without TLS; `b""` is the end of the peer's side. Raises `OSError`."""
        while True:
            if self._tls is None:
                octets = await self._loop.sock_recv(self._socket, _RECEIVE_OCTETS)
                if not self.is_tls:
                    return octets
                # TLS was begun meanwhile: these are its first octets.
                self._take(octets)
            elif self._shaking_hands and not self._shake_hands():
                self._take(await self._loop.sock_recv(self._socket, _RECEIVE_OCTETS))
            else:
                try:
                    return self._tls.read(_RECEIVE_OCTETS)
                except ssl.SSLWantReadError:
                    self._enqueue(self._outgoing.read())
                    self._take(await self._loop.sock_recv(self._socket, _RECEIVE_OCTETS))
                except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    return b""

    def _take(self, octets: bytes) -> None:
        if octets:
            self._incoming.write(octets)
        else:
            self._incoming.write_eof()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is over."""
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            # An alert too is to reach the peer.
            self._enqueue(self._outgoing.read())
        self._shaking_hands = False
        later, self._under_tls_later = self._under_tls_later, []
        for octets in later:
            self.write(octets)
        if self._ending:
            self._say_goodbye()
        return True

    # Writing

    def write(self, octets: bytes) -> None:
        """Send octets as soon as may be; nothing once the side was ended."""
        if self._ending and not self._shaking_hands:
            return
        if self._tls is None:
            self._enqueue(octets)
        elif self._shaking_hands:
            self._under_tls_later.append(octets)
        else:
            # A session that is dead has nobody to read this; that it is dead, `receive` has told.
            with suppress(ssl.SSLError):
                self._tls.write(octets)
            self._enqueue(self._outgoing.read())

    def _enqueue(self, octets: bytes) -> None:
        if octets:
            self._queue.append(octets)
            self._queued_octets += len(octets)
            if self._queued_octets >= _HIGH_WATER_OCTETS:
                self._roomy.clear()
            self._wake.set()

    async def room(self) -> None:
        """Wait until more may be written."""
        await self._roomy.wait()

    def end(self) -> None:
        """End this direction behind what was written so far; the peer may go on to send."""
        if self._ending:
            return
        self._ending = True
        if not self._shaking_hands:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        if self._tls is not None:
            # The peer's own close_notify is not waited for.
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._enqueue(self._outgoing.read())
        self._wake.set()

    async def write_out(self) -> None:
        """Send what is written, each piece by itself, until the side is ended. Raises `OSError`."""
        while True:
            while self._queue:
                octets = self._queue.popleft()
                await self._loop.sock_sendall(self._socket, octets)
                self._queued_octets -= len(octets)
                if self._queued_octets < _HIGH_WATER_OCTETS:
                    self._roomy.set()
            if self._ending and not self._shaking_hands:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_WR)
                return
            self._wake.clear()
            await self._wake.wait()

    # Closing, when no task uses it any more

    async def linger(self) -> None:
        """Read what the peer still sends, so that closing does not become a reset of what it should get."""
        with suppress(OSError):
            while await self._loop.sock_recv(self._socket, _RECEIVE_OCTETS):
                pass

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def reset(self) -> None:
        """Close the socket with a reset: what is on its way is lost."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def reason_of(error: OSError) -> str:
    """The error in the words of the operating system or of OpenSSL, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not verify: {error.verify_message}; [trust] in the target file says how"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return "the connection ended in the middle of it"
    if isinstance(error, ssl.SSLError) and error.reason:
        return str(error.reason).replace("_", " ").lower()
    if isinstance(error, socket.gaierror) or not error.errno:
        return (error.strerror or str(error)).lower()
    # asyncio puts the address behind the words.
    return os.strerror(error.errno).lower()
