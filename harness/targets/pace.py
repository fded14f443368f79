"""How fast the server answers, and so how long its silence has to last until it is believed.

A reply is awaited for the target file's whole `reply_timeout_s`, so that a slow server is never called
silent. Only where that has been done, and a check goes on looking for a smaller input against a silent
server, or where a server is made silent on purpose, is less enough: many times what this server's ordinary
replies take.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

LEAST_S = 2.0
"""Never less than this is waited for a reply, however fast the server is: machines have their moments."""
LEAST_ARRIVAL_S = 3.0
"""The same for a message that was taken, until it can be read."""
_TIMES_SLOWEST = 10
_REMEMBERED = 256
_ENOUGH = 3
"""So many replies have to be known before they say anything."""

_LONGER = 3
"""So many times the usual time is given to what takes long on a fast server too."""

_LONGEST_COMMANDS = 4096
_END_OF_TEXT = b"\r\n.\r\n"
_SLOW_WORDS = frozenset(
    {b"AUTH", b"AUTHENTICATE", b"LOGIN", b"USER", b"PASS", b"APOP", b"BDAT", b"APPEND", b"STARTTLS", b"STLS"}
)
_EXCHANGES = (b"334", b"+ ", b"+\r\n")
"""How a server begins that awaits no command now, but the next line of SASL, or a literal."""


class Kind(Enum):
    """What a reply is awaited to."""

    ORDINARY = auto()
    """Commands that a server answers at its usual pace."""
    SLOW = auto()
    """A password, since a failed login is punished by a delay; the end of a message, which is scanned and
    written to disk (RFC 5321 §4.5.3.2.6 gives it ten minutes)."""
    OTHER = auto()
    """No whole line, or octets of a message: perhaps nothing is due."""


class Pace:
    """What is known of one server's pace, and whether to rely on it."""

    def __init__(self, whole_s: float) -> None:
        self.whole_s = whole_s
        """The target file's `reply_timeout_s`: longer is never waited."""
        self.patient = True
        """Whether the whole time is waited for each reply."""
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._arrivals: deque[float] = deque(maxlen=_REMEMBERED)

    def learn(self, reply_s: float) -> None:
        """Note how long an ordinary reply took."""
        self._recent.append(reply_s)

    def learn_arrival(self, seconds: float) -> None:
        """Note how long mail took to arrive, or news of it."""
        self._arrivals.append(seconds)

    @property
    def slowest_s(self) -> float:
        """How long the slowest of the last replies took; 0 if none is known."""
        return max(self._recent, default=0.0)

    @property
    def enough_s(self) -> float:
        """After so long a silence a reply is not coming any more, by all that is known of this server."""
        if len(self._recent) < _ENOUGH:
            return self.whole_s
        return self.at_least(LEAST_S)

    def at_least(self, seconds: float) -> float:
        """Return `seconds`, or more where the server is slow, but not more than the whole time."""
        return min(self.whole_s, max(seconds, _TIMES_SLOWEST * self.slowest_s))

    def wait_s(self, kind: Kind, asked_s: float) -> float:
        """Return how long to wait for a reply, of which the client allows `asked_s`."""
        match kind:
            case Kind.ORDINARY:
                return asked_s if self.patient else min(asked_s, self.enough_s)
            case Kind.SLOW:
                return _LONGER * asked_s if self.patient else asked_s
            case Kind.OTHER:
                return asked_s

    def arrival_s(self, asked_s: float) -> float:
        """Return how long to wait for mail, or for news that come unasked, of which `asked_s` are allowed."""
        if self.patient or len(self._arrivals) < _ENOUGH:
            return asked_s
        return min(asked_s, max(self.at_least(LEAST_ARRIVAL_S), _TIMES_SLOWEST * max(self._arrivals)))


class Awaited:
    """Keeps a server's pace on one connection, by what is sent and what comes."""

    def __init__(self, pace: Pace, *, learns: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._learns = learns
        """Whether replies here are the server's own: nothing stands between that delays or drops them."""
        self._clock = clock
        self._asked_at = 0.0
        self._kind = Kind.OTHER
        """What was sent to which nothing has come yet."""
        self._in_exchange = False

    def sent(self, octets: bytes) -> None:
        """Note what the client has sent."""
        self._kind = Kind.SLOW if self._in_exchange else kind_of(octets)
        self._asked_at = self._clock()

    def wait_s(self, asked_s: float) -> float:
        """Return how long to wait for what comes next, of which the client allows `asked_s`."""
        return self._pace.wait_s(self._kind, asked_s)

    def came(self, octets: bytes) -> None:
        """Note what the server has sent."""
        if self._kind is Kind.ORDINARY and self._learns and octets:
            self._pace.learn(self._clock() - self._asked_at)
        self._kind = Kind.OTHER
        self._in_exchange = octets.startswith(_EXCHANGES)


def kind_of(octets: bytes) -> Kind:
    """Say what this is that a client sends, to which nothing else stands open."""
    if octets.endswith(_END_OF_TEXT) or octets == _END_OF_TEXT[2:]:
        return Kind.SLOW
    if not octets.endswith(b"\r\n") or len(octets) > _LONGEST_COMMANDS:
        return Kind.OTHER
    last = octets[:-2].rpartition(b"\r\n")[2]
    slow = any(word.upper() in _SLOW_WORDS for word in last.split(b" ", 2)[:2])
    return Kind.SLOW if slow else Kind.ORDINARY
