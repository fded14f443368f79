"""What FETCH asks for (RFC 3501 §6.4.5 and §9, `fetch-att`)."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from reference_server.codec.imap import encode
from reference_server.codec.imap.lexer import CommandReader, Garbled

_MAX_PART_DEPTH: Final = 100
"""Deeper part numbers than the MIME reader goes are refused."""
_MAX_ITEMS: Final = 1000


class Item(Enum):
    """The items that are named by one word."""

    UID = auto()
    FLAGS = auto()
    INTERNALDATE = auto()
    SIZE = auto()
    ENVELOPE = auto()
    BODY = auto()
    BODYSTRUCTURE = auto()


class Text(Enum):
    """Which octets of a part `BODY[...]` means."""

    WHOLE = auto()
    """The message, or the body of the part."""
    HEADER = auto()
    FIELDS = auto()
    FIELDS_NOT = auto()
    TEXT = auto()
    MIME = auto()


@dataclass(frozen=True, slots=True)
class Section:
    """`BODY[section]<partial>` or one of the RFC822 items, which mean the same."""

    label: bytes
    """The name in the response, as in `BODY[HEADER]<0>`."""
    part: tuple[int, ...] = ()
    text: Text = Text.WHOLE
    fields: tuple[bytes, ...] = ()
    """Field names of HEADER.FIELDS, in lower case."""
    partial: tuple[int, int] | None = None
    """First octet and number of octets."""
    sets_seen: bool = False


FetchItem = Item | Section

_WORDS: Final[dict[bytes, FetchItem]] = {
    b"UID": Item.UID,
    b"FLAGS": Item.FLAGS,
    b"INTERNALDATE": Item.INTERNALDATE,
    b"RFC822.SIZE": Item.SIZE,
    b"ENVELOPE": Item.ENVELOPE,
    b"BODY": Item.BODY,
    b"BODYSTRUCTURE": Item.BODYSTRUCTURE,
    b"RFC822": Section(b"RFC822", sets_seen=True),
    b"RFC822.HEADER": Section(b"RFC822.HEADER", text=Text.HEADER),
    b"RFC822.TEXT": Section(b"RFC822.TEXT", text=Text.TEXT, sets_seen=True),
}
_FAST: Final = (Item.FLAGS, Item.INTERNALDATE, Item.SIZE)
_MACROS: Final[dict[bytes, tuple[FetchItem, ...]]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Item.ENVELOPE),
    b"FULL": (*_FAST, Item.ENVELOPE, Item.BODY),
}
_SECTION_TEXTS: Final = {
    b"HEADER": Text.HEADER,
    b"HEADER.FIELDS": Text.FIELDS,
    b"HEADER.FIELDS.NOT": Text.FIELDS_NOT,
    b"TEXT": Text.TEXT,
    b"MIME": Text.MIME,
}


def read_fetch_items(reader: CommandReader) -> tuple[FetchItem, ...]:
    """Read the second argument of FETCH: a macro, one item, or a list of items; each item once."""
    if not reader.skip(b"("):
        return _read_item(reader, macros=True)
    items = dict.fromkeys(_read_item(reader, macros=False))
    while reader.skip(b" "):
        items[_read_item(reader, macros=False)[0]] = None
        if len(items) > _MAX_ITEMS:
            raise Garbled(b"Too many items")
    reader.expect(b")")
    return tuple(items)


def _read_item(reader: CommandReader, *, macros: bool) -> tuple[FetchItem, ...]:
    # "[" is no atom-special, so that the word is read up to it by hand
    start = reader.at
    text = reader.text
    end = start
    while end < len(text) and (text[end : end + 1].isalnum() or text[end : end + 1] == b"."):
        end += 1
    word = text[start:end].upper()
    reader.at = end
    if reader.skip(b"["):
        if word not in (b"BODY", b"BODY.PEEK"):
            raise Garbled(b"Only BODY and BODY.PEEK take a section")
        return (_read_section(reader, sets_seen=word == b"BODY"),)
    item = _WORDS.get(word)
    if item is not None:
        return (item,)
    if macros and word in _MACROS:
        return _MACROS[word]
    raise Garbled(b"Unknown item of FETCH")


def _read_section(reader: CommandReader, *, sets_seen: bool) -> Section:
    """Read `section-spec "]" ["<" number "." nz-number ">"]`."""
    part: list[int] = []
    text = Text.WHOLE
    names: tuple[bytes, ...] = ()
    label = b""
    if not reader.follows(b"]"):
        while reader.text[reader.at : reader.at + 1].isdigit():
            part.append(reader.nz_number())
            if len(part) > _MAX_PART_DEPTH:
                raise Garbled(b"The part number is too deep")
            if not reader.skip(b"."):
                break
        else:
            text, label, names = _read_section_text(reader, nested=bool(part))
    numbers = b".".join(b"%d" % number for number in part)
    label = b"BODY[" + (numbers + b"." + label if numbers and label else numbers or label) + b"]"
    reader.expect(b"]")
    partial = None
    if reader.skip(b"<"):
        first = reader.number()
        reader.expect(b".")
        partial = (first, reader.nz_number())
        reader.expect(b">")
        label += b"<%d>" % first
    return Section(label, tuple(part), text, tuple(name.lower() for name in names), partial, sets_seen)


def _read_section_text(reader: CommandReader, *, nested: bool) -> tuple[Text, bytes, tuple[bytes, ...]]:
    """Read `section-msgtext`, or MIME, which belongs to a part only."""
    start = reader.at
    text = reader.text
    end = start
    while end < len(text) and (text[end : end + 1].isalpha() or text[end : end + 1] == b"."):
        end += 1
    word = text[start:end].upper()
    reader.at = end
    kind = _SECTION_TEXTS.get(word)
    if kind is None or (kind is Text.MIME and not nested):
        raise Garbled(b"Unknown section of BODY")
    if kind not in (Text.FIELDS, Text.FIELDS_NOT):
        return kind, word, ()
    reader.sp()
    reader.expect(b"(")
    names = [reader.astring()]
    while reader.skip(b" "):
        names.append(reader.astring())
    reader.expect(b")")
    label = word + b" (" + b" ".join(encode.astring(name) for name in names) + b")"
    return kind, label, tuple(names)
