"""When to hand changes to the writer, so that as many as possible share one transaction and one sync.

A transaction costs the same for one message as for twenty, and while the writer works at it, writer and loop
take the interpreter from each other. So the first change of a group does not go to disk at once: the loop
first serves everybody else whose command is there already. Nobody waits for a clock: a group is complete as
soon as every client that was heard from waits for it, or when the loop has found nothing more to do.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

_QUIET_TURNS = 12
"""So many turns of the loop without any octets, some 0.1 ms, and nobody else is coming."""
_LONGEST_S = 0.002
"""A loop that is never quiet does not hold changes back for longer than this."""


class Talker(Protocol):
    """A connection, as far as it matters here."""

    round_heard: int
    """The round in which it was counted last."""


class Gathering:
    """Counts who may still add a change to the next group; the store asks it for the right moment."""

    __slots__ = ("_expected", "_loop", "_quiet", "_seen", "_until_s", "_waiting", "arrivals", "round")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.round = 1
        """Grows with each group that goes to the writer."""
        self.arrivals = 0
        """How many times octets came; only whether it grows matters."""
        self._expected = 0
        """Clients that were heard from, or answered, in this round."""
        self._waiting = 0
        """Those of them that wait for the group."""
        self._seen = 0
        self._quiet = 0
        self._until_s = 0.0

    def heard(self, talker: Talker) -> None:
        """Expect a change of a client that said something, or that was just answered and will go on."""
        if talker.round_heard != self.round:
            talker.round_heard = self.round
            self._expected += 1

    def joined(self, talker: Talker) -> None:
        """Count a client's change in."""
        self.heard(talker)
        self._waiting += 1

    def gone(self, talker: Talker) -> None:
        """Expect nothing of a client that has left."""
        if talker.round_heard == self.round:
            talker.round_heard = 0
            self._expected -= 1

    def __call__(self, hand_over: Callable[[], object]) -> None:
        """Call `hand_over` once the group is complete; the store asks once per group."""
        self._seen = self.arrivals
        self._quiet = 0
        self._until_s = self._loop.time() + _LONGEST_S
        self._loop.call_soon(self._consider, hand_over)

    def _consider(self, hand_over: Callable[[], object]) -> None:
        if self._waiting < self._expected:
            if self.arrivals == self._seen:
                self._quiet += 1
            else:
                self._seen = self.arrivals
                self._quiet = 0
            if self._quiet < _QUIET_TURNS and self._loop.time() < self._until_s:
                self._loop.call_soon(self._consider, hand_over)
                return
        self.round += 1
        self._expected = 0
        self._waiting = 0
        hand_over()
