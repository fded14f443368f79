"""One attempt to bring a message to a destination: hop after hop, until each recipient has an answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.relay.dialogue import Outcome
from reference_server.relay.mail import Addressee, OutgoingMail
from reference_server.relay.routing import Hop, Router, Unroutable

_MAX_HOPS = 20
_NO_HOP = Reply(451, "4.4.1", ("no mail exchanger could be reached",))


class Unreachable(Exception):
    """No connection to a hop came about; the text says why."""


Speak = Callable[[Hop, OutgoingMail, bool], Awaitable[Outcome]]
"""Brings mail to a hop, with TLS if it is offered and wanted; raises `Unreachable`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one recipient."""

    reply: Reply
    host: str | None = None
    """The hop that said it."""
    takes_dsn: bool = False
    """The hop knows what the sender wants to hear, and will see to it (RFC 3461 §5.2.1)."""


@dataclass(slots=True)
class Attempt:
    """The state of an attempt."""

    router: Router
    speak: Speak
    mail: OutgoingMail
    destination: str
    answers: dict[Mailbox, Answer] = field(default_factory=dict)

    async def run(self) -> dict[Mailbox, Answer]:
        """Return the last answer for every recipient."""
        hops = await self.router.route(self.destination)
        if isinstance(hops, Unroutable):
            return {one.mailbox: Answer(hops.reply) for one in self.mail.recipients}
        failures: list[Answer] = []
        for hop in hops[:_MAX_HOPS]:
            failure = await self._try(hop)
            if failure is None or not self._open():
                break
            failures.append(failure)
        # A hop that may work later outweighs one that never will.
        failures.sort(key=lambda failure: failure.reply.is_permanent)
        last = failures[0] if failures else Answer(_NO_HOP)
        return {one.mailbox: self.answers.get(one.mailbox, last) for one in self.mail.recipients}

    def _open(self) -> tuple[Addressee, ...]:
        """Recipients that no hop has answered for yet."""
        return tuple(one for one in self.mail.recipients if one.mailbox not in self.answers)

    async def _try(self, hop: Hop) -> Answer | None:
        """Try one hop; returns why it was no use, or None."""
        mail = replace(self.mail, recipients=self._open())
        try:
            outcome = await self.speak(hop, mail, True)
            if outcome.tls_failed:
                outcome = await self.speak(hop, mail, False)
        except Unreachable as error:
            return Answer(Reply(451, "4.4.1", (f"{hop.host}[{hop.address}]: {error}",)), None)
        for number, reply in outcome.replies.items():
            self.answers[mail.recipients[number].mailbox] = Answer(reply, hop.host, outcome.takes_dsn)
        return None if outcome.hop_failure is None else Answer(outcome.hop_failure, hop.host)
