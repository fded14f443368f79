"""Steps of the checks on relaying: a user submits, our DNS shows the way, our next hops receive.

Servers differ in when they retry (RFC 5321 §4.5.4.1 speaks of 30 minutes): a check that waits for a second
attempt and sees none in the time that it has says nothing. Where the first attempt is what matters, another
message shows that the server relays at all.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from harness.clients.smtp import SmtpClient
from harness.conformance import Finding, inconclusive, verify_reply
from harness.peers.next_hop import NextHop, ReceivedMail
from harness.strategies import messages
from harness.targets import Mailbox, Outbound, StoredMessage, Target
from harness.targets.findings import WrongMail
from harness.vocabulary.judging import Need
from harness.wire.message import split_message
from harness.wire.smtp import Reply
from suites.relay.report import tells_of_failure

RELAYING: Final = frozenset({Need.OUTBOUND})
TOLD: Final = frozenset({Need.OUTBOUND, Need.RETRIEVE})
"""What a check needs that reads notifications."""

RETRY_PATIENCE_S: Final = 30.0
"""How long a second attempt is waited for."""
_LOOK_AGAIN_S: Final = 0.05
_CONTROL_HOP: Final = 7

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sender:
    """A user of the target, logged in for submission, whose mailbox takes the notifications."""

    target: Target
    outbound: Outbound
    mailbox: Mailbox
    peer: SmtpClient

    @property
    def patience_s(self) -> float:
        """How long what happens at once may take."""
        return self.target.wait_s

    def hand_in(
        self,
        *to: str,
        message: bytes | None = None,
        reverse_path: str | None = None,
        parameters: Sequence[str] = (),
    ) -> Reply:
        """Submit a message; the last reply, or the first refusal."""
        return self.peer.submit(
            sender=self.mailbox.address if reverse_path is None else reverse_path,
            to=to,
            message=self.note(to[0]) if message is None else message,
            parameters=parameters,
        )

    def note(self, to: str, text: bytes = b"Hello.\r\n", *, extra: bytes = b"") -> bytes:
        """Compose a complete message from this user."""
        return messages.compose(text, sender=self.mailbox.address, to=to, extra=extra)

    def send(self, *to: str, message: bytes | None = None, parameters: Sequence[str] = ()) -> None:
        """Submit a message that any submission server takes."""
        reply = self.hand_in(*to, message=message, parameters=parameters)
        if reply.code // 100 == 4:
            inconclusive(f"an ordinary submission is put off: {reply}")
        verify_reply(reply, code="2yz", why="an ordinary submission for another domain")

    # What comes of it

    def notifications(self, *about: str) -> list[StoredMessage]:
        """Return what has told this user of a failure so far, and names one of `about`."""
        words = [word.lower().encode() for word in about]
        arrived = self.mailbox.messages(0)
        return [
            message
            for message in arrived
            if any(word in _plain(message.octets) for word in words) and tells_of_failure(message)
        ]

    def await_(self, look: Callable[[], T], patience_s: float, hop: NextHop | None = None) -> T:
        """Look again and again, until what is seen is true or the time is over; what was seen last.

        Between two looks the next hop, or the mailbox, is waited for.
        """
        deadline = time.monotonic() + patience_s
        while not (seen := look()) and (left_s := deadline - time.monotonic()) > 0:
            pause_s = min(left_s, _LOOK_AGAIN_S)
            if hop is not None:
                hop.wait_for(len(hop.received) + 1, pause_s)
            else:
                with suppress(WrongMail):
                    self.mailbox.messages(self.mailbox.seen + 1, wait_s=pause_s)
        return seen

    def await_notification(self, *about: str, patience_s: float | None = None) -> list[StoredMessage]:
        """Wait until the user is told of a failure; an empty list if that does not happen in time."""
        return self.await_(lambda: self.notifications(*about), patience_s or self.patience_s)

    def demand_arrival(
        self, hops: Sequence[NextHop], domain: str, why: str, *, retried: bool = False
    ) -> tuple[int, ReceivedMail]:
        """Wait for the message to arrive at one of `hops`; which one, and the message.

        A failure that is reported instead is a finding. So is a message that is not even tried while another
        one passes, unless it takes a second attempt (`retried`): when that comes is the server's choice.
        """

        def look() -> list[tuple[int, ReceivedMail]]:
            return [(number, mail) for number, hop in enumerate(hops) for mail in mails_for(hop, domain)]

        def look_at_both() -> Sequence[object]:
            return look() or self.notifications(domain)

        expected = f"the message for {domain} at its next hop: {why}"
        self.await_(look_at_both, RETRY_PATIENCE_S if retried else self.patience_s, hops[0])
        if arrived := look():
            return arrived[0]
        if told := self.notifications(domain):
            raise Finding(expected, f"a notification of failure: {told[0].without_trace[:1500]!r}")
        if retried:
            inconclusive(f"no second attempt within {RETRY_PATIENCE_S:g} s")
        self._demand_relaying()
        if arrived := look():
            return arrived[0]
        raise Finding(
            expected, f"nothing within {self.patience_s:g} s, while a message sent after it was relayed"
        )

    def _demand_relaying(self) -> None:
        """Show by another message that the server relays just now."""
        domain = self.outbound.domain()
        with self.outbound.next_hop(_CONTROL_HOP) as hop:
            self.outbound.route(domain, _CONTROL_HOP)
            self.send(f"control@{domain}")
            if not self.await_(lambda: mails_for(hop, domain), self.patience_s, hop):
                inconclusive(f"the server relays nothing at all within {self.patience_s:g} s")


@contextmanager
def submitting(target: Target) -> Iterator[Sender]:
    """Log in for submission, with a DNS that answers and a mailbox for notifications."""
    outbound = target.outbound
    assert outbound is not None
    outbound.dns.forget_queries()
    with target.fresh_mailbox() as mailbox, target.submission(mailbox.account) as peer:
        yield Sender(target, outbound, mailbox, peer)


def mails_for(hop: NextHop, domain: str) -> list[ReceivedMail]:
    """Return what a next hop has taken for recipients of a domain; others may come from earlier checks."""
    ending = f"@{domain}"
    return [mail for mail in hop.received if any(to.lower().endswith(ending) for to in mail.rcpt_tos)]


def text_of(mail: ReceivedMail) -> bytes:
    """Return the body that has arrived."""
    return split_message(mail.octets)[1]


def is_refused_for_good(reply: Reply) -> bool:
    """Whether the server has said at once that it will not relay the message."""
    return reply.code // 100 == 5


def _plain(octets: bytes) -> bytes:
    """Lower case without the soft line breaks of quoted-printable."""
    return octets.replace(b"=\r\n", b"").lower()
