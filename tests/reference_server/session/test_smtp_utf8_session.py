"""SMTPUTF8 (RFC 6531) in a session: who may use UTF-8 where, and what is said to the others."""

import pytest
from smtp_bench import bench, greeted

from reference_server.session.smtp.desk import Role

SENDER = "MAIL FROM:<jos\u00e9@m\u00fcnchen.test>".encode()
RECIPIENT = "RCPT TO:<alice+\u00e9@example.test>".encode()


@pytest.mark.parametrize(
    ("role", "secure", "protocol"),
    [(Role.MX, False, "UTF8SMTP"), (Role.MX, True, "UTF8SMTPS"), (Role.LMTP, False, "UTF8LMTP")],
)
def test_utf_8_in_the_envelope(role: Role, secure: bool, protocol: str) -> None:
    """RFC 6531 §4.3 has the words for the trace."""
    peer = greeted(role, secure=secure)
    assert peer.codes(
        SENDER + b" SMTPUTF8 BODY=8BITMIME",
        RECIPIENT + " ORCPT=utf-8;\u00e9@example.test".encode(),
        b"DATA",
    ) == [250, 250, 354]
    peer.send(b"x", b".")
    (taken,) = peer.taken
    envelope = taken.envelope
    assert (envelope.smtputf8, envelope.protocol) == (True, protocol)
    assert str(envelope.reverse_path) == "jos\u00e9@m\u00fcnchen.test"
    assert envelope.recipients[0].orcpt == "utf-8;\u00e9@example.test"


def test_without_the_parameter_addresses_are_ascii() -> None:
    """RFC 6531 §3.5: 550 and 553, with X.6.7."""
    peer = greeted()
    assert peer.send(SENDER).startswith(b"550 5.6.7 ")
    assert peer.codes(b"MAIL FROM:<>") == [250]
    assert peer.send(RECIPIENT).startswith(b"553 5.6.7 ")
    assert peer.codes("RCPT TO:<@\u00e9.test:alice@example.test>".encode(), b"DATA") == [553, 554]


def test_the_parameter_takes_no_value_and_is_for_mail() -> None:
    peer = greeted()
    assert peer.codes(b"MAIL FROM:<> SMTPUTF8=YES", b"MAIL FROM:<> SMTPUTF8 SMTPUTF8") == [501, 501]
    assert peer.codes(b"MAIL FROM:<> smtputf8", b"RCPT TO:<bob@example.test> SMTPUTF8") == [250, 555]


def test_a_helo_client_has_no_smtputf8() -> None:
    peer = bench()
    assert peer.codes(b"HELO a.test", SENDER + b" SMTPUTF8", SENDER) == [250, 555, 550]


@pytest.mark.parametrize(
    "line", [b"MAIL FROM:<\xe9@b.test> SMTPUTF8", "MAIL FROM:<a@\u00dc.test> SMTPUTF8".encode()]
)
def test_what_is_no_utf_8_or_no_domain(line: bytes) -> None:
    assert greeted().codes(line) == [501]


def test_the_name_of_a_client_is_ascii() -> None:
    """RFC 6531 §3.7.1."""
    assert bench().codes("EHLO m\u00fcnchen.test".encode()) == [501]


def test_replies_are_ascii() -> None:
    """RFC 6531 §3.7.4.2: UTF-8 stands in no reply that the client did not ask it for."""
    peer = greeted(Role.LMTP)
    said = peer.send(b"MAIL FROM:<> SMTPUTF8", RECIPIENT, b"DATA") + peer.send(b".")
    assert said.isascii()
