"""The loop of an IMAP session: greet, read a command, carry it out, report the news, answer (RFC 3501 §3)."""

from typing import Final

from reference_server.codec.imap.framer import Command as CommandFrame
from reference_server.codec.imap.framer import Framer, LiteralWanted, Refused
from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.defects import NONE, Defects
from reference_server.session.base import Arrival, Flush, Input, Peer, Session
from reference_server.session.imap import capabilities
from reference_server.session.imap.command import COMMANDS, Call, Command, State
from reference_server.session.imap.names import InvalidName
from reference_server.session.imap.selected import Selected
from reference_server.session.imap.settings import ImapSettings
from reference_server.store.errors import StoreUnavailable
from reference_server.store.ports import MailReader
from reference_server.store.values import Account

SLICE_OCTETS: Final = 65_536
"""So much is written before the client must have taken it and the other sessions had a turn."""
_COMMANDS_PER_TURN: Final = 200
"""So many pipelined commands are answered before the other sessions have a turn."""


class Over(Exception):
    """The session is over before LOGOUT: the client went or stayed silent, or the server stops."""

    def __init__(self, farewell: bytes = b"") -> None:
        super().__init__(farewell)
        self.farewell = farewell
        """What the untagged BYE says; nothing is said if it is empty."""


_FAREWELLS: Final = {
    Arrival.END: b"",
    Arrival.TIMEOUT: b"Autologout; idle for too long",
    Arrival.SHUTDOWN: b"Server shutting down",
}


class ImapSession(Session):
    """One client: its state, its account, and the mailbox that it has selected."""

    def __init__(
        self, peer: Peer, *, settings: ImapSettings, store: MailReader, defects: Defects = NONE
    ) -> None:
        super().__init__(peer)
        self.settings = settings
        self.store = store
        self.defects = defects
        self.secure = peer.secure
        self.state = State.NOT_AUTHENTICATED
        self.account: Account | None = None
        self.selected: Selected | None = None
        self.ended = False
        """Set by LOGOUT, and where the session must not go on."""
        self.failed_logins = 0
        self._framer = Framer(settings.before_login)
        self._wait = Input(settings.login_timeout_s)
        self._bad = 0
        self._since_turn = 0

    # -- the loop --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the client from greeting to BYE."""
        self.say(b"OK [CAPABILITY %s] mailproof IMAP4rev1 server ready" % capabilities.offered(self))
        try:
            while not self.ended:
                frame = await self._next_frame()
                if isinstance(frame, Refused):
                    self._refuse(frame)
                else:
                    await self._serve(frame)
                if len(self.outbox) > SLICE_OCTETS or self._since_turn > _COMMANDS_PER_TURN:
                    await self.flush()
        except Over as over:
            if over.farewell:
                self.say(b"BYE " + over.farewell)
        finally:
            self.deselect()

    def say(self, text: bytes) -> None:
        """Queue an untagged response."""
        self.outbox += b"* %s\r\n" % text

    async def flush(self) -> None:
        """Let what is queued go out, and the others have their turn."""
        self._since_turn = 0
        await Flush()

    async def arrival(self) -> None:
        """Wait for octets; anything else ends the session."""
        self._since_turn = 0
        self.take_arrival(await self._wait)

    @staticmethod
    def take_arrival(arrival: Arrival) -> None:
        """Go on if there are octets or news; anything else ends the session."""
        farewell = _FAREWELLS.get(arrival)
        if farewell is not None:
            raise Over(farewell)

    async def read_line(self, limit: int) -> bytes:
        """Wait for a line that is no command: a SASL response (RFC 3501 §6.2.2)."""
        while True:
            line = self._framer.receive_line(self.inbox, limit)
            if isinstance(line, Refused):
                raise Over(line.text)
            if line is not None:
                return line
            await self.arrival()

    def line_at_hand(self, limit: int) -> bytes | None:
        """Return a line that has come already, as `read_line` does, or None."""
        line = self._framer.receive_line(self.inbox, limit)
        if isinstance(line, Refused):
            raise Over(line.text)
        return line

    async def _next_frame(self) -> CommandFrame | Refused:
        while True:
            frame = self._framer.receive(self.inbox)
            if frame is None:
                await self.arrival()
            elif isinstance(frame, LiteralWanted):
                self.outbox += b"+ Ready for literal data\r\n"
            else:
                return frame

    def _refuse(self, frame: Refused) -> None:
        """Answer what was too large or not framed as the grammar says; nothing of it is carried out."""
        code = b"[%s] " % frame.code if frame.code else b""
        if frame.fatal:
            raise Over(code + frame.text)
        self.outbox += b"%s %s %s%s\r\n" % (frame.tag, b"NO" if frame.no else b"BAD", code, frame.text)
        self._count_bad()

    def _count_bad(self) -> None:
        self._bad += 1
        if self._bad >= self.settings.max_bad_commands:
            raise Over(b"Too many bad commands")

    async def _serve(self, frame: CommandFrame) -> None:
        """Carry out one command and answer it with its tag, or with `*` where it has none."""
        self._since_turn += 1
        tag = b"*"
        try:
            reader = CommandReader(frame.text, frame.literals)
            tag = reader.tag()
            reader.sp()
            call, command = self._find(tag, reader)
        except Garbled as garbled:
            self.outbox += b"%s BAD %s\r\n" % (tag, garbled.text)
            self._count_bad()
            return
        try:
            answer = await command.handle(self, call)
            self._bad = 0
        except Garbled as garbled:
            answer = b"BAD " + garbled.text
        except InvalidName as invalid:
            answer = b"NO [CANNOT] " + invalid.text
        except StoreUnavailable:
            answer = b"NO [UNAVAILABLE] The store cannot do this now"
        if self.selected is not None:
            self.report_news(expunge=call.by_uid or not command.holds_expunges)
        if answer:
            self.outbox += b"%s %s\r\n" % (tag, answer)
        if answer.startswith(b"BAD"):
            self._count_bad()

    def _find(self, tag: bytes, reader: CommandReader) -> tuple[Call, Command]:
        """Read the verb; BAD if there is none, or it is not legal in this state (RFC 3501 §6)."""
        verb = reader.keyword()
        by_uid = verb == b"UID"
        if by_uid:
            reader.sp()
            verb = reader.keyword()
        command = COMMANDS.get(verb)
        if command is None or not (command.uid_form if by_uid else command.plain_form):
            raise Garbled(b"Unknown command")
        if not self.state & command.states:
            raise Garbled(b"%s is not legal in this state" % verb)
        return Call(tag, reader, by_uid), command

    # -- state -----------------------------------------------------------------------------------------------

    def enter(self, account: Account) -> None:
        """Go to the authenticated state (RFC 3501 §3.2)."""
        self.account = account
        self.state = State.AUTHENTICATED
        self._framer.limits = self.settings.after_login()
        self._wait = Input(self.settings.idle_timeout_s)

    @property
    def owner(self) -> Account:
        """The account of an authenticated session."""
        assert self.account is not None
        return self.account

    @property
    def chosen(self) -> Selected:
        """The mailbox of a session in the selected state."""
        assert self.selected is not None
        return self.selected

    def select(self, selected: Selected) -> None:
        """Go to the selected state."""
        self.selected = selected
        self.state = State.SELECTED

    def deselect(self) -> None:
        """Leave the mailbox, if one is selected; nothing is expunged."""
        if self.selected is not None:
            self.selected.close()
            self.selected = None
            self.state = State.AUTHENTICATED

    def secured(self) -> None:
        """TLS has started: nothing that was said in clear is true any more (RFC 3501 §6.2.1)."""
        self.secure = True
        self._framer = Framer(self.settings.before_login)

    def report_news(self, *, expunge: bool) -> None:
        """Send what has changed in the selected mailbox and was not yet said (RFC 3501 §7)."""
        selected = self.chosen
        if selected.view.has_news():
            selected.write_news(self.outbox, expunge=expunge)
        if selected.view.mailbox.gone:
            # another session has deleted the mailbox; there is nothing left to be selected (RFC 2180 §3.3)
            raise Over(b"The selected mailbox was deleted")
