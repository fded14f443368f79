"""Steps that LMTP checks take before and after the one that they judge."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from harness.clients.lmtp import LmtpClient
from harness.conformance import Need, inconclusive, verify_equal, verify_reply
from harness.targets import Mailbox, Target
from harness.vocabulary.services import Service
from harness.wire.smtp import Reply, dot_stuff

SENDER = "sender@client.mailproof.test"

RETRIEVED: frozenset[Need | Service] = frozenset({Service.LMTP, Need.RETRIEVE})
"""What a check needs that looks at what was delivered."""


@contextmanager
def mailboxes(target: Target, count: int) -> Iterator[list[Mailbox]]:
    """Lease that many mailboxes at the same time."""
    with ExitStack() as leases:
        yield [leases.enter_context(target.fresh_mailbox()) for _ in range(count)]


def begin(peer: LmtpClient, recipients: Sequence[str], *, sender: str = SENDER) -> list[Reply]:
    """Open a transaction and return the replies to its RCPT commands."""
    reply = peer.mail(sender)
    if not reply.is_positive:
        inconclusive(f"an ordinary MAIL is refused: {reply}")
    return [peer.rcpt(recipient) for recipient in recipients]


def begin_for(peer: LmtpClient, recipients: Sequence[str], *, sender: str = SENDER) -> None:
    """Open a transaction whose recipients are all good; one that is refused says nothing about the check."""
    for reply in begin(peer, recipients, sender=sender):
        if not reply.is_positive:
            inconclusive(f"an ordinary RCPT is refused: {reply}")


def finish_and_quit(peer: LmtpClient, message: bytes) -> list[Reply]:
    """Send the text and QUIT in one packet, and return the replies to the final dot.

    The 221 of QUIT and the end of the connection show that no more will come: no time-out has to decide.
    The text may be the first of a group of commands (RFC 2920 §3.1), and LMTP has PIPELINING (RFC 2033 §5).
    """
    verify_reply(peer.data(), code=354)
    peer.send_raw(dot_stuff(message) + b"QUIT\r\n")
    replies = peer.expect_closed()
    verify_equal(
        "the code of the last reply, to QUIT", expected=[221], actual=[one.code for one in replies[-1:]]
    )
    return replies[:-1]


def deliver(peer: LmtpClient, recipients: Sequence[str], message: bytes, *, sender: str = SENDER) -> None:
    """Deliver in an ordinary transaction, and demand a positive reply for each recipient."""
    begin_for(peer, recipients, sender=sender)
    verify_reply(peer.data(), code=354)
    for reply in peer.send_text_lmtp(message, len(recipients)):
        verify_reply(reply, code="2yz")
