"""Paths and mailboxes of the envelope (RFC 5321 §4.1.2, §4.1.3)."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.smtp.path import (
    Mailbox,
    PathError,
    address_literal,
    is_address_literal,
    is_domain,
    parse_forward_path,
    parse_mailbox,
    parse_reverse_path,
)

LABELS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
LITERALS = st.ip_addresses().map(lambda address: address_literal(str(address)))
LOCAL_PARTS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
MAILBOXES = st.builds(Mailbox, LOCAL_PARTS, DOMAINS | LITERALS)
ATOMS = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,8}", fullmatch=True)


@given(MAILBOXES)
def test_what_is_written_is_read(mailbox: Mailbox) -> None:
    octets = str(mailbox).encode("ascii")
    assert parse_mailbox(octets) == mailbox
    assert parse_forward_path(b"<" + octets + b"> rest") == (mailbox, len(octets) + 2)
    assert parse_reverse_path(b"FROM:<" + octets + b">", 5) == (mailbox, len(octets) + 7)


@given(st.lists(ATOMS, min_size=1, max_size=4).map(".".join), DOMAINS)
def test_a_dot_string_needs_no_quotes(local: str, domain: str) -> None:
    assert str(parse_mailbox(f"{local}@{domain}".encode())) == f"{local}@{domain}"


@given(st.lists(st.characters(min_codepoint=32, max_codepoint=126), max_size=20), DOMAINS)
def test_every_character_may_be_quoted(characters: list[str], domain: str) -> None:
    quoted = "".join("\\" + character for character in characters)
    assert parse_mailbox(f'"{quoted}"@{domain}'.encode()) == Mailbox("".join(characters), domain)


@given(st.lists(DOMAINS, min_size=1, max_size=3), MAILBOXES)
def test_a_source_route_is_read_and_ignored(route: list[str], mailbox: Mailbox) -> None:
    path = f"<{','.join('@' + domain for domain in route)}:{mailbox}>".encode()
    if len(path) <= 256:
        assert parse_forward_path(path) == (mailbox, len(path))


@given(st.binary(max_size=40))
def test_octets_are_a_path_or_refused(octets: bytes) -> None:
    try:
        mailbox, end = parse_reverse_path(b"<" + octets + b">")
    except PathError:
        return
    assert end <= len(octets) + 2
    assert mailbox is None or parse_mailbox(str(mailbox).encode("ascii")) == mailbox


def test_null_path_and_postmaster() -> None:
    assert parse_reverse_path(b"<>") == (None, 2)
    assert parse_forward_path(b"<PostMaster>") == (Mailbox("PostMaster", ""), 12)
    with pytest.raises(PathError):
        parse_forward_path(b"<>")
    with pytest.raises(PathError):
        parse_reverse_path(b"<Postmaster>")


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"alice@example.test",
        b"<alice@example.test",
        b"<alice@>",
        b"<@example.test>",
        b"<alice>",
        b"<a..b@example.test>",
        b"<a.@example.test>",
        b"<.a@example.test>",
        b"<a@example..test>",
        b"<a@.test>",
        b"<a@test.>",
        b"<a@-x.test>",
        b"<a@x-.test>",
        b"<a@under_score.test>",
        b"<a b@example.test>",
        b'<"a@example.test>',
        b'<"a"b@example.test>',
        b'<"a\x7f"@example.test>',
        b"<\xe9@example.test>",
        b"<\xc3\xa9@[\xc3\xa9]>",
        b"<a@\xc3\x84.test>",
        b"<a@[1.2.3]>",
        b"<a@[1.2.3.256]>",
        b"<a@[IPv6:1::2::3]>",
        b"<a@[IPv6:fe80::1%eth0]>",
        b"<a@[]>",
        b"<a@[1.2.3.4>",
        b"<@a.test:@b.test:c@d.test>",
        b"<@a.test,b@c.test>",
        b"<< a@b.test>>",
        b"<a@b.test\r\n>",
    ],
)
def test_what_is_no_path(path: bytes) -> None:
    with pytest.raises(PathError):
        parse_forward_path(path)


def test_sizes() -> None:
    """RFC 5321 §4.5.3.1.1 to §4.5.3.1.3."""
    assert parse_mailbox(b"a" * 64 + b"@b.test")
    with pytest.raises(PathError, match="local part too long"):
        parse_mailbox(b"a" * 65 + b"@b.test")
    domain = b"d" * 63 + b"." + b"d" * 63 + b"." + b"d" * 63
    longest = b"<" + b"a" * (254 - len(domain) - 1) + b"@" + domain + b">"
    assert len(longest) == 256
    assert parse_forward_path(longest)
    with pytest.raises(PathError, match="path too long"):
        parse_forward_path(b"<" + longest[1:-1] + b"d>")
    assert is_domain(b"a." * 127 + b"b")
    assert not is_domain(b"a." * 127 + b"bc")


@given(st.ip_addresses())
def test_address_literals(address: "ipaddress.IPv4Address | ipaddress.IPv6Address") -> None:
    assert is_address_literal(address_literal(str(address)).encode())


def test_other_literals() -> None:
    assert is_address_literal(b"[tag:content]")
    assert not is_address_literal(b"[192.0.2.1")
    assert not is_address_literal(b"192.0.2.1")
    assert not is_address_literal(b"[IPv6:192.0.2.1]")
