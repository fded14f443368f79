import re
from collections.abc import Sequence

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    SHOULD,
    Need,
    given,
    requirement,
    verify,
    verify_equal,
)
from harness.strategies import addresses
from harness.targets import StoredMessage, Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.wire.message import find_fields
from suites.rfc5321.steps import note, send

# date-time without the obs- forms (RFC 5322 §3.3); CFWS, as a comment, may follow.
_DATE_TIME = (
    rb"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), *)?[0-9]{1,2} +[A-Z][a-z]{2} +[0-9]{4,} +"
    rb"[0-9]{2}:[0-9]{2}(?::[0-9]{2})? +[+-][0-9]{4}(?: *\([^()]*\))*"
)
# Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time            ; RFC 5321 §4.4
_STAMP = re.compile(rb"(?is)from\s+\S+.*\sby\s+\S+.*;\s*(?-i:" + _DATE_TIME + rb")\s*")
_OURS = b"old.mailproof.test"


def received(stored: StoredMessage) -> list[bytes]:
    """The values of the Received fields, from the top."""
    return [field.value for field in find_fields(stored.fields, "Received")]


@requirement(
    "rfc5321/4.4/received-inserted",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("mta-received-missing"),
    also=("rfc2505/2.2/received-prepended",),
)
@given(sender=st.just("") | addresses.simple_mailboxes())
def test_a_received_line_comes_on_top(target: Target, sender: str) -> None:
    """The stored message has a Received field above those that it was sent with."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(), sender=sender)
        stored = mailbox.only_message()
        names = [field.name.lower() for field in stored.fields]
        verify(
            b"received" in names[: names.index(b"from")],
            expected="a Received field above the header that was sent",
            actual=stored.header,
        )


@requirement(
    "rfc5321/4.4/received-form",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^(Received: from [^;]*;\s*)\w{3}, ", rb"\1the "),
)
@given(name=addresses.domains())
def test_a_received_line_has_its_form(target: Target, name: str) -> None:
    """A Received field says from whom, by whom, and after a semicolon when."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        peer.ehlo(name)
        send(peer, mailbox.address, note())
        for value in received(mailbox.only_message()):
            verify(
                _STAMP.fullmatch(value),
                expected='"from" host, "by" host, ";" and a date with four digits of the year and an offset',
                actual=value,
            )


@requirement(
    "rfc5321/4.4/received-names-the-client",
    level=SHOULD,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^Received: from \S+", b"Received: from unknown"),
)
@given(name=addresses.domains())
def test_a_received_line_names_the_client(target: Target, name: str) -> None:
    """The from clause has the name that EHLO gave, and the address of the connection as a literal."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        peer.ehlo(name)
        send(peer, mailbox.address, note())
        values = received(mailbox.only_message())
        clauses = [re.split(rb"\sby\s", value, maxsplit=1)[0] for value in values]
        verify(
            any(
                re.match(rb"(?i)from\s+%b\b.*\[[^\]]+\]" % re.escape(name.encode()), clause)
                for clause in clauses
            ),
            expected=f"from {name} (... [address])",
            actual=values,
        )


@requirement(
    "rfc5321/4.4/received-kept",
    level=MUST_NOT,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^Received: from old\.mailproof\.test", b"Received: from old"),
    also=("rfc2505/2.2.2/received-kept-intact",),
)
@given(hosts=st.lists(addresses.domains(), min_size=1, max_size=4))
def test_received_lines_are_left_as_they_are(target: Target, hosts: Sequence[str]) -> None:
    """The Received fields of a message stay as and where they are, below the new one."""
    old = [
        b"from %b (%b [192.0.2.1])\r\n\tby %b with SMTP id %d;\r\n\tThu, 1 Jan 2026 12:00:%02d +0000"
        % (_OURS, host.encode(), host.encode(), number, number)
        for number, host in enumerate(hosts)
    ]
    trace = b"".join(b"Received: " + value + b"\r\n" for value in old)
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, trace + note())
        stored = mailbox.only_message()
        fields = [field.octets for field in find_fields(stored.fields, "Received")]
        verify_equal(
            "the Received fields that were sent", expected=trace, actual=b"".join(fields[-len(old) :])
        )


@requirement(
    "rfc5321/4.4/return-path",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("mda-return-path-missing"),
)
@example(sender="")
@given(sender=st.just("") | addresses.simple_mailboxes())
def test_final_delivery_records_the_return_path(target: Target, sender: str) -> None:
    """The stored message has a Return-Path, once, with the reverse-path of MAIL, null or not."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(), sender=sender)
        fields = find_fields(mailbox.only_message().fields, "Return-Path")
        verify_equal(
            "Return-Path",
            expected=[b"<" + sender.encode() + b">"],
            actual=[field.value for field in fields],
        )
