"""Keeps a server that has stopped answering from turning into a flood of findings.

When a check ends in silence, a plain exchange on a new connection tells a fault of the server from its
absence. Once it is absent, further checks are inconclusive at once; it is asked again now and then, so that a
server that was restarted is judged again. Services are told apart: where only SMTP is gone, IMAP is judged.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.conformance.declaration import Requires
from harness.conformance.subject import Subject
from harness.vocabulary.judging import PLAYED_BY, Need, Offers
from harness.vocabulary.services import Service

_REST_S = 1.0
_REST_PER_PROBE = 4.0


@dataclass(frozen=True, slots=True)
class _Loss:
    reason: str
    ask_at: float


def services_of(needs: Iterable[Requires]) -> frozenset[Service | Need]:
    """Return the services, or roles that one of some plays, that a check names among its needs.

    None means whichever there are.
    """
    named = (need.service if isinstance(need, Offers) else need for need in needs)
    return frozenset(one for one in named if isinstance(one, Service) or one in PLAYED_BY)


class Lifeline:
    """Knows whether the subject answers."""

    def __init__(self, subject: Subject, clock: Callable[[], float] = time.monotonic) -> None:
        self._subject = subject
        self._clock = clock
        self._losses: dict[frozenset[Service | Need], _Loss] = {}

    def ask(self, needs: Iterable[Requires]) -> str | None:
        """Hold a plain exchange with the services that are needed; None if the server is there."""
        services = services_of(needs)
        began = self._clock()
        reason = self._subject.ask_alive(services)
        now = self._clock()
        if reason is None:
            self._losses.pop(services, None)
        else:
            self._losses[services] = _Loss(reason, now + max(_REST_S, _REST_PER_PROBE * (now - began)))
        return reason

    def cut(self, needs: Iterable[Requires], reason: str) -> None:
        """Note that a check could not reach the server, so that the next one asks first."""
        self._losses.setdefault(services_of(needs), _Loss(reason, self._clock()))

    def lost(self, needs: Iterable[Requires]) -> str | None:
        """Return why a check need not be tried now, or None; asks again after a rest."""
        if not self._losses:
            return None
        loss = self._losses.get(services_of(needs))
        if loss is not None and self._clock() < loss.ask_at:
            return loss.reason
        return self.ask(needs)
