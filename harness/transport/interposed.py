"""A stream with an interposer in it: how a fault stands in a connection of this process."""

import ssl
import time
from collections import deque
from contextlib import suppress

from harness.transport.interpose import Action, End, Ending, Interposer, ToClient, ToServer, Wait
from harness.transport.stream import ByteStream
from harness.vocabulary.errors import PeerClosed, ReplyTimeout


class InterposedStream:
    """A `ByteStream` around another, whose octets pass through an interposer.

    Its actions happen in their order, one after the other. A wait takes place in `receive`, within its
    time-out; what comes behind it is sent by then, or by a later call. An end that the server or the client
    makes by itself is passed on when the interposer has had its say.
    """

    def __init__(self, stream: ByteStream, interposer: Interposer) -> None:
        self._stream = stream
        self._interposer = interposer
        self._due: deque[Action] = deque()
        self._waiting_until: float | None = None
        self._received: deque[bytes] = deque()
        self._server_ended = False
        self._ending: Ending | None = None
        self._spoken = False

    def send(self, octets: bytes) -> None:
        """Give `octets` to the interposer, and do what is to be done at once."""
        if self._ending in {Ending.CLOSE, Ending.RESET}:
            raise PeerClosed(f"{self.peer} closed the connection: broken pipe")
        if not octets:
            return
        self._spoken = True
        self._due.extend(self._interposer.from_client(octets))
        self._perform()

    def receive(self, timeout_s: float) -> bytes:
        """Return what passes to the client, as one action of the interposer; waits within the time-out."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._perform()
            if self._ending is Ending.RESET:
                raise PeerClosed(f"{self.peer} broke the connection: connection reset by peer")
            if self._received:
                return self._received.popleft()
            if self._ending is not None or (self._server_ended and not self._due):
                return b""
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise ReplyTimeout(f"{self.peer} sent nothing that passed for {timeout_s:.3g} s")
            if self._waiting_until is not None:
                time.sleep(max(0.0, min(left_s, self._waiting_until - time.monotonic())))
            else:
                self._take(self._stream.receive(left_s))

    def _take(self, arrived: bytes) -> None:
        """Give the interposer what the server has sent; `b""` is its end."""
        self._spoken = True
        self._server_ended = not arrived
        self._due.extend(self._interposer.from_server(arrived))

    def _perform(self) -> None:
        """Do what is to be done, up to a wait that is not over."""
        while self._due:
            action = self._due[0]
            if isinstance(action, Wait) and not self._is_over(action):
                return
            self._due.popleft()
            match action:
                case ToServer(octets):
                    if octets:
                        self._stream.send(octets)
                case ToClient(octets):
                    if octets and self._ending is None:
                        self._received.append(octets)
                case End(ending):
                    self._end(ending)

    def _is_over(self, wait: Wait) -> bool:
        """Whether the wait that is due now, and begins with this call if it has not begun, is over."""
        now = time.monotonic()
        if self._waiting_until is None:
            self._waiting_until = now + wait.seconds
        if now < self._waiting_until:
            return False
        self._waiting_until = None
        return True

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        if ending is not Ending.HALF_CLOSE:
            self._due.clear()
            self._stream.close()

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Start TLS underneath; unless it is there from the first octet, the interposer is told."""
        self._stream.start_tls(context, server_name)
        if self._spoken:
            self._interposer.tls_started()

    def close(self) -> None:
        """Tell the interposer that the client ends, send what it has to say to that, and close the stream."""
        if self._ending is None and not self._server_ended:
            self._ending = Ending.CLOSE
            self._due.extend(self._interposer.from_client(b""))
            with suppress(PeerClosed, ReplyTimeout):
                self._perform()
        self._stream.close()

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self._stream.peer
