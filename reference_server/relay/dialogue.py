"""The sending side's dialogue with one next hop, sans-IO as the server's sessions are (RFC 5321 §3, §4.5.4).

One connection may carry several messages, one after the other; what became of each is in its `Outcome`. A
message has one transaction for all recipients of the destination, unless the hop takes no more of them at a
time (RFC 5321 §4.5.3.1.10, RFC 9422 §4).

TLS is opportunistic (RFC 7435): STARTTLS is sent where it is offered, and certificates are not judged. Where
the hop refuses STARTTLS the message goes in clear over the same connection, where the handshake fails over
another one; so it is no less protected than without the offer, and no more against who can change octets.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from reference_server.codec.smtp.reply import Reply, ReplyError, take_reply
from reference_server.defects import Defects
from reference_server.relay.capability import (
    Requirements,
    mail_command,
    number_limit,
    rcpt_command,
    requirements,
    too_large,
)
from reference_server.relay.mail import OutgoingMail
from reference_server.relay.text_on_the_wire import dotted, slices
from reference_server.session.base import Arrival, Flush, Input, Peer, PeerGone, Session, StartTls

_QUIT_S = 10.0


@dataclass(frozen=True, slots=True)
class OutgoingSettings:
    """How to speak to next hops."""

    hostname: str
    reply_timeout_s: float = 300.0
    final_reply_timeout_s: float = 600.0
    idle_s: float = 0.0
    """How long a connection waits for another message before QUIT."""
    max_messages: int = 100
    """Messages over one connection."""


@dataclass(slots=True)
class Outcome:
    """What became of one message at one hop."""

    replies: dict[int, Reply] = field(default_factory=dict)
    """What became of each recipient, by position; a positive reply is that to the final dot."""
    hop_failure: Reply | None = None
    """Why this hop is no use at all; recipients without a reply of their own are undecided."""
    tls_failed: bool = False
    """The handshake failed: another connection without TLS may do (opportunistic, RFC 7435)."""
    takes_dsn: bool = False
    """The hop takes over the duty to notify (RFC 3461 §5.2.1)."""
    is_stale: bool = False
    """A connection that had been used before turned out to be of no use any more: a fresh one may do."""


class _Silence(Exception):
    """The hop closed, stayed silent or talked nonsense; the reply to report in its place."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(str(reply))


class OutgoingSession(Session):
    """Hand messages to one hop."""

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
        self.outcome = Outcome()
        self.on_decided: Callable[[], None] | None = None
        """Called once all is known of a message. A hop that is slow to answer QUIT need not be waited for:
        until the outcome is on disk, a crash has the message sent again."""
        self.keywords: dict[str, str] = {}
        self.is_encrypted = False
        self.is_idle = False
        """Whether the connection waits for another message."""
        self._handed_over = False
        self._served = 0
        self._open_transaction = False
        """The hop holds a MAIL that no final dot has ended: RSET comes before the next one."""

    def hand_over(self, mail: OutgoingMail) -> None:
        """Send another message over the idle connection."""
        self._mail = mail
        self.outcome = Outcome()
        self.is_idle = False
        self._handed_over = True
        self.ring()

    async def run(self) -> None:
        """Greet, hand over what there is, quit."""
        is_decided = False
        try:
            if not await self._introduce():
                return
            while True:
                is_decided = False
                await self._transfer()
                is_decided = True
                self._served += 1
                if self.on_decided is not None:
                    self.on_decided()
                if not await self._more():
                    break
            self.outbox += b"QUIT\r\n"
            await self._reply(_QUIT_S)
        except _Silence as silence:
            if not is_decided:
                self.outcome.hop_failure = silence.reply
        except PeerGone:
            # Before the final dot: the hop has nothing, and the next one may be tried.
            if not is_decided:
                self.outcome.hop_failure = _SILENCES[Arrival.END]
        finally:
            self.is_idle = False

    async def _more(self) -> bool:
        """Wait for another message, as long as the connection may be kept."""
        settings = self._settings
        most = number_limit(self.keywords, "MAILMAX")
        at_most = settings.max_messages if most is None else min(most, settings.max_messages)
        if not settings.idle_s or self._served >= at_most:
            return False
        self.is_idle = True
        arrival = await Input(settings.idle_s, news=True)
        self.is_idle = False
        if not self._handed_over:
            return False
        self._handed_over = False
        if arrival is Arrival.NEWS:
            return True
        # The connection ended, or the hop took leave, while the message was on its way to it.
        self.outcome.is_stale = True
        self.outcome.hop_failure = _SILENCES.get(arrival, _SILENCES[Arrival.END])
        if self.on_decided is not None:
            self.on_decided()
        return False

    # Greeting

    async def _introduce(self) -> bool:
        greeting = await self._reply()
        if greeting.code != 220:
            self.outcome.hop_failure = greeting
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
            self.outcome.tls_failed = True
            self.outcome.hop_failure = Reply(454, "4.7.0", ("TLS handshake failed",))
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
        self.outcome.hop_failure = answer
        return False

    # The transaction

    async def _transfer(self) -> None:
        """Bring the message to all recipients, in as many transactions as the hop wants."""
        mail, outcome = self._mail, self.outcome
        outcome.takes_dsn = "DSN" in self.keywords
        needs = requirements(mail, self.keywords, self._defects)
        left = [number for number in range(len(mail.recipients)) if number not in needs.impossible]
        outcome.replies.update(needs.impossible)
        refusal = too_large(mail, self.keywords)
        if refusal is not None:
            self._decide(left, refusal)
            return
        if self._open_transaction:
            await self._reset()
        at_once = number_limit(self.keywords, "RCPTMAX") or len(left)
        while left:
            group, left = left[:at_once], left[at_once:]
            again = await self._transaction(group, needs)
            if again is None:
                self._decide(left, outcome.replies[group[0]])
                return
            left = again + left
            if left and self._open_transaction:
                await self._reset()

    async def _reset(self) -> None:
        """Give up the transaction that is open (RFC 5321 §4.1.1.5)."""
        await self._command(b"RSET")
        self._open_transaction = False

    async def _transaction(self, numbers: list[int], needs: Requirements) -> list[int] | None:
        """Run one transaction; those whom the hop wants in the next one, or None if it refuses MAIL."""
        mail, keywords, defects = self._mail, self.keywords, self._defects
        commands = [mail_command(mail, keywords, needs, defects)]
        commands += [rcpt_command(mail.recipients[number], keywords, needs, defects) for number in numbers]
        answers = await self._commands(commands)
        if not answers[0].is_positive:
            self._decide(numbers, answers[0])
            return None
        self._open_transaction = True
        answered = {
            number: _of_recipient(answer) for number, answer in zip(numbers, answers[1:], strict=True)
        }
        accepted = [number for number, answer in answered.items() if answer.is_positive]
        refused = {number: answer for number, answer in answered.items() if not answer.is_positive}
        if refused and "relay-partial-refusal-fails-all" in defects:
            self._decide(numbers, next(iter(refused.values())))
            return []
        again = [number for number, answer in refused.items() if _is_too_many(answer)] if accepted else []
        if "relay-452-not-split" in defects:
            again = []
        for number, answer in refused.items():
            if number not in again:
                self._decide([number], answer)
        if accepted:
            self._decide(accepted, await self._text(needs))
        return again

    async def _commands(self, commands: list[bytes]) -> list[Reply]:
        """Send MAIL and RCPTs, all at once where the hop takes that (RFC 2920 §3.1)."""
        if "PIPELINING" not in self.keywords:
            answers = [await self._first_command(commands[0])]
            for command in commands[1:]:
                # After a refused MAIL each RCPT would only be out of order.
                answers.append(await self._command(command) if answers[0].is_positive else answers[0])
            return answers
        first = await self._first_command(b"\r\n".join(commands))
        return [first, *[await self._reply() for _ in commands[1:]]]

    async def _first_command(self, command: bytes) -> Reply:
        """Send what a message begins with; a connection that ends here was too old."""
        try:
            return await self._command(command)
        except _Silence as silence:
            self.outcome.is_stale = self._served > 0 and not self.outcome.replies
            raise silence from None

    async def _text(self, needs: Requirements) -> Reply:
        """Send the text; the reply to its end, or to DATA where that is refused."""
        mail, defects = self._mail, self._defects
        if needs.chunks:
            # BODY=BINARYMIME is sent by BDAT only, as it is (RFC 3030 §3).
            self.outbox += b"BDAT %d LAST\r\n" % len(mail.octets)
            text = mail.octets
        else:
            ready = await self._command(b"DATA")
            if ready.code != 354:
                odd = ready.is_positive
                return Reply(451, "4.5.0", (f"odd reply to DATA: {ready}",)) if odd else ready
            text = dotted(mail, defects)
        for number, piece in enumerate(slices(text)):
            if number:
                await Flush()
            self.outbox += piece
        self._open_transaction = False
        try:
            return await self._reply(self._settings.final_reply_timeout_s, through_shutdown=True)
        except _Silence as silence:
            if "relay-lost-reply-is-final" in defects:
                return Reply(554, "5.4.2", ("the connection was lost",))
            # The hop may have taken the message: no other hop is tried now, and this one again later. A
            # duplicate is then possible, a loss is not (RFC 1047).
            return silence.reply

    def _decide(self, numbers: list[int], answer: Reply) -> None:
        for number in numbers:
            self.outcome.replies[number] = answer

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


def _is_too_many(answer: Reply) -> bool:
    """Whether the hop wants the recipient in the next transaction; 452 may mean other things, too."""
    return answer.code == 452 and answer.enhanced in ("", "4.5.3")


_SILENCES = {
    Arrival.END: Reply(451, "4.4.2", ("the connection was closed by the next hop",)),
    Arrival.TIMEOUT: Reply(451, "4.4.1", ("no reply from the next hop in time",)),
    Arrival.SHUTDOWN: Reply(451, "4.3.2", ("this server is shutting down",)),
    Arrival.NEWS: Reply(451, "4.3.0", ("interrupted",)),
}
