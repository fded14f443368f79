"""From one framed response to what it says: status, continuation request or data (RFC 9051 §7, §9).

The kind, the number and the name are read at once, since they cost little. The value of data is read when
it is first asked for: a load generator that only counts never pays for it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.imap import Condition
from harness.wire.imap.cursor import ATOM_CHAR, Cursor
from harness.wire.imap.fetch import FetchData, read_fetch
from harness.wire.imap.mailbox_data import (
    Capability,
    Enabled,
    Exists,
    Expunge,
    Flags,
    ListData,
    Namespaces,
    OtherData,
    Recent,
    ServerId,
    StatusData,
    Vanished,
    read_capabilities,
    read_enabled,
    read_flags,
    read_id,
    read_list,
    read_mailbox_status,
    read_namespaces,
    read_other,
    read_vanished,
)
from harness.wire.imap.search_data import (
    ESearch,
    SearchData,
    SortData,
    ThreadData,
    read_esearch,
    read_numbers,
    read_thread,
)
from harness.wire.imap.status import Status, read_status

Value = (
    Capability
    | Enabled
    | ESearch
    | Exists
    | Expunge
    | FetchData
    | Flags
    | ListData
    | Namespaces
    | OtherData
    | Recent
    | SearchData
    | ServerId
    | SortData
    | StatusData
    | ThreadData
    | Vanished
)
"""What data can say; `OtherData` is the kind of extensions that we do not know."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """`+ ...`: the server waits for the rest of a command (RFC 9051 §7.6)."""

    text: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """Untagged data: `* 12 FETCH (...)`, `* LIST ...`."""

    number: int | None
    name: bytes
    """Upper case."""
    octets: bytes
    offset: int = field(compare=False, repr=False)
    """Where in `octets` the name ends."""
    _memo: list[Value] = field(default_factory=list, compare=False, repr=False)

    @property
    def value(self) -> Value:
        """What the data say, read by the grammar; raises `RemoteProtocolError` where that forbids them."""
        if not self._memo:
            cursor = Cursor(self.octets, self.offset)
            value = _read_value(cursor, self.name, self.number)
            cursor.crlf()
            self._memo.append(value)
        return self._memo[0]


Response = Status | Continuation | Data

# response-data   = "*" SP (resp-cond-state / resp-cond-bye / mailbox-data / message-data /
#                   capability-data) CRLF
# mailbox-data    = ... / number SP "EXISTS" / ...          message-data = nz-number SP ("EXPUNGE" / ...)
_UNTAGGED = re.compile(rb"\* (?:([0-9]{1,10}) )?([A-Za-z][" + ATOM_CHAR + rb"]*)(?=[ \r])")

_CONDITIONS = {condition.value.encode(): condition for condition in Condition}
_TAGGED_CONDITIONS = {b"OK": Condition.OK, b"NO": Condition.NO, b"BAD": Condition.BAD}
_GREETINGS = frozenset({Condition.OK, Condition.PREAUTH, Condition.BYE})


def parse_response(octets: bytes) -> Response:
    """Read one framed response: all of a status or continuation, of data only the number and name."""
    found = _UNTAGGED.match(octets)
    if found is None:
        return _parse_tagged_or_continuation(octets)
    digits, name = found.groups()
    name = name.upper()
    if digits is None:
        condition = _CONDITIONS.get(name)
        if condition is not None:
            return read_status(Cursor(octets, found.end()), None, condition)
        return Data(None, name, octets, found.end())
    return Data(_message_number(octets, name), name, octets, found.end())


def parse_greeting(octets: bytes) -> Status:
    """Read `greeting = "*" SP (resp-cond-auth / resp-cond-bye) CRLF`."""
    # resp-cond-auth  = ("OK" / "PREAUTH") SP resp-text          resp-cond-bye = "BYE" SP resp-text
    response = parse_response(octets)
    if not isinstance(response, Status) or response.tag is not None or response.kind not in _GREETINGS:
        raise RemoteProtocolError("a greeting: * OK, * PREAUTH or * BYE", octets)
    return response


def _parse_tagged_or_continuation(octets: bytes) -> Status | Continuation:
    cursor = Cursor(octets)
    if cursor.skip(b"+"):
        # continue-req    = "+" SP (resp-text / base64) CRLF
        cursor.sp()
        text = cursor.text()
        cursor.crlf()
        return Continuation(text, octets)
    if cursor.skip(b"*"):
        cursor.sp()
        if 0x30 <= cursor.peek() <= 0x39:
            cursor.number()
            cursor.sp()
        cursor.atom("the name of a response")
        cursor.fail("SP or CRLF after the name of a response")
    # response-tagged = tag SP resp-cond-state CRLF
    # resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text
    tag = cursor.tag()
    cursor.sp()
    start = cursor.offset
    condition = _TAGGED_CONDITIONS.get(cursor.word("OK, NO or BAD"))
    if condition is None:
        cursor.offset = start
        cursor.fail("OK, NO or BAD")
    return read_status(cursor, tag, condition)


def _message_number(octets: bytes, name: bytes) -> int:
    # EXISTS and RECENT count (number); EXPUNGE and FETCH name a message (nz-number).
    cursor = Cursor(octets, 2)
    if name in {b"EXISTS", b"RECENT"}:
        return cursor.number()
    return cursor.nz_number("the number of a message")


def _read_value(cursor: Cursor, name: bytes, number: int | None) -> Value:
    if number is not None:
        match name:
            case b"FETCH":
                cursor.sp()
                return read_fetch(cursor, number)
            case b"EXISTS":
                return Exists(number)
            case b"RECENT":
                return Recent(number)
            case b"EXPUNGE":
                return Expunge(number)
    elif (reader := _READERS.get(name)) is not None:
        return reader(cursor)
    if name in _NUMBERED or name in _READERS:
        cursor.offset = 2
        cursor.fail("no number before this response" if number is not None else "the number of this response")
    return read_other(cursor, name, number)


_NUMBERED = frozenset({b"FETCH", b"EXISTS", b"RECENT", b"EXPUNGE"})

_READERS: dict[bytes, Callable[[Cursor], Value]] = {
    b"CAPABILITY": lambda cursor: Capability(read_capabilities(cursor)),
    b"ENABLED": read_enabled,
    b"ESEARCH": read_esearch,
    b"FLAGS": read_flags,
    b"ID": read_id,
    b"LIST": read_list,
    b"LSUB": lambda cursor: read_list(cursor, subscribed=True),
    b"NAMESPACE": read_namespaces,
    b"SEARCH": lambda cursor: SearchData(*read_numbers(cursor)),
    b"SORT": lambda cursor: SortData(*read_numbers(cursor)),
    b"STATUS": read_mailbox_status,
    b"THREAD": read_thread,
    b"VANISHED": read_vanished,
}
"""One reader for each kind of data without a number; a new kind is one line here."""
