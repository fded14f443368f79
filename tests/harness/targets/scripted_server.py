"""A mail server of a few lines on loopback, told by a function what to say: for servers that behave oddly."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from harness.targets.file import Account, Accounts, Endpoint, Limits, Permit, TargetFile
from harness.vocabulary.services import Service, Tls


@dataclass(frozen=True)
class Talk:
    """One connection, seen from the server."""

    number: int
    beside: int
    """How many other connections are open."""
    reader: BinaryIO
    writer: BinaryIO

    def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")
        self.writer.flush()

    def hear(self) -> list[str]:
        """The words of the next line; none at the end."""
        return self.reader.readline().decode().split()

    def words(self) -> Iterator[list[str]]:
        while heard := self.hear():
            yield heard


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, talk: Callable[[Talk], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.talk = talk
        self.lock = threading.Lock()
        self.open = 0
        self.accepted = 0


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        with self.server.lock:
            self.server.accepted += 1
            talk = Talk(self.server.accepted, self.server.open, self.rfile, self.wfile)
            self.server.open += 1
        try:
            self.server.talk(talk)
        except ConnectionError:
            pass
        finally:
            with self.server.lock:
                self.server.open -= 1


@contextmanager
def scripted(
    service: Service, talk: Callable[[Talk], None], *, reply_timeout_s: float = 2.0
) -> Iterator[TargetFile]:
    """The target file of a server that talks so on each of its connections."""
    with _Server(talk) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            pool = tuple(Account(f"u{n}@example.test", f"u{n}", "right") for n in range(1, 4))
            yield TargetFile(
                path=Path("target.toml"),
                name="scripted",
                permits=frozenset({Permit.CONFORMANCE}),
                endpoints=(Endpoint(service, Tls.NONE, "127.0.0.1", server.server_address[1]),),
                accounts=Accounts("example.test", pool),
                limits=Limits(reply_timeout_s=reply_timeout_s),
            )
        finally:
            server.shutdown()
            thread.join()
