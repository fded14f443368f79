"""UTF-8 in mailboxes and domains (RFC 6531 §3.3), U-labels and A-labels (RFC 5890)."""

import pytest

from reference_server.codec.smtp.command import CharacterError, parse_command, parse_mail
from reference_server.codec.smtp.labels import a_labels, is_u_label
from reference_server.codec.smtp.path import Mailbox, PathError, parse_forward_path, parse_mailbox


@pytest.mark.parametrize(
    ("path", "mailbox"),
    [
        ("<\u6d4b\u8bd5@example.test>", Mailbox("\u6d4b\u8bd5", "example.test")),
        ("<a@\u4f8b\u3048.test>", Mailbox("a", "\u4f8b\u3048.test")),
        ('<"\u00e9"@example.test>', Mailbox("\u00e9", "example.test")),
        ('<"\u00e9 x"@example.test>', Mailbox("\u00e9 x", "example.test")),
        ("<a.\u00e9@m\u00fcnchen.example.test>", Mailbox("a.\u00e9", "m\u00fcnchen.example.test")),
        ("<@m\u00fcnchen.test:a@b.test>", Mailbox("a", "b.test")),
    ],
)
def test_paths(path: str, mailbox: Mailbox) -> None:
    octets = path.encode()
    assert parse_forward_path(octets) == (mailbox, len(octets))
    assert parse_mailbox(str(mailbox).encode()) == mailbox
    assert mailbox.is_ascii == str(mailbox).isascii()


@pytest.mark.parametrize(
    "octets",
    [
        b"<\xff@example.test>",
        b"<a@\xff.test>",
        b'<"\\\xc3\xa9"@example.test>',
        "<a@M\u00dcnchen.test>".encode(),
        "<a@mu\u0308nchen.test>".encode(),
        "<a@-\u00e9.test>".encode(),
        "<a@\u2603.test>".encode(),
        "<\u00e9@[192.0.2.256]>".encode(),
        ("<" + "\u00e9" * 33 + "@example.test>").encode(),
    ],
)
def test_what_is_no_path(octets: bytes) -> None:
    with pytest.raises(PathError):
        parse_forward_path(octets)


@pytest.mark.parametrize(
    ("label", "in_dns"),
    [
        ("b\u00fccher", "xn--bcher-kva"),
        ("stra\u00dfe", "xn--strae-oqa"),
        ("\u4f8b\u3048", "xn--r8jz45g"),
        ("B\u00fccher", "xn--bcher-kva"),
    ],
)
def test_a_labels(label: str, in_dns: str) -> None:
    """What RFC 3492 makes of a label, nothing mapped (RFC 5891 §4)."""
    assert is_u_label(label)
    assert a_labels(f"{label}.Test") == f"{in_dns}.Test"


@pytest.mark.parametrize(
    "label", ["plain", "\u0301x", "\u00fc-", "xn--\u00fc", "\u2160", "\u0640a", "a\u3002b", "\u00fc" * 60]
)
def test_what_is_no_u_label(label: str) -> None:
    assert not is_u_label(label)


def test_utf_8_is_in_commands_with_a_mailbox_only() -> None:
    line = "VRFY \u00e9".encode()
    assert parse_command(line) == (b"VRFY", "\u00e9".encode())
    assert parse_mail("FROM:<\u00e9@a.test> SMTPUTF8".encode()).parameters == {"SMTPUTF8": None}
    for line in (b"NOOP \xc3\xa9", b"MAIL FROM:<\xe9@a.test>", b"RCPT TO:<\xc3\xa9\0@a.test>", b"EXPN \x7f"):
        with pytest.raises(CharacterError):
            parse_command(line)
