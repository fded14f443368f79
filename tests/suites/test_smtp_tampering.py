import pytest

from harness.transport.tamper import Tamperer
from suites.rfc5321.tampering import Forged, LeakedRecipients


def opened(script: Forged | LeakedRecipients) -> Tamperer:
    """A tamperer on a connection whose server has greeted."""
    tamperer = script.open()
    assert tamperer.from_server(b"220 mail.example.test\r\n") == b"220 mail.example.test\r\n"
    return tamperer


def test_a_forged_reply_takes_the_place_of_the_servers_own() -> None:
    tamperer = opened(Forged(rb"VRFY", reply=b"250 yes\r\n"))
    assert tamperer.from_client(b"VRFY postmaster\r\n") == b"NOOP\r\n"
    assert tamperer.from_server(b"250 OK\r\n") == b"250 yes\r\n"


def test_without_a_reply_that_to_the_other_command_passes() -> None:
    tamperer = opened(Forged(rb"NOOP", instead=b"RSET"))
    assert tamperer.from_client(b"noop\r\n") == b"RSET\r\n"
    assert tamperer.from_server(b"250 reset\r\n") == b"250 reset\r\n"


def test_other_lines_of_a_group_keep_their_replies() -> None:
    tamperer = opened(Forged(rb"RCPT", reply=b"550 no\r\n"))
    sent = tamperer.from_client(b"MAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nDATA\r\n")
    assert sent == b"MAIL FROM:<>\r\nNOOP\r\nDATA\r\n"
    arrived = tamperer.from_server(b"250-sender\r\n250 OK\r\n250 noop\r\n503 no recipients\r\n")
    assert arrived == b"250-sender\r\n250 OK\r\n550 no\r\n503 no recipients\r\n"


def test_mail_text_is_no_command() -> None:
    tamperer = opened(Forged(rb"QUIT", reply=b"500 no\r\n"))
    assert tamperer.from_client(b"DATA\r\n") == b"DATA\r\n"
    assert tamperer.from_server(b"354 go on\r\n") == b"354 go on\r\n"
    for octets in (b"QUIT\r\nmore\r", b"\n.\r", b"\n"):
        assert tamperer.from_client(octets) == octets
    assert tamperer.from_server(b"250 taken\r\n") == b"250 taken\r\n"
    assert tamperer.from_client(b"QUIT\r\n") == b"NOOP\r\n"
    assert tamperer.from_server(b"250 OK\r\n") == b"500 no\r\n"


def test_the_first_lines_may_pass() -> None:
    tamperer = opened(Forged(rb"EHLO", skip=1))
    assert tamperer.from_client(b"EHLO a.test\r\n") == b"EHLO a.test\r\n"
    assert tamperer.from_client(b"EHLO a.test\r\n") == b"NOOP\r\n"


@pytest.mark.parametrize("greeting", [b"* OK ready\r\n", b"+OK ready\r\n"])
def test_other_protocols_pass_untouched(greeting: bytes) -> None:
    tamperer = Forged(rb"NOOP", reply=b"500 no\r\n").open()
    assert tamperer.from_server(greeting) == greeting
    assert tamperer.from_client(b"NOOP\r\n") == b"NOOP\r\n"
    assert tamperer.from_server(b"+OK\r\n") == b"+OK\r\n"


def test_the_first_recipient_leaks_into_the_second_transaction() -> None:
    tamperer = opened(LeakedRecipients())
    assert tamperer.from_client(b"RCPT TO:<a@b.test>\r\n") == b"RCPT TO:<a@b.test>\r\n"
    assert tamperer.from_client(b"DATA\r\n") == b"DATA\r\n"
    assert tamperer.from_client(b"RCPT TO:<c@d.test>\r\n") == b"RCPT TO:<c@d.test>\r\n"
    assert tamperer.from_client(b"DATA\r\n") == b"RCPT TO:<a@b.test>\r\nDATA\r\n"
    assert tamperer.from_server(b"250 hidden\r\n354 go on\r\n") == b"354 go on\r\n"
