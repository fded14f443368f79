"""Steps that many SMTP checks take before and after the one that they judge."""

from collections.abc import Iterable, Sequence

from harness.clients.smtp import SmtpClient
from harness.conformance import inconclusive, verify_refused, verify_reply
from harness.strategies import messages
from harness.wire.smtp import Reply

SENDER = "sender@client.mailproof.test"
"""A stranger, as every sender is to an MX; the domain is reserved for tests (RFC 6761 §6.2)."""


def begin(peer: SmtpClient, *recipients: str, sender: str = SENDER, parameters: Sequence[str] = ()) -> None:
    """Open an ordinary transaction; a server that refuses it, by policy, says nothing about the check."""
    replies = [("MAIL", peer.mail(sender, *parameters))]
    replies += [("RCPT", peer.rcpt(recipient)) for recipient in recipients]
    for verb, reply in replies:
        if reply.code // 100 != 2:
            inconclusive(f"an ordinary {verb} is refused: {reply}")


def finish(peer: SmtpClient, message: bytes, why: str = "") -> None:
    """Send the text of the open transaction, and demand that it is accepted."""
    verify_reply(peer.data(), code=354, why=why)
    verify_reply(peer.send_text(message), code="2yz", why=why)


def send(peer: SmtpClient, to: str, message: bytes, *, sender: str = SENDER, why: str = "") -> None:
    """Send a message in an ordinary transaction, and demand that it is accepted."""
    begin(peer, to, sender=sender)
    finish(peer, message, why)


def verify_no_transaction(peer: SmtpClient, recipient: str, why: str) -> None:
    """Show that there is no transaction, nor the recipients of one: neither RCPT nor DATA can go on."""
    verify_refused(peer.rcpt(recipient), why)
    verify_nothing_taken(peer, why)


def verify_nothing_taken(peer: SmtpClient, why: str) -> None:
    """Show that DATA leads to nothing: it is refused, or the text after it is (RFC 5321 §3.3)."""
    reply = peer.data()
    if reply.code == 354:
        reply = peer.send_text(note())
    verify_refused(reply, why)


def note(text: bytes = b"Hello.\r\n", *, extra: bytes = b"") -> bytes:
    """Compose a message of which only the text matters."""
    return messages.compose(text, extra=extra)


def codes(replies: Iterable[Reply]) -> list[int]:
    """Return the codes of several replies."""
    return [reply.code for reply in replies]
