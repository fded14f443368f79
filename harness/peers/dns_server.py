"""The sockets of the DNS responder: UDP and TCP on one port, served by one thread with a selector."""

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from harness.vocabulary.errors import ConnectFailed

TCP_IDLE_S: Final = 10.0
"""A silent TCP connection is closed after this time (RFC 7766 §6.2.3 leaves the length to the server)."""
TCP_LIMIT: Final = 200
"""More simultaneous TCP connections than this are closed at once."""
BIND_ATTEMPTS: Final = 20
"""How often a free port is looked for that is free for UDP and for TCP."""


@dataclass(slots=True)
class _Caller:
    """One TCP connection: what has come in, what is still to go out, and when it was last heard of."""

    sock: socket.socket
    incoming: bytearray = field(default_factory=bytearray)
    outgoing: bytearray = field(default_factory=bytearray)
    ended: bool = False
    heard_at: float = field(default_factory=time.monotonic)


class DnsServer:
    """Hands every message that arrives to `answer(wire, transport)` and sends back what that returns."""

    def __init__(self, address: str, port: int, answer: Callable[[bytes, str], bytes | None]) -> None:
        self._answer = answer
        self._udp, self._tcp = _bind(address, port)
        self.port: int = self._udp.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._callers: dict[int, _Caller] = {}
        self._selector = selectors.DefaultSelector()
        for sock in (self._udp, self._tcp, self._wake_in):
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until `stop`."""
        while True:
            for key, mask in self._selector.select(timeout=TCP_IDLE_S):
                if key.fileobj is self._wake_in:
                    return
                if key.fileobj is self._udp:
                    self._serve_udp()
                elif key.fileobj is self._tcp:
                    self._welcome()
                elif key.fd in self._callers:
                    self._serve_tcp(self._callers[key.fd], mask)
            self._drop_idle()

    def stop(self) -> None:
        """Make `run` return; called from any thread."""
        self._wake_out.send(b"!")

    def close(self) -> None:
        """Close every socket, after `run` has returned."""
        for caller in list(self._callers.values()):
            self._hang_up(caller)
        self._selector.close()
        for sock in (self._udp, self._tcp, self._wake_in, self._wake_out):
            sock.close()

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):  # nothing there after all, or an ICMP error of an earlier answer
            wire, sender = self._udp.recvfrom(65535)
            answer = self._answer(wire, "udp")
            if answer is not None:
                self._udp.sendto(answer, sender)

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            sock, _ = self._tcp.accept()
            if len(self._callers) >= TCP_LIMIT:
                sock.close()
                return
            sock.setblocking(False)
            self._callers[sock.fileno()] = _Caller(sock)
            self._selector.register(sock, selectors.EVENT_READ)

    def _serve_tcp(self, caller: _Caller, mask: int) -> None:
        caller.heard_at = time.monotonic()
        try:
            if mask & selectors.EVENT_READ and not self._read(caller):
                caller.ended = True
            if caller.outgoing:
                sent = caller.sock.send(caller.outgoing)
                del caller.outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up(caller)
            return
        if caller.ended and not caller.outgoing:
            self._hang_up(caller)
            return
        wanted = (0 if caller.ended else selectors.EVENT_READ) | (
            selectors.EVENT_WRITE if caller.outgoing else 0
        )
        self._selector.modify(caller.sock, wanted)

    def _read(self, caller: _Caller) -> bool:
        """Read and answer what has come, each message after its length (RFC 7766 §8); False at the end."""
        data = caller.sock.recv(65536)
        caller.incoming += data
        while len(caller.incoming) >= 2:
            length = int.from_bytes(caller.incoming[:2], "big")
            if len(caller.incoming) < 2 + length:
                break
            answer = self._answer(bytes(caller.incoming[2 : 2 + length]), "tcp")
            del caller.incoming[: 2 + length]
            if answer is not None:
                caller.outgoing += struct.pack("!H", len(answer)) + answer
        return bool(data)

    def _drop_idle(self) -> None:
        oldest = time.monotonic() - TCP_IDLE_S
        for caller in [caller for caller in self._callers.values() if caller.heard_at < oldest]:
            self._hang_up(caller)

    def _hang_up(self, caller: _Caller) -> None:
        del self._callers[caller.sock.fileno()]
        self._selector.unregister(caller.sock)
        caller.sock.close()


def _bind(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Bind UDP and TCP to the same port of `address`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    last: OSError | None = None
    for _ in range(BIND_ATTEMPTS if port == 0 else 1):
        with contextlib.ExitStack() as undo:
            udp = undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            tcp = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                udp.bind((address, port))
                tcp.bind((address, udp.getsockname()[1]))
                tcp.listen(64)
            except OSError as error:
                last = error
                continue
            undo.pop_all()
            return udp, tcp
    reason = last.strerror if last is not None and last.strerror else str(last)
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    raise ConnectFailed(
        f"cannot answer DNS on {where}: {reason[:1].lower()}{reason[1:]}; give another address or port"
    ) from last
