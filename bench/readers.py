"""What the instrument's own readers cost: they must be cheap beside any server."""

import timeit
from collections.abc import Callable, Iterator

from bench.figures import Figure
from harness.wire.imap import ResponseFramer
from harness.wire.pop3 import ResponseReader, Shape
from harness.wire.smtp import ReplyReader, dot_stuff

_ROUNDS = 5


def figures() -> Iterator[Figure]:
    """Measure each reader on the octets it sees most."""
    replies = ReplyReader()
    yield _measured("SMTP: one-line reply", lambda: replies.receive(b"250 2.1.5 ok\r\n"), 20_000)
    text = b"A line of text, as mail has them.\r\n" * 2000
    yield _measured("SMTP: dot-stuffing 70 kB", lambda: dot_stuff(text), 500)
    body = b"+OK here it is\r\n" + text + b".\r\n"

    def read_body() -> None:
        reader = ResponseReader()
        reader.expect(Shape.MULTI_LINE)
        reader.receive(body)

    yield _measured("POP3: RETR of 70 kB", read_body, 200)
    fetched = b"* 12 FETCH (UID 4711 BODY[] {1100}\r\n" + b"x" * 1098 + b"\r\n)\r\nA0001 OK done\r\n"
    framer = ResponseFramer()
    yield _measured("IMAP: frame FETCH of 1,100 octets and its OK", lambda: framer.receive(fetched), 20_000)


def _measured(work: str, once: Callable[[], object], number: int) -> Figure:
    best = min(timeit.repeat(once, repeat=_ROUNDS, number=number))
    return Figure(work, best / number * 1e6, "µs", f"best of {_ROUNDS} x {number:,}")
