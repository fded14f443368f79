"""Postfix and Exim between two servers of ours: ours relays into them, and they relay into ours.

A message is handed in at the first server for three recipients. It finds the hop by MX and hands it over
under STARTTLS; the hop sends it on to the second server by the MX port, by submission under STARTTLS, and
by submission under TLS from the first octet, logged in. What poplib and imaplib read there is the message.
"""

import smtplib
from collections.abc import Callable
from contextlib import ExitStack

import foreign_mta
import pytest
from foreign import below_trace, free_port, reference_server
from foreign_mta import IMPLICIT, MX, STARTTLS, Mta, Onward

from harness.peers.dns import DnsResponder
from harness.targets.file import Account
from harness.vocabulary.services import Service

HOP_HOST, SECOND_HOST = "127.0.0.13", "127.0.0.12"
SENDER, PASSWORD = "alice@one.test", "secret"
MESSAGE = (
    b"From: <alice@one.test>\r\nTo: undisclosed-recipients:;\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@one.test>\r\nSubject: a long\r\n  and folded subject\r\nX-Empty:\r\n\r\n"
    b".\r\n..\r\n.leading dot\r\n\r\n \r\ntrailing space \r\n\xc3\xa4 8-bit\r\nFrom the start of a line\r\n"
    + b"x" * 990 + b"\r\n" + b"a line of text\r\n" * 3_000 + b"\r\n\r\n"
)  # fmt: skip
WAYS = {MX: b"ESMTPS", STARTTLS: b"ESMTPSA", IMPLICIT: b"ESMTPSA"}


@pytest.mark.parametrize("mta", [foreign_mta.postfix, foreign_mta.exim])
def test_mail_through_another_server(mta: Mta) -> None:
    port = free_port(HOP_HOST)
    with ExitStack() as stack:
        enter: Callable[..., object] = stack.enter_context
        dns = stack.enter_context(DnsResponder())
        for domain in WAYS:
            dns.add_zone(domain)
            dns.set(domain, "MX", f"10 hop.{MX}.")
        dns.set(f"hop.{MX}", "A", HOP_HOST)
        accounts = tuple(f"--account=carol@{domain}:{PASSWORD}" for domain in WAYS)
        names = tuple(f"--domain={domain}" for domain in ("example.test", "one.test", *WAYS))
        first = stack.enter_context(
            reference_server(
                *(f"--account={SENDER}:{PASSWORD}", "--domain=one.test", "--domain=example.test"),
                *("--hostname=mail.one.test", f"--resolver={dns.host}:{dns.port}", f"--relay-port={port}"),
            )
        )
        second = stack.enter_context(
            reference_server(f"--bind={SECOND_HOST}", "--hostname=mail.two.test", *names,
                             f"--account={SENDER}:{PASSWORD}", *accounts)
        )  # fmt: skip
        onward = Onward(
            SECOND_HOST, "mail.two.test", second.port(Service.SMTP), second.port(Service.SUBMISSION),
            second.port(Service.SUBMISSIONS), second.ca_file, SENDER, PASSWORD,
        )  # fmt: skip
        enter(foreign_mta.running(mta, HOP_HOST, port, onward))
        with smtplib.SMTP("127.0.0.1", first.port(Service.SUBMISSION), timeout=20) as client:
            client.starttls(context=first.context())
            client.login(SENDER, PASSWORD)
            client.sendmail(SENDER, [f"carol@{domain}" for domain in WAYS], MESSAGE, ["BODY=8BITMIME"])
        for domain, protocol in WAYS.items():
            address = f"carol@{domain}"
            (octets,) = second.wait_for(Account(address, address, PASSWORD), 1)
            assert below_trace(octets) == MESSAGE
            to_second, by_hop, to_first = trace_of(octets)
            assert b" with %b id " % protocol in to_second
            assert b"by hop.test" in by_hop
            assert b"mail.one.test" in by_hop
            assert b" with esmtps " in by_hop.lower()
            assert b" with ESMTPSA id " in to_first
        assert second.read(Account(SENDER, SENDER, PASSWORD)) == []


def trace_of(octets: bytes) -> list[bytes]:
    """Return the Received fields, unfolded, the latest first."""
    header = octets.partition(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ")
    return [line for line in header.split(b"\r\n") if line.startswith(b"Received: ")]


def test_trace_fields_are_unfolded() -> None:
    octets = b"Return-Path: <>\r\nReceived: from a\r\n\tby b;\r\n now\r\nSubject: x\r\n\r\nReceived: no\r\n"
    assert trace_of(octets) == [b"Received: from a by b; now"]
