"""Keeps a run within what the target bears: connections at once, commands in a second, failed logins."""

import threading
import time
from collections.abc import Callable

from harness.targets.file import Limits
from harness.vocabulary.errors import MailproofError

_FULL_FOR_S = 30.0


class TooManyConnections(MailproofError):
    """More connections at once are needed than the target file allows."""


class Gate:
    """The limits of a target file, as one worker of `workers` may use them."""

    def __init__(self, limits: Limits, workers: int = 1) -> None:
        share = None if limits.max_connections is None else max(1, limits.max_connections // workers)
        self._most = share
        self._learnt = False
        """The limit came out in the run."""
        self.open = 0
        """How many connections are open."""
        self.failed_logins = 0
        """How many wrong passwords were tried."""
        self._changed = threading.Condition()
        self._pause_s = workers / limits.commands_per_s if limits.commands_per_s else 0.0
        self._next_command_at = 0.0
        self._failed_logins_left = None if limits.failed_logins is None else limits.failed_logins // workers

    def enter(self, release: Callable[[], bool]) -> None:
        """Take the place of one connection; `release` closes an idle one and says whether it could."""
        deadline = time.monotonic() + _FULL_FOR_S
        while True:
            with self._changed:
                if self._has_room():
                    self.open += 1
                    return
            if release():
                continue
            with self._changed:
                alone = threading.active_count() == 1
                left_s = 0.0 if alone else deadline - time.monotonic()
                if not self._changed.wait_for(self._has_room, max(0.0, left_s)):
                    raise TooManyConnections(
                        f"more than {self._most} connections at once are needed; {self._mend()}"
                    )

    def _has_room(self) -> bool:
        return self._most is None or self.open < self._most

    def _mend(self) -> str:
        if self._learnt:
            return "the server was seen to take no more; raise its limit"
        return "raise limits.max_connections"

    def lower(self, most: int) -> None:
        """Open no more than so many at once from now on: more the server does not take."""
        with self._changed:
            if self._most is None or most < self._most:
                self._most, self._learnt = max(1, most), True

    def leave(self) -> None:
        """Give the place of one connection back."""
        with self._changed:
            self.open -= 1
            self._changed.notify()

    @property
    def before_send(self) -> Callable[[], None] | None:
        """What a stream calls before it sends a command; None where nothing has to be waited for."""
        return self._pace if self._pause_s else None

    def _pace(self) -> None:
        with self._changed:
            now = time.monotonic()
            due = max(now, self._next_command_at)
            self._next_command_at = due + self._pause_s
        if due > now:
            time.sleep(due - now)

    def may_fail_login(self) -> bool:
        """Whether one more wrong password can be tried without a lock-out; counts it."""
        with self._changed:
            if self._failed_logins_left == 0:
                return False
            if self._failed_logins_left is not None:
                self._failed_logins_left -= 1
            self.failed_logins += 1
            return True

    def stop_failing_logins(self) -> None:
        """Let no more wrong passwords be tried: they have done harm."""
        with self._changed:
            self._failed_logins_left = 0
