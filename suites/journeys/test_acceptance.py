from collections import Counter
from contextlib import ExitStack

from hypothesis import strategies as st

from harness.clients.smtp import SmtpClient
from harness.conformance import (
    MAY,
    MUST_NOT,
    Need,
    given,
    inconclusive,
    observe,
    requirement,
    verify,
    verify_equal,
    verify_reply,
)
from harness.strategies import addresses, messages
from harness.targets import Target
from harness.targets.findings import WrongMail
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import dot_stuff

_SENDER = "stranger@client.mailproof.test"
_CONNECTIONS = 4


def _invite(peer: SmtpClient, *recipients: str) -> None:
    """Bring a transaction to the point where the text is due; a refusal by policy says nothing here."""
    replies = [peer.mail(_SENDER), *map(peer.rcpt, recipients), peer.data()]
    for reply in replies:
        if not reply.is_positive:
            inconclusive(f"an ordinary transaction is refused: {reply}")


@requirement(
    "rfc5321/6.1/accepted-arrives-once",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^(Message-ID: <number-)3\.", rb"\g<1>2."),
)
@given(rounds=st.integers(1, 6))
def test_what_was_accepted_arrives_once(target: Target, rounds: int) -> None:
    """Of messages that end at the same time on four connections, each that is acknowledged arrives, once."""
    word = messages.unique_id()
    with target.fresh_mailbox() as mailbox, ExitStack() as stack:
        peers = [stack.enter_context(target.smtp()) for _ in range(_CONNECTIONS)]
        acknowledged = []
        for turn in range(rounds):
            for peer in peers:
                _invite(peer, mailbox.address)
            identifiers = [
                b"<number-%d.%b@mailproof.test>" % (turn * _CONNECTIONS + place, word.encode())
                for place in range(_CONNECTIONS)
            ]
            for peer, identifier in zip(peers, identifiers, strict=True):
                peer.stream.send(dot_stuff(messages.compose(message_id=identifier)))
            replies = [peer.read_reply() for peer in peers]
            acknowledged += [
                identifier
                for identifier, reply in zip(identifiers, replies, strict=True)
                if reply.is_positive
            ]
        stored = mailbox.messages(len(acknowledged))
        mailbox.expect_none(beside=len(acknowledged))
        arrived = Counter(message.field(b"Message-ID") for message in stored)
        verify_equal(
            "the messages that arrived, and how often",
            expected=sorted((identifier, 1) for identifier in acknowledged),
            actual=sorted((identifier or b"", count) for identifier, count in arrived.items()),
        )


@requirement(
    "rfc5321/4.1.1.3/recipient-named-twice",
    level=MAY,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("mda-duplicates-kept"),
)
def test_a_recipient_may_be_named_twice(target: Target) -> None:
    """Who is named twice gets the message once or twice, as the server likes."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        _invite(peer, mailbox.address, mailbox.address)
        verify_reply(peer.send_text(messages.compose()), code="2yz")
        mailbox.messages(1)
        try:
            mailbox.expect_none(beside=1)
        except WrongMail:
            mailbox.expect_none(beside=2)
        copies = sum(b"fence-" not in message.header for message in mailbox.messages(1))
        observe("copies for a recipient who is named twice", copies)


@requirement(
    "rfc5321/2.3.11/detail",
    level=MAY,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^RCPT TO:<([^+>@]*)\+[^>@]*@", rb"RCPT TO:<\1-nobody@"),
)
@given(detail=addresses.details())
def test_a_local_part_may_have_a_detail(target: Target, detail: str) -> None:
    """Whether user+detail is user, as RFC 5233 describes it, is for the server to say."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        user, _, domain = mailbox.address.rpartition("@")
        verify_reply(peer.mail(_SENDER), code=250)
        reply = peer.rcpt(f"{user}+{detail}@{domain}")
        observe("reply to RCPT with a detail", reply.code)
        if reply.is_positive:
            verify_reply(peer.data(), code=354)
            verify_reply(peer.send_text(messages.compose()), code="2yz")
            mailbox.only_message()
        else:
            verify(reply.code // 100 in {4, 5}, expected="a reply to RCPT", actual=reply.octets)
