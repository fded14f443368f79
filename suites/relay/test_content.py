from hypothesis import assume
from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    PROSE,
    SHOULD_NOT,
    Offers,
    given,
    inconclusive,
    requirement,
    verify,
    verify_equal,
)
from harness.peers.behaviour import hide, no_ehlo
from harness.strategies import addresses, messages, mime
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.wire.message import find_fields
from suites.journeys.content import fields_of, verify_intact
from suites.relay.steps import RELAYING, TOLD, mails_for, submitting, text_of

_MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
_EIGHT_BIT = "Grüße aus Köln\r\n".encode()


@requirement(
    "rfc5321/4.5.2/sender-stuffs-dots",
    level=PROSE,
    needs=RELAYING,
    refuted_by=Fault("relay-dots-unstuffed"),
)
@given(text=messages.text_lines(leading_dots=True, max_lines=8))
def test_leading_dots_survive_the_relay(target: Target, text: bytes) -> None:
    """The next hop gets back the lines that were sent, whatever they begin with."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.send(f"user@{domain}", message=sender.note(f"user@{domain}", text))
        _, mail = sender.demand_arrival([hop], domain, "its next hop accepts it")
        verify_equal("the text at the next hop", expected=text, actual=text_of(mail))


@requirement(
    "rfc5321/2.3.1/content-relayed",
    level=PROSE,
    needs=RELAYING,
    refuted_by=Fault("relay-lines-broken"),
)
@given(message=messages.conforming_messages(long=True) | mime.messages().map(lambda tree: tree.octets))
def test_content_survives_the_relay(target: Target, message: bytes) -> None:
    """The next hop gets the fields and the body of a message, with long lines or as a tree of parts."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.send(f"user@{domain}", message=message)
        _, mail = sender.demand_arrival([hop], domain, "its next hop accepts it")
        verify_intact(message, mail.octets)


@requirement(
    "rfc6152/3/none-for-old-hosts",
    level=PROSE,
    needs=TOLD | {Offers(Service.SUBMISSION, "8BITMIME")},
    refuted_by=Fault("relay-8bit-to-any-hop"),
)
@given(old=st.booleans(), text=messages.text_lines(utf8=True, max_lines=3))
def test_eight_bits_are_not_sent_to_who_has_seven(target: Target, old: bool, text: bytes) -> None:
    """Without 8BITMIME at the next hop the message is converted or returned, never sent as it is."""
    with (
        submitting(target) as sender,
        sender.outbound.next_hop(0, no_ehlo() if old else hide("8BITMIME", "SMTPUTF8")) as hop,
    ):
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        message = sender.note(f"user@{domain}", _EIGHT_BIT + text, extra=_MIME)
        sender.send(f"user@{domain}", message=message, parameters=["BODY=8BITMIME"])
        sender.await_(
            lambda: mails_for(hop, domain) or sender.notifications(domain), 2 * sender.patience_s, hop
        )
        for mail in mails_for(hop, domain):
            verify(mail.octets.isascii(), expected="octets of seven bits only", actual=mail.octets)
        if not mails_for(hop, domain) and not sender.notifications(domain):
            inconclusive("the message is neither relayed nor returned in time")


@requirement(
    "rfc5321/4.4/no-return-path-sent",
    level=SHOULD_NOT,
    needs=RELAYING,
    refuted_by=Fault("relay-return-path-sent"),
)
@given(text=messages.text_lines())
def test_mail_leaves_without_return_path(target: Target, text: bytes) -> None:
    """A message goes out without a Return-Path, which is for final delivery to add."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.send(f"user@{domain}", message=sender.note(f"user@{domain}", text))
        _, mail = sender.demand_arrival([hop], domain, "its next hop accepts it")
        paths = find_fields(fields_of(mail.octets), "Return-Path")
        verify(not paths, expected="no Return-Path field", actual=[field.octets for field in paths])


@requirement(
    "rfc5321/2.3.11/local-part-left-alone",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-local-part-lowered"),
)
@given(local_part=addresses.local_parts())
def test_local_parts_of_others_are_left_alone(target: Target, local_part: str) -> None:
    """The next hop is given the local part as it was submitted: only it knows what that means."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        reply = sender.hand_in(f"{local_part}@{domain}")
        # A submission server may refuse addresses for what they look like.
        assume(reply.is_positive)
        _, mail = sender.demand_arrival([hop], domain, "its next hop accepts it")
        verify_equal(
            "the recipient at the next hop", expected=(f"{local_part}@{domain}",), actual=mail.rcpt_tos
        )


@requirement(
    "rfc5321/2.3.1/envelope-sender-relayed",
    level=PROSE,
    needs=RELAYING,
    refuted_by=Rewrite.from_client(rb"^MAIL FROM:<[^>]+>", b"MAIL FROM:<>"),
)
@given(header_from=addresses.simple_mailboxes())
def test_the_envelope_sender_is_relayed(target: Target, header_from: str) -> None:
    """The next hop is given the reverse-path of MAIL, whatever the header says."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        message = messages.compose(sender=header_from, to=f"user@{domain}")
        sender.send(f"user@{domain}", message=message)
        _, mail = sender.demand_arrival([hop], domain, "its next hop accepts it")
        verify_equal("MAIL FROM at the next hop", expected=sender.mailbox.address, actual=mail.mail_from)
