"""FETCH: what the server says about one message (RFC 9051 §7.5.2, §9)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from harness.vocabulary.errors import LocalProtocolError
from harness.wire.imap.bodystructure import BodyStructure, read_body
from harness.wire.imap.cursor import Cursor, Tree
from harness.wire.imap.dates import read_date_time
from harness.wire.imap.envelope import Envelope, read_envelope

# section-part    = nz-number *("." nz-number)
# section-spec    = section-msgtext / (section-part ["." section-text])
# section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
# section-text    = section-msgtext / "MIME"
_PART = re.compile(rb"[1-9][0-9]*(?:\.[1-9][0-9]*)*")
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.$_-]*")
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")

_NO_SECTIONS: Mapping[bytes, bytes | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FetchData:
    """`number FETCH (...)`; what was not sent is None, so look at `names` where NIL differs from silence."""

    number: int
    """The message sequence number."""
    names: tuple[bytes, ...]
    """The data items in the order sent, sections in their canonical form: `FLAGS`, `BODY[1.TEXT]<0>`."""
    uid: int | None = None
    flags: tuple[bytes, ...] | None = None
    internal_date: datetime | None = None
    size: int | None = None
    """RFC822.SIZE."""
    envelope: Envelope | None = None
    body: BodyStructure | None = None
    """BODY without a section: the structure without extension data."""
    body_structure: BodyStructure | None = None
    sections: Mapping[bytes, bytes | None] = field(default_factory=lambda: _NO_SECTIONS)
    """BODY[...], BINARY[...], RFC822, RFC822.HEADER and RFC822.TEXT by canonical name."""
    binary_sizes: Mapping[bytes, int] = field(default_factory=lambda: MappingProxyType({}))
    """BINARY.SIZE[...] by canonical name."""
    mod_seq: int | None = None
    preview: bytes | None = None
    email_id: bytes | None = None
    thread_id: bytes | None = None
    save_date: datetime | None = None
    others: tuple[tuple[bytes, Tree], ...] = field(default=())
    """Items of extensions that we do not know."""

    def section(self, item: bytes | str) -> bytes | None:
        """The octets of `item`, said as in the request (`BODY.PEEK[TEXT]<0.10>`); None if NIL or not sent."""
        return self.sections.get(canonical_section(item))

    def has(self, item: bytes | str) -> bool:
        """Whether `item`, said as in the request, was sent, even as NIL."""
        return canonical_section(item) in self.names

    @property
    def message(self) -> bytes | None:
        """The whole message, if it was asked for as BODY[] or as RFC822."""
        return self.sections.get(b"BODY[]", self.sections.get(b"RFC822"))


def canonical_section(item: bytes | str) -> bytes:
    """The name under which `item` of a request is answered: upper case, no PEEK, of a partial the origin."""
    octets = item.encode("ascii") if isinstance(item, str) else item
    head, bracket, rest = octets.partition(b"[")
    name = head.upper().replace(b".PEEK", b"")
    if not bracket:
        return name
    spec, closed, partial = rest.rpartition(b"]")
    if not closed:
        raise LocalProtocolError(f"{octets!r} has no ]")
    origin = partial.partition(b".")[0].rstrip(b">") + b">" if partial else b""
    return name + b"[" + spec.upper().replace(b'"', b"") + b"]" + origin


def read_fetch(cursor: Cursor, number: int) -> FetchData:
    """Read `msg-att`, what follows `FETCH SP`."""
    # msg-att         = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
    reader = _ItemReader(cursor)
    cursor.nonempty(reader.read, "a message data item")
    return FetchData(number, tuple(reader.names), **reader.values)  # type: ignore[arg-type]


class _ItemReader:
    """Reads the items of one response and gathers the fields of `FetchData`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.names: list[bytes] = []
        self.values: dict[str, object] = {}
        self._sections: dict[bytes, bytes | None] = {}
        self._binary_sizes: dict[bytes, int] = {}
        self._others: list[tuple[bytes, Tree]] = []

    def read(self) -> None:
        """Read one item: its name, SP, and the value that the name demands."""
        cursor = self._cursor
        name = cursor.take(_NAME, "the name of a message data item").upper()
        if cursor.peek() == 0x5B and name in _WITH_SECTION:
            self._read_section(name)
            return
        self.names.append(name)
        cursor.sp()
        if (known := _ITEMS.get(name)) is not None:
            attribute, read = known
            self.values[attribute] = read(cursor)
        elif name in {b"RFC822", b"RFC822.HEADER", b"RFC822.TEXT"}:
            # "RFC822" [".HEADER" / ".TEXT"] SP nstring
            self._keep_section(name, cursor.nstring())
        else:
            self._others.append((name, cursor.tree()))
            self.values["others"] = tuple(self._others)

    def _read_section(self, name: bytes) -> None:
        # "BODY" section ["<" number ">"] SP nstring
        # "BINARY" section-binary ["<" number ">"] SP (nstring / literal8)     (RFC 3516 §6: with an origin)
        # "BINARY.SIZE" section-binary SP number
        cursor = self._cursor
        section = _read_section_spec(cursor) if name == b"BODY" else _read_section_binary(cursor)
        canonical = name + section
        if name != b"BINARY.SIZE" and cursor.skip(b"<"):
            canonical += b"<%d>" % cursor.number64("the origin of a partial")
            cursor.expect(b">", '">"')
        self.names.append(canonical)
        cursor.sp()
        if name == b"BINARY.SIZE":
            self._binary_sizes[canonical] = cursor.number()
            self.values["binary_sizes"] = MappingProxyType(self._binary_sizes)
        elif name == b"BINARY" and cursor.peek() == 0x7E:
            self._keep_section(canonical, cursor.literal8())
        else:
            self._keep_section(canonical, cursor.nstring())

    def _keep_section(self, canonical: bytes, octets: bytes | None) -> None:
        self._sections[canonical] = octets
        self.values["sections"] = MappingProxyType(self._sections)


def _read_section_spec(cursor: Cursor) -> bytes:
    # section         = "[" [section-spec] "]"
    cursor.expect(b"[", '"["')
    if cursor.skip(b"]"):
        return b"[]"
    spec = b""
    is_part = 0x30 <= cursor.peek() <= 0x39
    if is_part:
        spec = cursor.take(_PART, "a section-part")
        if cursor.skip(b"]"):
            return b"[" + spec + b"]"
        cursor.expect(b".", '"." or "]"')
        spec += b"."
    start = cursor.offset
    text = cursor.take(_NAME, "a section-text").upper()
    if text in {b"HEADER.FIELDS", b"HEADER.FIELDS.NOT"}:
        # header-list     = "(" header-fld-name *(SP header-fld-name) ")"       header-fld-name = astring
        cursor.sp()
        names = cursor.nonempty(cursor.astring, "a header field name")
        text += b" (" + b" ".join(name.upper() for name in names) + b")"
    elif text not in {b"HEADER", b"TEXT"} and not (is_part and text == b"MIME"):
        cursor.offset = start
        cursor.fail("HEADER, HEADER.FIELDS, TEXT or, after a part, MIME")
    cursor.expect(b"]", '"]"')
    return b"[" + spec + text + b"]"


def _read_section_binary(cursor: Cursor) -> bytes:
    # section-binary  = "[" [section-part] "]"
    cursor.expect(b"[", '"["')
    part = b"" if cursor.peek() == 0x5D else cursor.take(_PART, "a section-part")
    cursor.expect(b"]", '"]"')
    return b"[" + part + b"]"


def read_object_id(cursor: Cursor) -> bytes:
    """`"(" objectid ")"`, with objectid = 1*255(ALPHA / DIGIT / "_" / "-") (RFC 8474 §7)."""
    cursor.expect(b"(", '"("')
    object_id = cursor.take(_OBJECT_ID, "an objectid")
    cursor.expect(b")", '")"')
    return object_id


def _read_mod_seq(cursor: Cursor) -> int:
    # fetch-mod-resp  = "MODSEQ" SP "(" permsg-modsequence ")"       (RFC 7162 §7)
    cursor.expect(b"(", '"("')
    mod_seq = cursor.mod_sequence()
    cursor.expect(b")", '")"')
    return mod_seq


_WITH_SECTION = frozenset({b"BODY", b"BINARY", b"BINARY.SIZE"})

_ITEMS: dict[bytes, tuple[str, Callable[[Cursor], object]]] = {
    # "FLAGS" SP "(" [flag-fetch *(SP flag-fetch)] ")"        flag-fetch = flag / obsolete-flag-recent
    b"FLAGS": ("flags", Cursor.flag_list),
    b"UID": ("uid", lambda cursor: cursor.nz_number("a uniqueid")),
    b"INTERNALDATE": ("internal_date", read_date_time),
    b"RFC822.SIZE": ("size", Cursor.number64),
    b"ENVELOPE": ("envelope", read_envelope),
    b"BODY": ("body", lambda cursor: read_body(cursor, extensible=False)),
    b"BODYSTRUCTURE": ("body_structure", lambda cursor: read_body(cursor, extensible=True)),
    b"MODSEQ": ("mod_seq", _read_mod_seq),
    # "PREVIEW" SP nstring                                    (RFC 8970 §6)
    b"PREVIEW": ("preview", Cursor.nstring),
    # "EMAILID" SP "(" objectid ")"    "THREADID" SP ( "(" objectid ")" / nil )      (RFC 8474 §7)
    b"EMAILID": ("email_id", read_object_id),
    b"THREADID": ("thread_id", lambda cursor: None if cursor.nil() else read_object_id(cursor)),
    # "SAVEDATE" SP (date-time / nil)                         (RFC 8514 §4.3)
    b"SAVEDATE": ("save_date", lambda cursor: None if cursor.nil() else read_date_time(cursor)),
}
"""The items without a section: the field of `FetchData`, and how its value is read."""
