"""What STAT, LIST, UIDL and CAPA list, and POP3's command lines."""

import pytest

from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.wire.pop3 import (
    DropListing,
    Response,
    encode_command,
    parse_capabilities,
    parse_drop_listing,
    parse_scan_listings,
    parse_unique_ids,
)


def single(text: bytes, *, ok: bool = True) -> Response:
    return Response(ok, text, None, b"+OK " + text + b"\r\n")


def multi(*lines: bytes) -> Response:
    return Response(True, b"", lines, b"")


def test_drop_listing() -> None:
    assert parse_drop_listing(single(b"2 320")) == DropListing(2, 320)
    assert parse_drop_listing(single(b"0 0 and more")) == (0, 0)


@pytest.mark.parametrize("text", [b"", b"2", b"2  320", b" 2 320", b"two 320", b"2 -320", b"-2 320"])
def test_a_broken_drop_listing_is_refused(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="nn mm"):
        parse_drop_listing(single(text))


def test_a_refused_stat_is_a_breach() -> None:
    with pytest.raises(RemoteProtocolError):
        parse_drop_listing(single(b"1 2", ok=False))


def test_scan_listings() -> None:
    assert parse_scan_listings(multi()) == {}
    assert parse_scan_listings(multi(b"1 120", b"3 200 more")) == {1: 120, 3: 200}


@pytest.mark.parametrize("lines", [(b"1",), (b"1  120",), (b"a 1",), (b"1 120", b"1 120"), (b"",)])
def test_broken_scan_listings_are_refused(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(RemoteProtocolError, match="scan listing"):
        parse_scan_listings(multi(*lines))


def test_unique_ids() -> None:
    assert parse_unique_ids(multi(b"1 whqtswO00WBw418f9t5JxYwZ", b"2 " + 70 * b"~")) == {
        1: b"whqtswO00WBw418f9t5JxYwZ",
        2: 70 * b"~",
    }


@pytest.mark.parametrize("line", [b"1", b"1 ", b"1 a b", b"1 " + 71 * b"a", b"1 \xe9", b"x a"])
def test_a_broken_unique_id_listing_is_refused(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="unique-id listing"):
        parse_unique_ids(multi(line))


def test_a_list_that_is_refused_is_a_breach() -> None:
    with pytest.raises(RemoteProtocolError, match="scan listing"):
        parse_scan_listings(single(b"no", ok=False))


def test_the_example_of_rfc_2449() -> None:
    response = parse_capabilities(multi(b"TOP", b"sasl CRAM-MD5 KERBEROS_V4", b"EXPIRE 60", b"TOP again"))
    assert response.capabilities == {"TOP": "", "SASL": "CRAM-MD5 KERBEROS_V4", "EXPIRE": "60"}
    assert response.malformed == ()


@pytest.mark.parametrize("line", [b"", b"A.B", b"SASL ", b"SASL  PLAIN", b" TOP", b"X " + 509 * b"x"])
def test_a_line_that_is_no_capability_is_set_aside(line: bytes) -> None:
    response = parse_capabilities(multi(b"UIDL", line))
    assert response.capabilities == {"UIDL": ""}
    assert response.malformed == (line,)


def test_commands() -> None:
    assert encode_command("TOP", 1, 0) == b"TOP 1 0\r\n"
    with pytest.raises(LocalProtocolError, match="one line"):
        encode_command("PASS", "a\r\nDELE 1")
