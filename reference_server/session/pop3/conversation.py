"""What the states of a POP3 session share: lines in, responses out."""

from typing import Final

from reference_server.codec import pop3
from reference_server.codec.pop3 import Command
from reference_server.session.base import Arrival, Flush, Input, Peer, Session
from reference_server.session.pop3.settings import Pop3Settings
from reference_server.store.ports import MailReader

_SLICE_OCTETS: Final = 65_536
_COMMANDS_PER_TURN: Final = 200


class Over(Exception):
    """The session ends now, whatever state it is in; marks are forgotten."""

    def __init__(self, farewell: bytes = b"") -> None:
        super().__init__(farewell)
        self.farewell = farewell
        """What the last -ERR says; nothing is sent if it is empty."""


# An autologout neither enters UPDATE nor sends a response (RFC 1939 §3).
_FAREWELLS: Final = {
    Arrival.END: b"",
    Arrival.TIMEOUT: b"",
    Arrival.SHUTDOWN: b"[SYS/TEMP] the server is shutting down",
}


class Conversation(Session):
    """One client's lines and our responses, whatever the state."""

    def __init__(self, peer: Peer, *, settings: Pop3Settings, store: MailReader) -> None:
        super().__init__(peer)
        self.settings = settings
        self.store = store
        self.secure = peer.secure
        self.patience: int | None = settings.max_bad_commands
        """How many more lines may be no command; None after login."""
        self._since_turn = 0

    # Responses

    def ok(self, text: bytes = b"") -> None:
        """Say +OK."""
        self.outbox += pop3.ok(text)

    def err(self, text: bytes) -> None:
        """Say -ERR; a response code stands at the start of the text."""
        self.outbox += pop3.err(text)

    def ok_lines(self, text: bytes, lines: list[bytes]) -> None:
        """Say +OK with a multi-line body of short lines that need no stuffing."""
        self.ok(text)
        self.outbox += b"".join([line + pop3.CRLF for line in lines])
        self.outbox += pop3.TERMINATOR

    def ok_octets(self, text: bytes, octets: bytes) -> None:
        """Say +OK with a multi-line body."""
        self.ok(text)
        self.outbox += pop3.multi_line(octets)

    # Commands

    async def next_command(self) -> Command:
        """Return the next line that can be a command; answers the others."""
        while True:
            line = await self.read_line(pop3.LINE_LIMIT_OCTETS)
            command = None if line is None else pop3.parse_command(line)
            if command is not None:
                return command
            if line is None:
                self.err(b"a command line is at most 255 octets and ends with CRLF")
            else:
                self.err(b"no command of POP3")
            self.lose_patience()

    def lose_patience(self) -> None:
        """Note a line that was no command; before login, too many end the session."""
        if self.patience is not None:
            self.patience -= 1
            if self.patience <= 0:
                raise Over(b"too many bad commands")

    async def read_line(self, limit: int) -> bytes | None:
        """Return the next line without its CRLF; None if it was longer than `limit` or had no CR.

        Never more than `limit` octets of an overlong line are kept.
        """
        await self._give_way()
        overlong = False
        searched = 0
        while True:
            end = self.inbox.find(b"\n", searched)
            if end >= 0:
                line = bytes(self.inbox[: end + 1])
                del self.inbox[: end + 1]
                if overlong or len(line) > limit or not line.endswith(pop3.CRLF):
                    return None
                return line[:-2]
            if len(self.inbox) >= limit:
                overlong = True
                self.inbox.clear()
            searched = len(self.inbox)
            arrival = await Input(self.settings.idle_timeout_s)
            if arrival in _FAREWELLS:
                raise Over(_FAREWELLS[arrival])

    async def _give_way(self) -> None:
        """Send what has been said before a client that pipelines makes us say too much."""
        self._since_turn += 1
        if len(self.outbox) > _SLICE_OCTETS or self._since_turn > _COMMANDS_PER_TURN:
            self._since_turn = 0
            await Flush()
