"""IDLE: the server speaks when something happens, until DONE (RFC 9051 §6.3.13, RFC 2177)."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from harness.clients.imap_result import Result
from harness.clients.imap_session import ImapSession
from harness.vocabulary.errors import LocalProtocolError, TransportError
from harness.wire.imap import Continuation, Response


class Idle:
    """An IDLE in progress, as `with client.idle() as idle: idle.wait(5)`.

    If the server refuses IDLE, `accepted` is False and `result` holds its refusal at once; otherwise
    `result` is there when the block has ended.
    """

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._tag = b""
        self.accepted = False
        self.result: Result | None = None

    def __enter__(self) -> Self:
        self._tag = self._session.send_command(b"IDLE")
        answer = self._session.await_continuation(self._tag)
        self.accepted = isinstance(answer, Continuation)
        if isinstance(answer, Result):
            self.result = answer
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.result is not None or isinstance(error, TransportError):
            return
        self.done()

    def wait(self, timeout_s: float) -> list[Response]:
        """All that has arrived, once something has; empty after `timeout_s` of silence."""
        if self.result is not None:
            raise LocalProtocolError("IDLE is not in progress")
        return self._session._poll(timeout_s)  # noqa: SLF001 - the session and its IDLE are one thing

    def wait_for(self, wanted: Callable[[Response], bool], timeout_s: float) -> Response | None:
        """The first response that is `wanted`; None if none came within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            for response in self.wait(left):
                if wanted(response):
                    return response
        return None

    def done(self) -> Result:
        """Send DONE and await the tagged response; the end of the block does so if nobody has."""
        if self.result is None:
            self._session.send_raw(b"DONE\r\n")
            self.result = self._session.finish(self._tag)
        return self.result
