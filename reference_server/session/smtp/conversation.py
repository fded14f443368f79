"""What all commands of an SMTP session stand on: the state, reading a line, answering."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from reference_server.clock import Clock
from reference_server.codec.smtp.limits import LONGEST_LINE_OCTETS
from reference_server.codec.smtp.reply import reply
from reference_server.codec.smtp.text import TextReader, end_length, unstuff
from reference_server.defects import Defects
from reference_server.session.base import Arrival, Input, Peer, Session
from reference_server.session.smtp.desk import Envelope, MailDesk, Refusal, Role, SmtpSettings

_DISCARD_CAP = 1_048_576
"""A line that goes on for longer than this is an attack, not a mistake."""


class HungUp(Exception):
    """The conversation is over before QUIT: the client went, stayed silent, or the server stops."""

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        super().__init__(arrival)


class LineTooLong(Exception):
    """A line exceeded every limit; it was read to its end and dropped."""


class TooManyErrors(Exception):
    """The client makes so many mistakes that going on serves nobody."""


class Conversation(Session):
    """An SMTP or LMTP conversation: who speaks, how far they are, and the words to answer with."""

    commands: ClassVar[Mapping[bytes, "Command"]]

    def __init__(
        self, peer: Peer, *, settings: SmtpSettings, desk: MailDesk, defects: Defects, clock: Clock
    ) -> None:
        super().__init__(peer)
        self.settings = settings
        self.desk = desk
        self.defects = defects
        self.clock = clock
        self.secure = peer.secure
        self.hello_name: str | None = None
        """The client's name, once EHLO, HELO or LHLO was accepted."""
        self.extended = False
        """Whether EHLO or LHLO was used."""
        self.account: Any | None = None
        self.envelope: Envelope | None = None
        """The open mail transaction."""
        self.errors = 0
        self.failed_logins = 0
        self.since_turn = 0
        """Commands carried out since the session last waited."""
        self.ended = False
        """Set by QUIT, and where the session must not go on."""
        self._idle = Input(settings.command_timeout_s)
        self._text_comes = Input(settings.text_timeout_s)

    def say(self, code: int, enhanced: str, *lines: str) -> None:
        """Queue a reply."""
        self.outbox += reply(code, enhanced, *lines)

    def refuse(self, code: int, enhanced: str, *lines: str) -> None:
        """Queue a refusal of the command, and count it."""
        self.outbox += reply(code, enhanced, *lines)
        self.note_error()

    def note_error(self) -> None:
        """Count a refusal; after too many the conversation is over."""
        self.errors += 1
        if self.errors > self.settings.max_errors:
            raise TooManyErrors

    def refuse_with(self, refusal: Refusal) -> None:
        """Queue what the desk said."""
        self.refuse(refusal.code, refusal.enhanced, refusal.text)

    def forget(self) -> None:
        """Drop everything that was learnt about the client (RFC 3207 §4.2)."""
        self.hello_name = None
        self.extended = False
        self.account = None
        self.envelope = None

    @property
    def protocol(self) -> str:
        """The `with` keyword for what this conversation has become (RFC 3848)."""
        if self.settings.role is Role.LMTP:
            base = "LMTP"
        elif self.extended:
            base = "ESMTP"
        else:
            return "SMTP"
        return base + ("S" if self.secure else "") + ("A" if self.account is not None else "")

    async def read_line(self) -> bytes:
        """Wait for a line; its octets without CRLF, which alone ends it (RFC 5321 §2.3.8)."""
        inbox = self.inbox
        end = inbox.find(b"\r\n")
        if end < 0:
            end = await self._wait_for_line()
        line = bytes(inbox[:end])
        del inbox[: end + 2]
        if end > LONGEST_LINE_OCTETS - 2:
            raise LineTooLong
        return line

    async def _wait_for_line(self) -> int:
        """Wait until a line is whole and return its length; all of it must come within one time-out."""
        inbox = self.inbox
        wait = self._idle
        deadline_s = 0.0
        dropped = 0
        while True:
            seen = max(0, len(inbox) - 1)
            await self.arrival(wait)
            end = inbox.find(b"\r\n", seen)
            if end >= 0:
                if not dropped:
                    return end
                del inbox[: end + 2]
                raise LineTooLong
            if len(inbox) > LONGEST_LINE_OCTETS:
                dropped += len(inbox) - 1
                if dropped > _DISCARD_CAP:
                    raise TooManyErrors
                # A CR at the end may be the first half of the line's end.
                del inbox[:-1]
            if not deadline_s:
                deadline_s = self.clock.monotonic_s() + self.settings.command_timeout_s
            wait = Input(max(0.0, deadline_s - self.clock.monotonic_s()))

    async def arrival(self, wait: Input) -> None:
        """Wait for octets; anything else ends the conversation."""
        self.since_turn = 0
        arrival = await wait
        if arrival is not Arrival.OCTETS:
            raise HungUp(arrival)

    async def read_text(self) -> bytes | None:
        """Read the text of DATA up to CRLF.CRLF; None if it is longer than this server takes.

        The dot line is gone, and so are the dots that transparency added (RFC 5321 §4.5.2).
        """
        inbox = self.inbox
        reader = TextReader(loose="smtp-lf-dot-lf" in self.defects)
        largest = self.settings.max_message_octets
        wait = self._text_comes
        begun_s = 0.0
        while (end := reader.find_end(inbox)) is None:
            if reader.discarded or len(inbox) > largest + 3 + (len(inbox) >> 1 if reader.stuffed else 0):
                reader.discard(inbox)
                if reader.discarded > 4 * largest + 67_108_864:
                    raise TooManyErrors
            if not begun_s:
                begun_s = self.clock.monotonic_s()
            else:
                wait = Input(self._text_time_left_s(begun_s, reader.discarded + len(inbox)))
            await self.arrival(wait)
        text = None
        if not reader.discarded:
            with memoryview(inbox) as view:
                text = bytes(view[:end])
        del inbox[: end + end_length(inbox, end)]
        if text is not None and reader.stuffed and "smtp-dot-kept" not in self.defects:
            text = unstuff(text)
        return text

    async def read_octets(self, size: int, *, keep: bool) -> bytes:
        """Read exactly `size` octets, whatever they are, and return them if they are to be kept."""
        inbox = self.inbox
        left = size
        wait = Input(self.settings.text_timeout_s)
        begun_s = 0.0
        while len(inbox) < left:
            if not keep:
                left -= len(inbox)
                inbox.clear()
                if size - left > 4 * self.settings.max_message_octets + 67_108_864:
                    raise TooManyErrors
            if not begun_s:
                begun_s = self.clock.monotonic_s()
            else:
                wait = Input(self._text_time_left_s(begun_s, size - left + len(inbox)))
            await self.arrival(wait)
        chunk = b""
        if keep:
            with memoryview(inbox) as view:
                chunk = bytes(view[:left])
        del inbox[:left]
        return chunk

    def _text_time_left_s(self, begun_s: float, octets: int) -> float:
        """How long to wait for more: the grace, and what a slow but steady sender has earned."""
        elapsed_s = self.clock.monotonic_s() - begun_s
        earned_s = self.settings.text_timeout_s + octets / self.settings.min_text_octets_per_s
        return max(0.0, min(self.settings.text_timeout_s, earned_s - elapsed_s))


Command = Callable[[Conversation, bytes | None], Awaitable[None] | None]
"""What carries a verb out; it gets the argument, or None where there was none."""
