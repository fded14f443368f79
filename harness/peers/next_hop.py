"""A next hop: the SMTP server to which a relaying server under test delivers, with orders on how to behave.

    with NextHop("127.0.0.21", 2525, refuse(Stage.RCPT, 451, times=1)) as hop:
        ...                                             # let the server under test relay a message
        (mail,) = hop.wait_for(1, timeout_s=10.0)
        assert mail.octets.endswith(text)

It is aiosmtpd (see `next_hop_session`), so that third-party code, not ours, reads what a relay sends.
"""

import ssl
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from harness.peers.behaviour import ACCEPT, Behaviour, Order, Stage
from harness.peers.next_hop_session import HopController, ReceivedMail
from harness.vocabulary.errors import ConnectFailed

__all__ = ["Attempt", "NextHop", "ReceivedMail"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One stage that a client reached, and what it was told."""

    stage: Stage
    argument: str
    """The mailbox of MAIL and RCPT, the name of EHLO and HELO."""
    reply: str
    """The reply by order; empty for acceptance."""
    dropped: bool
    connection: int
    """Counted from 1."""
    at: float


class NextHop:
    """An SMTP server on `host` that records all and behaves as ordered; a context manager.

    `port` 0 takes a free one. With `tls_context` (a server's) it offers STARTTLS.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: Behaviour = ACCEPT,
        *,
        tls_context: ssl.SSLContext | None = None,
        name: str = "next-hop.test",
    ) -> None:
        self.host = host
        self.name = name
        self.tls_context = tls_context
        self._port = port
        self._behaviour = behaviour
        self._changed = threading.Condition()
        self._received: list[ReceivedMail] = []
        self._attempts: list[Attempt] = []
        self._uses: dict[Order, int] = defaultdict(int)
        self._connections = 0
        self._controller: HopController | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Bind and serve; raises `ConnectFailed` if the address or port cannot be had."""
        if self._controller is not None:
            return self
        controller = HopController(self, self.host, self._port)
        thread = threading.Thread(target=controller.run, name=f"next-hop-{self.host}", daemon=True)
        thread.start()
        try:
            self._port = controller.bound.result()
        except OSError as error:
            thread.join()
            reason = error.strerror or str(error)
            raise ConnectFailed(f"no next hop on {self.host}, port {self._port}: {reason}") from error
        self._controller, self._thread = controller, thread
        return self

    def stop(self) -> None:
        """Close every connection and the port; harmless when not running."""
        if self._controller is not None and self._thread is not None:
            self._controller.stop_serving()
            self._thread.join()
            self._controller = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def behaviour(self) -> Behaviour:
        """The orders in force; may be replaced while it runs, and counts of `times` then begin again."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        with self._changed:
            self._behaviour = behaviour
            self._uses.clear()

    @property
    def received(self) -> list[ReceivedMail]:
        """The messages accepted so far, in order."""
        with self._changed:
            return list(self._received)

    @property
    def attempts(self) -> list[Attempt]:
        """Every stage reached so far, in order, over all connections."""
        with self._changed:
            return list(self._attempts)

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        with self._changed:
            return self._connections

    def wait_for(self, count: int, timeout_s: float) -> list[ReceivedMail]:
        """Wait until `count` messages were accepted; returns what there is by then, fewer if time ran out."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._received) >= count, timeout_s)
            return list(self._received)

    def wait_for_attempts(self, stage: Stage, count: int, timeout_s: float) -> list[Attempt]:
        """Wait until `stage` was reached `count` times, whatever came of it; returns those attempts."""

        def reached() -> list[Attempt]:
            return [attempt for attempt in self._attempts if attempt.stage is stage]

        with self._changed:
            self._changed.wait_for(lambda: len(reached()) >= count, timeout_s)
            return reached()

    def forget(self) -> None:
        """Empty the records; orders keep their counts."""
        with self._changed:
            self._received.clear()
            self._attempts.clear()

    # Called by the sessions, in the server's thread

    def admit(self) -> int:
        """Count a connection and return its number."""
        with self._changed:
            self._connections += 1
            return self._connections

    def decide(self, stage: Stage, argument: str, connection: int) -> Order | None:
        """Return the order that acts now, if any, and record the attempt."""
        with self._changed:
            order = next(
                (order for order in self._behaviour.orders if self._fits(order, stage, argument)), None
            )
            if order is not None:
                self._uses[order] += 1
            self._attempts.append(
                Attempt(
                    stage=stage,
                    argument=argument,
                    reply="" if order is None else order.reply,
                    dropped=order is not None and order.drops,
                    connection=connection,
                    at=time.monotonic(),
                )
            )
            self._changed.notify_all()
            return order

    def record(self, mail: ReceivedMail) -> None:
        """Keep an accepted message."""
        with self._changed:
            self._received.append(mail)
            self._changed.notify_all()

    def _fits(self, order: Order, stage: Stage, argument: str) -> bool:
        if order.stage is not stage or (order.only and argument not in order.only):
            return False
        return order.times is None or self._uses[order] < order.times
