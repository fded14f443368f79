"""Notices when an interposer does something: what it lets through is compared with what it was given."""

from collections.abc import Callable, Iterable
from enum import Enum

from harness.transport.interpose import Action, End, Interposer, ToClient, ToServer, Wait

_MOST_OWED_OCTETS = 1 << 20
"""How much may be held back before the comparison begins anew."""


class Turn(Enum):
    """When a fault strikes."""

    COMMAND = "command"
    """When the client has sent its latest command."""
    REPLY = "reply"
    """When the server answers the oldest that is open."""


class Watched:
    """An interposer around another, which tells when that one strikes.

    To wait, to end the connection, and to let pass anything but the next of what came is a strike. Octets
    that were exchanged for others are told once, when the others pass; octets that were swallowed, when the
    next ones pass.
    """

    def __init__(self, interposer: Interposer, struck: Callable[[Turn], None]) -> None:
        self._interposer = interposer
        self._struck = struck
        self._to_server = _Way()
        self._to_client = _Way()

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """Pass on what the interposer does."""
        self._to_server.owe(octets)
        return self._watch(self._interposer.from_client(octets), Turn.COMMAND, ended=not octets)

    def from_server(self, octets: bytes) -> Iterable[Action]:
        """Pass on what the interposer does."""
        self._to_client.owe(octets)
        return self._watch(self._interposer.from_server(octets), Turn.REPLY, ended=not octets)

    def tls_started(self) -> None:
        """Begin anew."""
        self._interposer.tls_started()
        self._to_server = _Way()
        self._to_client = _Way()

    def _watch(self, actions: Iterable[Action], turn: Turn, *, ended: bool) -> Iterable[Action]:
        for action in actions:
            match action:
                case ToServer(octets):
                    strikes = not self._to_server.passes(octets)
                case ToClient(octets):
                    strikes = not self._to_client.passes(octets)
                case Wait(seconds):
                    strikes = seconds > 0
                case End():
                    strikes = not ended
            if strikes:
                # What goes the other way is a consequence.
                self._to_server.is_astray = self._to_client.is_astray = True
                self._struck(turn)
            yield action


class _Way:
    """What came from one side and is still to pass to the other."""

    def __init__(self) -> None:
        self._owed = bytearray()
        self.is_astray = False
        """Something else has passed, so that the next to pass may stand anywhere in what is owed."""

    def owe(self, octets: bytes) -> None:
        self._owed += octets
        if len(self._owed) > _MOST_OWED_OCTETS:
            self._owed.clear()
            self.is_astray = True

    def passes(self, octets: bytes) -> bool:
        """Whether these octets are what was to pass now."""
        if self._owed.startswith(octets):
            del self._owed[: len(octets)]
            self.is_astray = self.is_astray and not octets
            return True
        place = self._owed.find(octets)
        if place < 0:
            # Nearly all of it may be as it was, with something behind, between or in front.
            last_line = octets[octets.rfind(b"\n", 0, -1) + 1 :]
            if last_line in self._owed:
                del self._owed[: self._owed.find(last_line) + len(last_line)]
            return False
        del self._owed[: place + len(octets)]
        was_astray, self.is_astray = self.is_astray, False
        return was_astray
