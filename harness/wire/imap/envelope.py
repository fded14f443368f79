"""ENVELOPE: the header's structure as the server reads it (RFC 9051 §7.5.2, §9)."""

from dataclasses import dataclass

from harness.wire.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Address:
    """One address, or the beginning or end of a group."""

    name: bytes | None
    """The display name (`addr-name`)."""
    route: bytes | None
    """The source route of old (`addr-adl`)."""
    mailbox: bytes | None
    """The local part; the group's name where `host` is NIL; NIL at a group's end."""
    host: bytes | None
    """The domain; NIL marks group syntax."""

    @property
    def begins_group(self) -> bool:
        """Whether the addresses that follow belong to the group `mailbox`."""
        return self.host is None and self.mailbox is not None

    @property
    def ends_group(self) -> bool:
        """Whether a group ends here."""
        return self.host is None and self.mailbox is None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The ten fields in the order in which they are sent; an absent address list is empty."""

    date: bytes | None
    subject: bytes | None
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    in_reply_to: bytes | None
    message_id: bytes | None


def read_envelope(cursor: Cursor) -> Envelope:
    """Read `envelope`."""
    # envelope        = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
    #                   env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
    # env-date        = nstring       env-subject    = nstring
    # env-in-reply-to = nstring       env-message-id = nstring
    cursor.expect(b"(", 'an envelope ("(")')
    date = cursor.nstring("env-date")
    cursor.sp()
    subject = cursor.nstring("env-subject")
    lists = []
    for _ in ("from", "sender", "reply-to", "to", "cc", "bcc"):
        cursor.sp()
        lists.append(_read_addresses(cursor))
    cursor.sp()
    in_reply_to = cursor.nstring("env-in-reply-to")
    cursor.sp()
    message_id = cursor.nstring("env-message-id")
    cursor.expect(b")", 'the envelope\'s ")"')
    from_, sender, reply_to, to, cc, bcc = lists
    return Envelope(date, subject, from_, sender, reply_to, to, cc, bcc, in_reply_to, message_id)


def _read_addresses(cursor: Cursor) -> tuple[Address, ...]:
    # env-from        = "(" 1*address ")" / nil           and the same for the other five
    if cursor.nil():
        return ()
    cursor.expect(b"(", "a list of addresses or NIL")
    addresses = [_read_address(cursor)]
    while not cursor.skip(b")"):
        addresses.append(_read_address(cursor))
    return tuple(addresses)


def _read_address(cursor: Cursor) -> Address:
    # address         = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
    cursor.expect(b"(", 'an address ("(")')
    name = cursor.nstring("addr-name")
    cursor.sp()
    route = cursor.nstring("addr-adl")
    cursor.sp()
    mailbox = cursor.nstring("addr-mailbox")
    cursor.sp()
    host = cursor.nstring("addr-host")
    cursor.expect(b")", 'the address\'s ")"')
    return Address(name, route, mailbox, host)
