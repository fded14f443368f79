"""Children that end with us, and the request to end."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

_PATIENCE_S = 5.0


class Child:
    """A server in the foreground, in a process group of its own."""

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, start_new_session=True)

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the server itself, which ends its helpers in its own way."""
        if self._process.poll() is None:
            self._process.terminate()

    def stop(self, patience_s: float = _PATIENCE_S) -> None:
        """Wait until it has ended; after `patience_s` kill its whole group."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)
        # Helpers that outlived their server, or the server itself.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def stop_all(children: Iterable[Child]) -> None:
    """Stop all at once, then wait for each."""
    children = list(children)
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.stop()


class StopRequest:
    """SIGTERM and SIGINT as a condition to wait for, while the context lasts."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of signal
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether somebody has asked us to stop."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the request at most `timeout_s`; whether it has come."""
        return self._event.wait(timeout_s)
