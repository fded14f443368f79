"""What the server says of mailboxes and itself: LIST, STATUS, CAPABILITY and so on (RFC 9051 §7)."""

from dataclasses import dataclass

from harness.wire.imap.cursor import Cursor, Tree
from harness.wire.imap.fetch import read_object_id
from harness.wire.imap.mailbox_names import decode_mailbox_name
from harness.wire.imap.sequences import SequenceSet, read_uid_set


@dataclass(frozen=True, slots=True)
class Capability:
    """`CAPABILITY`: what the server offers now (RFC 9051 §7.2.2)."""

    names: tuple[str, ...]
    """In the order sent, in upper case."""


@dataclass(frozen=True, slots=True)
class Enabled:
    """`ENABLED`: the extensions that ENABLE has turned on (RFC 9051 §7.2.1)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """`FLAGS`: the flags that apply in the selected mailbox (RFC 9051 §7.3.5)."""

    flags: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """`number EXISTS`: how many messages the mailbox holds (RFC 9051 §7.4.1)."""

    count: int


@dataclass(frozen=True, slots=True)
class Recent:
    """`number RECENT`: how many of them are recent (RFC 3501 §7.3.2)."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunge:
    """`number EXPUNGE`: the message is gone and those after it are renumbered at once (RFC 9051 §7.5.1)."""

    number: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """`VANISHED`: UIDs that are gone (RFC 7162 §3.2.10)."""

    uids: SequenceSet
    earlier: bool
    """They went before this session could know them; nothing is renumbered."""


@dataclass(frozen=True, slots=True)
class ListData:
    """`LIST`, or `LSUB`: one mailbox name (RFC 9051 §7.3.1)."""

    attributes: tuple[bytes, ...]
    delimiter: bytes | None
    """The hierarchy separator; None when there is no hierarchy."""
    mailbox: bytes
    """The name as sent, unquoted; INBOX in upper case."""
    extended: tuple[tuple[bytes, Tree], ...] = ()
    """Extended data items (RFC 5258 §6); tags in upper case."""
    subscribed: bool = False
    """It came as LSUB (RFC 3501 §7.2.3)."""

    @property
    def name(self) -> str:
        """The name in Unicode: out of modified UTF-7, or UTF-8 where 8-bit octets show that it is enabled."""
        return decode_mailbox_name(self.mailbox)

    def has(self, attribute: bytes) -> bool:
        """Whether the attribute is there; attributes have no case."""
        return attribute.lower() in (each.lower() for each in self.attributes)


@dataclass(frozen=True, slots=True)
class StatusData:
    """`STATUS`: the items that were asked for (RFC 9051 §7.3.4)."""

    mailbox: bytes
    messages: int | None = None
    recent: int | None = None
    uid_next: int | None = None
    uid_validity: int | None = None
    unseen: int | None = None
    deleted: int | None = None
    size: int | None = None
    highest_mod_seq: int | None = None
    mailbox_id: bytes | None = None
    others: tuple[tuple[bytes, Tree], ...] = ()

    @property
    def name(self) -> str:
        """The mailbox name in Unicode, as `ListData.name`."""
        return decode_mailbox_name(self.mailbox)


@dataclass(frozen=True, slots=True)
class NamespaceEntry:
    """One namespace: its prefix and separator (RFC 2342 §5)."""

    prefix: bytes
    delimiter: bytes | None
    extensions: tuple[tuple[bytes, tuple[bytes, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Namespaces:
    """`NAMESPACE`: personal, other users', shared (RFC 9051 §7.3.3); NIL is empty."""

    personal: tuple[NamespaceEntry, ...]
    other_users: tuple[NamespaceEntry, ...]
    shared: tuple[NamespaceEntry, ...]


@dataclass(frozen=True, slots=True)
class ServerId:
    """`ID`: what the server says of itself (RFC 2971 §3.2)."""

    fields: tuple[tuple[bytes, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class OtherData:
    """Data of an extension that we do not know."""

    name: bytes
    number: int | None
    arguments: tuple[Tree, ...]


def read_capabilities(cursor: Cursor) -> tuple[str, ...]:
    """What follows CAPABILITY, in the data and in the response code."""
    # capability-data = "CAPABILITY" *(SP capability) SP "IMAP4rev1" *(SP capability)       ; or "IMAP4rev2"
    # capability      = ("AUTH=" auth-type) / atom
    names = _read_names(cursor)
    if not {"IMAP4REV1", "IMAP4REV2"}.intersection(names):
        cursor.fail("a capability IMAP4rev1 or IMAP4rev2")
    return names


def read_enabled(cursor: Cursor) -> Enabled:
    """`enable-data = "ENABLED" *(SP capability)`."""
    return Enabled(_read_names(cursor))


def _read_names(cursor: Cursor) -> tuple[str, ...]:
    names = []
    while cursor.skip(b" "):
        names.append(cursor.word("a capability").decode("ascii"))
    return tuple(names)


def read_flags(cursor: Cursor) -> Flags:
    """`"FLAGS" SP flag-list`."""
    cursor.sp()
    return Flags(cursor.flag_list())


def read_list(cursor: Cursor, *, subscribed: bool = False) -> ListData:
    """`"LIST" SP mailbox-list`."""
    # mailbox-list    = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
    #                   [SP mbox-list-extended]
    cursor.sp()
    attributes = cursor.spaced(lambda: _read_attribute(cursor))
    cursor.sp()
    delimiter = _read_delimiter(cursor)
    cursor.sp()
    mailbox = cursor.mailbox()
    extended: tuple[tuple[bytes, Tree], ...] = ()
    if not subscribed and cursor.skip(b" "):
        # mbox-list-extended      = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"
        # mbox-list-extended-item = mbox-list-extended-item-tag SP tagged-ext-val
        extended = cursor.spaced(lambda: _read_extended_item(cursor))
    return ListData(attributes, delimiter, mailbox, extended, subscribed)


def _read_attribute(cursor: Cursor) -> bytes:
    # mbx-list-oflag  = "\Noinferiors" / ... / flag-extension          flag-extension = "\" atom
    if cursor.peek() != 0x5C:
        cursor.fail('a mailbox attribute, which begins with "\\"')
    return cursor.flag()


def _read_delimiter(cursor: Cursor) -> bytes | None:
    if cursor.nil():
        return None
    start = cursor.offset
    delimiter = cursor.quoted()
    if len(delimiter.decode("utf-8")) != 1:
        cursor.offset = start
        cursor.fail("a hierarchy separator of one QUOTED-CHAR, or NIL")
    return delimiter


def _read_extended_item(cursor: Cursor) -> tuple[bytes, Tree]:
    tag = cursor.astring("the tag of an extended data item").upper()
    cursor.sp()
    return tag, cursor.tree()


_STATUS_NUMBERS = {
    b"MESSAGES": "messages",
    b"RECENT": "recent",
    b"UNSEEN": "unseen",
    b"DELETED": "deleted",
}
_STATUS_NONZERO = {b"UIDNEXT": "uid_next", b"UIDVALIDITY": "uid_validity"}
_STATUS_NUMBERS64 = {b"SIZE": "size", b"HIGHESTMODSEQ": "highest_mod_seq"}


def read_mailbox_status(cursor: Cursor) -> StatusData:
    """`"STATUS" SP mailbox SP "(" [status-att-list] ")"`."""
    # status-att-val  = ("MESSAGES" SP number) / ("UIDNEXT" SP nz-number) / ("UIDVALIDITY" SP nz-number) /
    #                   ("UNSEEN" SP number) / ("DELETED" SP number) / ("SIZE" SP number64)
    # status-att-val  =/ "HIGHESTMODSEQ" SP mod-sequence-valzer       (RFC 7162 §7)
    #                 =/ "MAILBOXID" SP "(" objectid ")"              (RFC 8474 §7)
    cursor.sp()
    mailbox = cursor.mailbox()
    cursor.sp()
    numbers: dict[str, int] = {}
    mailbox_ids: list[bytes] = []
    others: list[tuple[bytes, Tree]] = []

    def item() -> None:
        name = cursor.word("a status item")
        cursor.sp()
        if name in _STATUS_NUMBERS:
            numbers[_STATUS_NUMBERS[name]] = cursor.number()
        elif name in _STATUS_NONZERO:
            numbers[_STATUS_NONZERO[name]] = cursor.nz_number()
        elif name in _STATUS_NUMBERS64:
            numbers[_STATUS_NUMBERS64[name]] = cursor.number64()
        elif name == b"MAILBOXID":
            mailbox_ids.append(read_object_id(cursor))
        else:
            others.append((name, cursor.tree()))

    cursor.spaced(item)
    return StatusData(
        mailbox, **numbers, mailbox_id=mailbox_ids[-1] if mailbox_ids else None, others=tuple(others)
    )


def read_namespaces(cursor: Cursor) -> Namespaces:
    """`namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace`."""
    kinds = []
    for _ in ("personal", "other users'", "shared"):
        cursor.sp()
        kinds.append(_read_namespace(cursor))
    return Namespaces(*kinds)


def _read_namespace(cursor: Cursor) -> tuple[NamespaceEntry, ...]:
    # namespace         = nil / "(" 1*namespace-descr ")"
    if cursor.nil():
        return ()
    cursor.expect(b"(", "a namespace or NIL")
    entries = [_read_namespace_entry(cursor)]
    while not cursor.skip(b")"):
        entries.append(_read_namespace_entry(cursor))
    return tuple(entries)


def _read_namespace_entry(cursor: Cursor) -> NamespaceEntry:
    # namespace-descr   = "(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [namespace-response-extensions] ")"
    # namespace-response-extension = SP string SP "(" string *(SP string) ")"
    cursor.expect(b"(", 'a namespace-descr ("(")')
    prefix = cursor.string("the prefix of a namespace")
    cursor.sp()
    delimiter = _read_delimiter(cursor)
    extensions = []
    while cursor.skip(b" "):
        name = cursor.string("the name of a namespace extension")
        cursor.sp()
        extensions.append((name, cursor.nonempty(cursor.string, "a string")))
    cursor.expect(b")", 'the namespace-descr\'s ")"')
    return NamespaceEntry(prefix, delimiter, tuple(extensions))


def read_id(cursor: Cursor) -> ServerId:
    """`id-response = "ID" SP id-params-list`; `"(" *(string SP nstring) ")" / nil` (RFC 2971 §4)."""
    cursor.sp()
    if cursor.nil():
        return ServerId(())

    def field() -> tuple[bytes, bytes | None]:
        name = cursor.string("the name of an ID field")
        cursor.sp()
        return name, cursor.nstring()

    return ServerId(cursor.spaced(field))


def read_vanished(cursor: Cursor) -> Vanished:
    """`expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids` (RFC 7162 §7)."""
    cursor.sp()
    earlier = cursor.octets[cursor.offset : cursor.offset + 10].upper() == b"(EARLIER) "
    if earlier:
        cursor.offset += 10
    return Vanished(read_uid_set(cursor), earlier)


def read_other(cursor: Cursor, name: bytes, number: int | None) -> OtherData:
    """Anything else, as a row of atoms, strings and lists."""
    arguments = []
    while cursor.skip(b" "):
        arguments.append(cursor.tree())
    return OtherData(name, number, tuple(arguments))
