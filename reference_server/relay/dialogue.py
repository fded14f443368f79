"""The sending side's dialogue with one next hop, sans-IO as the server's sessions are (RFC 5321 §3, §4.5.4).

One transaction for all recipients of the destination; what became of each is in `replies`, and `hop_failure`
tells that the hop as a whole was no use, so that the next one is tried.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from reference_server.codec.smtp.path import Mailbox, ReversePath
from reference_server.codec.smtp.reply import Reply, ReplyError, take_reply
from reference_server.codec.smtp.text import stuff
from reference_server.defects import Defects
from reference_server.mda.trace import return_path
from reference_server.session.base import Arrival, Flush, Input, Peer, PeerGone, Session, StartTls

_SLICE_OCTETS = 65_536
_LONG_LINE = re.compile(rb"([^\r\n]{500})(?=[^\r\n])")
_QUIT_S = 10.0


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What is to be handed over."""

    reverse_path: ReversePath
    recipients: tuple[Mailbox, ...]
    octets: bytes

    @property
    def is_eight_bit(self) -> bool:
        """Whether the hop must offer 8BITMIME (RFC 6152 §3)."""
        return not self.octets.isascii()


@dataclass(frozen=True, slots=True)
class OutgoingSettings:
    """How to speak to next hops."""

    hostname: str
    reply_timeout_s: float = 300.0
    final_reply_timeout_s: float = 600.0


class _Silence(Exception):
    """The hop closed, stayed silent or talked nonsense; the reply to report in its place."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(str(reply))


class OutgoingSession(Session):
    """Hand one message to one hop."""

    def __init__(
        self,
        peer: Peer,
        *,
        mail: OutgoingMail,
        settings: OutgoingSettings,
        defects: Defects,
        use_tls: bool = True,
    ) -> None:
        super().__init__(peer)
        self._mail = mail
        self._settings = settings
        self._defects = defects
        self._use_tls = use_tls
        self.replies: dict[int, Reply] = {}
        """What became of each recipient, by position; a positive reply is that to the final dot."""
        self.hop_failure: Reply | None = None
        """Why this hop is no use at all; recipients without a reply of their own are undecided."""
        self.tls_failed = False
        """The handshake failed: another connection without TLS may do (opportunistic, RFC 7435)."""
        self.on_decided: Callable[[], None] | None = None
        """Called once all is known; only a QUIT follows, and a hop that is slow to answer it need not be
        waited for: until the outcome is on disk, a crash has the message sent again."""
        self.keywords: dict[str, str] = {}
        self.is_encrypted = False

    async def run(self) -> None:
        """Greet, hand over, quit."""
        try:
            if not await self._introduce():
                return
            await self._transfer()
            if self.on_decided is not None:
                self.on_decided()
            self.outbox += b"QUIT\r\n"
            await self._reply(_QUIT_S)
        except _Silence as silence:
            if self.hop_failure is None:
                self.hop_failure = silence.reply
        except PeerGone:
            # Before the final dot: the hop has nothing, and the next one may be tried.
            self.hop_failure = _SILENCES[Arrival.END]

    # Greeting

    async def _introduce(self) -> bool:
        greeting = await self._reply()
        if greeting.code != 220:
            self.hop_failure = greeting
            return False
        if not await self._hello():
            return False
        if "STARTTLS" not in self.keywords or not self._use_tls:
            return True
        ready = await self._command(b"STARTTLS")
        if ready.code != 220:
            return True
        # Whatever came behind the reply came in clear (RFC 3207 §6).
        self.inbox.clear()
        if not await StartTls():
            self.tls_failed = True
            self.hop_failure = Reply(454, "4.7.0", ("TLS handshake failed",))
            return False
        self.is_encrypted = True
        return await self._hello()

    async def _hello(self) -> bool:
        """EHLO, and HELO where that is not understood (RFC 5321 §3.2)."""
        name = self._settings.hostname.encode("ascii")
        self.keywords = {}
        answer = await self._command(b"EHLO " + name)
        if answer.code == 250:
            for line in answer.lines[1:]:
                keyword, _, parameters = line.partition(" ")
                self.keywords[keyword.upper()] = parameters
            return True
        if 500 <= answer.code < 600 and "relay-no-helo" not in self._defects:
            answer = await self._command(b"HELO " + name)
            if answer.code == 250:
                return True
        self.hop_failure = answer
        return False

    # The transaction

    async def _transfer(self) -> None:
        mail = self._mail
        impossible = self._impossible()
        if impossible is not None:
            self._decide(range(len(mail.recipients)), impossible)
            return
        commands = [self._mail_command()]
        commands += [self._rcpt_command(recipient) for recipient in mail.recipients]
        answers = await self._commands(commands)
        if not answers[0].is_positive:
            self._decide(range(len(mail.recipients)), answers[0])
            return
        accepted = [number for number, answer in enumerate(answers[1:]) if answer.is_positive]
        for number, answer in enumerate(answers[1:]):
            if not answer.is_positive:
                self._decide([number], _of_recipient(answer))
        if self.replies and "relay-partial-refusal-fails-all" in self._defects:
            self._decide(range(len(mail.recipients)), next(iter(self.replies.values())))
            return
        if accepted:
            self._decide(accepted, await self._data())

    def _impossible(self) -> Reply | None:
        """Return why this hop cannot take the message, before it is asked."""
        mail = self._mail
        takes_it = "8BITMIME" in self.keywords or "relay-8bit-to-any-hop" in self._defects
        if mail.is_eight_bit and not takes_it:
            # RFC 6152 §3: convert or return as undeliverable; this server does not rewrite what users signed.
            return Reply(554, "5.6.3", ("the next hop does not take 8-bit text (no 8BITMIME)",))
        size = self.keywords.get("SIZE", "")
        if size.isascii() and size.isdigit() and 0 < int(size) < len(mail.octets):
            return Reply(552, "5.3.4", (f"the next hop takes no more than {size} octets",))
        return None

    def _mail_command(self) -> bytes:
        path = "" if self._mail.reverse_path is None else str(self._mail.reverse_path)
        command = f"MAIL FROM:<{path}>"
        if "SIZE" in self.keywords:
            command += f" SIZE={len(self._mail.octets)}"
        if self._mail.is_eight_bit:
            command += " BODY=8BITMIME"
        return command.encode("ascii")

    def _rcpt_command(self, recipient: Mailbox) -> bytes:
        path = str(recipient)
        if "relay-local-part-lowered" in self._defects:
            path = path.lower()
        return f"RCPT TO:<{path}>".encode("ascii")

    async def _commands(self, commands: list[bytes]) -> list[Reply]:
        """Send MAIL and RCPTs, all at once where the hop takes that (RFC 2920 §3.1)."""
        if "PIPELINING" not in self.keywords:
            answers = [await self._command(commands[0])]
            for command in commands[1:]:
                # After a refused MAIL each RCPT would only be out of order.
                answers.append(await self._command(command) if answers[0].is_positive else answers[0])
            return answers
        self.outbox += b"".join(command + b"\r\n" for command in commands)
        return [await self._reply() for _ in commands]

    async def _data(self) -> Reply:
        """Send the text; the reply to the final dot, or to DATA where that is refused."""
        ready = await self._command(b"DATA")
        if ready.code != 354:
            return Reply(451, "4.5.0", (f"odd reply to DATA: {ready}",)) if ready.is_positive else ready
        octets = self._mail.octets
        if "relay-return-path-sent" in self._defects:
            octets = return_path(self._mail.reverse_path) + octets
        if "relay-lines-broken" in self._defects:
            octets = _LONG_LINE.sub(rb"\1\r\n ", octets)
        text = octets if "relay-dots-unstuffed" in self._defects else stuff(octets)
        for start in range(0, len(text), _SLICE_OCTETS):
            self.outbox += text[start : start + _SLICE_OCTETS]
            if start + _SLICE_OCTETS < len(text):
                await Flush()
        self.outbox += b".\r\n" if text.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            return await self._reply(self._settings.final_reply_timeout_s, through_shutdown=True)
        except _Silence as silence:
            if "relay-lost-reply-is-final" in self._defects:
                return Reply(554, "5.4.2", ("the connection was lost",))
            # The hop may have taken the message: no other hop is tried now, and this one again later. A
            # duplicate is then possible, a loss is not (RFC 1047).
            return silence.reply

    def _decide(self, numbers: "range | list[int]", answer: Reply) -> None:
        for number in numbers:
            self.replies[number] = answer

    # Octets

    async def _command(self, command: bytes) -> Reply:
        self.outbox += command + b"\r\n"
        return await self._reply()

    async def _reply(self, timeout_s: float | None = None, *, through_shutdown: bool = False) -> Reply:
        wait = Input(
            self._settings.reply_timeout_s if timeout_s is None else timeout_s,
            through_shutdown=through_shutdown,
        )
        while True:
            try:
                answer = take_reply(self.inbox)
            except ReplyError as error:
                raise _Silence(Reply(451, "4.5.0", (str(error),))) from None
            if answer is not None:
                if answer.code == 421:
                    # The hop is closing, whatever was asked (RFC 5321 §3.8).
                    raise _Silence(answer)
                return answer
            arrival = await wait
            if arrival is not Arrival.OCTETS:
                raise _Silence(_SILENCES[arrival])


def _of_recipient(answer: Reply) -> Reply:
    """Take 552 to RCPT for the 452 that it once stood for: too many recipients (RFC 5321 §4.5.3.1.10)."""
    if answer.code == 552 and answer.enhanced in ("", "5.5.3"):
        return Reply(452, "4.5.3", answer.lines)
    return answer


_SILENCES = {
    Arrival.END: Reply(451, "4.4.2", ("the connection was closed by the next hop",)),
    Arrival.TIMEOUT: Reply(451, "4.4.1", ("no reply from the next hop in time",)),
    Arrival.SHUTDOWN: Reply(451, "4.3.2", ("this server is shutting down",)),
    Arrival.NEWS: Reply(451, "4.3.0", ("interrupted",)),
}
