"""The program of SEARCH (RFC 3501 §6.4.4 and §9, `search-key`), read into a small tree of bounded depth."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from reference_server.codec.imap.dates import parse_date
from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.codec.imap.sequence_set import SequenceSet, read_sequence_set

MAX_DEPTH: Final = 64
"""How deep parentheses, NOT and OR may stand within each other."""
MAX_KEYS: Final = 4000
"""How many keys one program may have."""


class Compare(Enum):
    """How a date or a size is compared."""

    BEFORE = auto()
    """Earlier than, or smaller than."""
    ON = auto()
    SINCE = auto()
    """On or after."""
    LARGER = auto()


class Where(Enum):
    """Which text of a message is looked through."""

    HEADER = auto()
    """One header field."""
    BODY = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class All:
    """Every message."""


@dataclass(frozen=True, slots=True)
class HasFlag:
    """A system flag or keyword is set."""

    flag: bytes


@dataclass(frozen=True, slots=True)
class IsRecent:
    r"""The session has `\Recent` for the message."""


@dataclass(frozen=True, slots=True)
class InNumbers:
    """The message number is in the set."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class InUids:
    """The UID is in the set."""

    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class InternalDay:
    """The internal date, disregarding time and zone."""

    compare: Compare
    day: int
    """Days since the epoch."""


@dataclass(frozen=True, slots=True)
class SentDay:
    """The Date field, disregarding time and zone."""

    compare: Compare
    day: int


@dataclass(frozen=True, slots=True)
class Size:
    """The size in octets: LARGER or BEFORE (smaller)."""

    compare: Compare
    octets: int


@dataclass(frozen=True, slots=True)
class Contains:
    """Some text of the message contains `text`, whatever the case."""

    where: Where
    text: str
    field: bytes = b""
    """Name of the header field, in lower case."""


@dataclass(frozen=True, slots=True)
class Not:
    """The key does not hold."""

    key: "Key"


@dataclass(frozen=True, slots=True)
class Or:
    """One of the two holds."""

    left: "Key"
    right: "Key"


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    keys: "tuple[Key, ...]"


Key = All | HasFlag | IsRecent | InNumbers | InUids | InternalDay | SentDay | Size | Contains | Not | Or | And


class UnknownCharset(Exception):
    """The strings are in a charset that is not known: the answer is NO with BADCHARSET (RFC 3501 §6.4.4)."""


@dataclass(slots=True)
class _Program:
    """What the reading of one program needs beside the reader."""

    reader: CommandReader
    charset: str
    keys: int = 0

    def text(self) -> str:
        """Read one string in the program's charset."""
        octets = self.reader.astring()
        try:
            return octets.decode(self.charset)
        except UnicodeDecodeError:
            if self.charset == "ascii":
                # without CHARSET it is US-ASCII; clients that send UTF-8 mean that (RFC 9051 §6.4.4)
                try:
                    return octets.decode("utf-8")
                except UnicodeDecodeError:
                    pass
            raise Garbled(b"A string is not in the charset of the SEARCH") from None


_CHARSETS: Final = {b"US-ASCII": "ascii", b"ASCII": "ascii", b"UTF-8": "utf-8"}
CHARSETS: Final = b"(US-ASCII UTF-8)"
"""What BADCHARSET offers."""

_FIXED: Final[dict[bytes, Key]] = {
    b"ALL": All(),
    b"RECENT": IsRecent(),
    b"OLD": Not(IsRecent()),
    b"NEW": And((IsRecent(), Not(HasFlag(b"\\Seen")))),
    **{
        flag.upper(): HasFlag(b"\\" + flag)
        for flag in (b"Answered", b"Deleted", b"Draft", b"Flagged", b"Seen")
    },
    **{
        b"UN" + flag.upper(): Not(HasFlag(b"\\" + flag))
        for flag in (b"Answered", b"Deleted", b"Draft", b"Flagged", b"Seen")
    },
}


def read_search_program(reader: CommandReader) -> Key:
    """Read `["CHARSET" SP astring SP] search-key *(SP search-key)` to the end of the command."""
    charset = "ascii"
    if reader.text[reader.at : reader.at + 8].upper() == b"CHARSET ":
        reader.at += 8
        name = reader.astring().upper()
        reader.sp()
        if name not in _CHARSETS:
            raise UnknownCharset(name)
        charset = _CHARSETS[name]
    program = _Program(reader, charset)
    keys = [_read_key(program, 0)]
    while reader.skip(b" "):
        keys.append(_read_key(program, 0))
    reader.end()
    return keys[0] if len(keys) == 1 else And(tuple(keys))


def _read_key(program: _Program, depth: int) -> Key:
    reader = program.reader
    program.keys += 1
    if depth > MAX_DEPTH or program.keys > MAX_KEYS:
        raise Garbled(b"The search program is too deep or too long")
    if reader.skip(b"("):
        keys = [_read_key(program, depth + 1)]
        while reader.skip(b" "):
            keys.append(_read_key(program, depth + 1))
        reader.expect(b")")
        return keys[0] if len(keys) == 1 else And(tuple(keys))
    if reader.text[reader.at : reader.at + 1] in b"0123456789*" and not reader.ended():
        return InNumbers(read_sequence_set(reader))
    word = reader.keyword()
    fixed = _FIXED.get(word)
    if fixed is not None:
        return fixed
    if word == b"NOT":
        reader.sp()
        return Not(_read_key(program, depth + 1))
    if word == b"OR":
        reader.sp()
        left = _read_key(program, depth + 1)
        reader.sp()
        return Or(left, _read_key(program, depth + 1))
    read = _WITH_ARGUMENT.get(word)
    if read is None:
        raise Garbled(b"Unknown key of SEARCH")
    reader.sp()
    return read(program)


def _internal(compare: Compare) -> Callable[[_Program], Key]:
    return lambda program: InternalDay(compare, _read_date(program.reader))


def _sent(compare: Compare) -> Callable[[_Program], Key]:
    return lambda program: SentDay(compare, _read_date(program.reader))


def _size(compare: Compare) -> Callable[[_Program], Key]:
    return lambda program: Size(compare, program.reader.number())


def _field(name: bytes) -> Callable[[_Program], Key]:
    return lambda program: Contains(Where.HEADER, program.text(), name)


def _read_header(program: _Program) -> Key:
    name = program.reader.astring().lower()
    program.reader.sp()
    return Contains(Where.HEADER, program.text(), name)


def _read_date(reader: CommandReader) -> int:
    """Read `date-text`, with or without double quotes."""
    return parse_date(reader.date_quoted() if reader.follows(b'"') else reader.atom())


_WITH_ARGUMENT: Final[dict[bytes, Callable[[_Program], Key]]] = {
    b"BCC": _field(b"bcc"),
    b"BEFORE": _internal(Compare.BEFORE),
    b"BODY": lambda program: Contains(Where.BODY, program.text()),
    b"CC": _field(b"cc"),
    b"FROM": _field(b"from"),
    b"HEADER": _read_header,
    b"KEYWORD": lambda program: HasFlag(program.reader.atom()),
    b"LARGER": _size(Compare.LARGER),
    b"ON": _internal(Compare.ON),
    b"SENTBEFORE": _sent(Compare.BEFORE),
    b"SENTON": _sent(Compare.ON),
    b"SENTSINCE": _sent(Compare.SINCE),
    b"SINCE": _internal(Compare.SINCE),
    b"SMALLER": _size(Compare.BEFORE),
    b"SUBJECT": _field(b"subject"),
    b"TEXT": lambda program: Contains(Where.TEXT, program.text()),
    b"TO": _field(b"to"),
    b"UID": lambda program: InUids(read_sequence_set(program.reader)),
    b"UNKEYWORD": lambda program: Not(HasFlag(program.reader.atom())),
}
