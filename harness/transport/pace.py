"""A stream that sends in pieces of given sizes, and slowly if asked: what TCP may do to any dialogue.

The meaning of a dialogue must not depend on how its octets are cut into segments; sending one octet at
a time, or a command in two halves, must change no reply.
"""

import ssl
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from harness.transport.stream import ByteStream
from harness.vocabulary.errors import LocalProtocolError


class PacedStream:
    """A `ByteStream` around another that cuts what it sends.

    `sizes` are the piece sizes in octets, used in turn and over again, each `send` starting at the first;
    `pause_s` is the time between two pieces of one `send` (the drip of a slow sender), 0 for none.
    """

    def __init__(self, stream: ByteStream, *, sizes: Sequence[int], pause_s: float = 0.0) -> None:
        if not sizes or min(sizes) < 1:
            raise LocalProtocolError(f"piece sizes are one octet or more, not {list(sizes)}")
        self._stream = stream
        self._sizes = tuple(sizes)
        self._pause_s = pause_s

    def send(self, octets: bytes) -> None:
        """Send `octets` piece by piece."""
        for count, piece in enumerate(cut(octets, self._sizes)):
            if count and self._pause_s:
                time.sleep(self._pause_s)
            self._stream.send(piece)

    def receive(self, timeout_s: float) -> bytes:
        """Return what has arrived."""
        return self._stream.receive(timeout_s)

    def start_tls(self, context: ssl.SSLContext, server_name: str) -> None:
        """Start TLS underneath: the pieces become TLS records."""
        self._stream.start_tls(context, server_name)

    def close(self) -> None:
        """Close the stream underneath."""
        self._stream.close()

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self._stream.peer


def cut(octets: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Yield `octets` in pieces of `sizes`, over again until nothing is left."""
    start = 0
    turns = cycle(sizes)
    while start < len(octets):
        size = next(turns)
        yield octets[start : start + size]
        start += size
