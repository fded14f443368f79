"""Status responses and their response codes (RFC 9051 §7.1, RFC 5530)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.vocabulary.imap import Condition
from harness.wire.imap.cursor import Cursor
from harness.wire.imap.fetch import read_object_id
from harness.wire.imap.mailbox_data import read_capabilities
from harness.wire.imap.sequences import SequenceSet, read_sequence_set, read_uid_set


@dataclass(frozen=True, slots=True)
class AppendUid:
    """The argument of APPENDUID (RFC 9051 §7.1, RFC 4315 §3)."""

    uid_validity: int
    uids: SequenceSet
    """One UID; more with MULTIAPPEND."""

    @property
    def uid(self) -> int:
        """The first UID; the only one without MULTIAPPEND."""
        return next(iter(self.uids))


@dataclass(frozen=True, slots=True)
class CopyUid:
    """The arguments of COPYUID: the UIDs of `source`, one by one, became those of `destination`."""

    uid_validity: int
    source: SequenceSet
    destination: SequenceSet


CodeValue = int | tuple[bytes, ...] | tuple[str, ...] | SequenceSet | AppendUid | CopyUid | bytes | None


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """What stands in the brackets: a name in upper case, and its argument as sent and as read."""

    name: bytes
    argument: bytes | None = None
    """The octets after the name and SP; None when there are none."""
    value: CodeValue = None
    """The argument of a code that we know: a number, flags, capabilities, UIDs; None for any other."""

    @property
    def number(self) -> int | None:
        """The argument of a code that takes a number, as UIDNEXT does."""
        return self.value if isinstance(self.value, int) else None

    @property
    def flags(self) -> tuple[bytes, ...]:
        """The argument of PERMANENTFLAGS."""
        return (
            tuple(word for word in self.value if isinstance(word, bytes))
            if isinstance(self.value, tuple)
            else ()
        )

    @property
    def append_uid(self) -> AppendUid | None:
        """The argument of APPENDUID."""
        return self.value if isinstance(self.value, AppendUid) else None

    @property
    def copy_uid(self) -> CopyUid | None:
        """The argument of COPYUID."""
        return self.value if isinstance(self.value, CopyUid) else None


@dataclass(frozen=True, slots=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH; tagged when it completes a command."""

    tag: bytes | None
    kind: Condition
    code: ResponseCode | None
    text: bytes
    """For people; never compared."""
    octets: bytes


# The rule of last resort: atom [SP 1*<any TEXT-CHAR except "]">]
_ARGUMENT = re.compile(rb"[^\]\r\n\x00]+")
_CODE_AHEAD = re.compile(rb"\[[^\]\r\n]+\]")


def read_status(cursor: Cursor, tag: bytes | None, kind: Condition) -> Status:
    """Read `SP resp-text CRLF`, what follows the condition."""
    # resp-text       = ["[" resp-text-code "]" SP] [text]
    # RFC 3501 asks for a text of one octet at least; RFC 9051 lets it be empty. A text may begin with "["
    # too, but the code comes first among the alternatives, so that what has its brackets is one.
    cursor.sp()
    code = None
    if _CODE_AHEAD.match(cursor.octets, cursor.offset):
        cursor.offset += 1
        code = _read_code(cursor)
        cursor.expect(b"]", '"]"')
        cursor.sp()
    text = cursor.text()
    cursor.crlf()
    return Status(tag, kind, code, text, cursor.octets)


def _read_code(cursor: Cursor) -> ResponseCode:
    name = cursor.word("a response code")
    start = cursor.offset
    reader = _CODES.get(name)
    value: CodeValue = None
    if reader is not None:
        value = reader(cursor)
    elif cursor.skip(b" "):
        cursor.take(_ARGUMENT, "an argument of the response code")
    argument = cursor.octets[start : cursor.offset]
    return ResponseCode(name, argument[1:] if argument else None, value)


def _nz_number(cursor: Cursor) -> int:
    cursor.sp()
    return cursor.nz_number()


def _permanent_flags(cursor: Cursor) -> tuple[bytes, ...]:
    # "PERMANENTFLAGS" SP "(" [flag-perm *(SP flag-perm)] ")"
    cursor.sp()
    return cursor.spaced(cursor.flag_perm)


def _bad_charset(cursor: Cursor) -> tuple[bytes, ...]:
    # "BADCHARSET" [SP "(" astring *(SP astring) ")" ]
    return cursor.nonempty(cursor.astring, "a charset") if cursor.skip(b" ") else ()


def _append_uid(cursor: Cursor) -> AppendUid:
    # resp-code-apnd  = "APPENDUID" SP nz-number SP append-uid        append-uid = uniqueid / uid-set
    uid_validity = _nz_number(cursor)
    cursor.sp()
    return AppendUid(uid_validity, read_uid_set(cursor))


def _copy_uid(cursor: Cursor) -> CopyUid:
    # resp-code-copy  = "COPYUID" SP nz-number SP uid-set SP uid-set
    uid_validity = _nz_number(cursor)
    cursor.sp()
    source = read_uid_set(cursor)
    cursor.sp()
    start = cursor.offset
    destination = read_uid_set(cursor)
    if len(source) != len(destination):
        cursor.offset = start
        cursor.fail("as many UIDs in COPYUID's second set as in its first")
    return CopyUid(uid_validity, source, destination)


def _mod_sequence(cursor: Cursor) -> int:
    # "HIGHESTMODSEQ" SP mod-sequence-value       (RFC 7162 §7)
    cursor.sp()
    return cursor.mod_sequence()


def _modified(cursor: Cursor) -> SequenceSet:
    # "MODIFIED" SP sequence-set                  (RFC 7162 §7)
    cursor.sp()
    return read_sequence_set(cursor)


def _mailbox_id(cursor: Cursor) -> bytes:
    # "MAILBOXID" SP "(" objectid ")"             (RFC 8474 §7)
    cursor.sp()
    return read_object_id(cursor)


_CODES: dict[bytes, Callable[[Cursor], CodeValue]] = {
    b"CAPABILITY": read_capabilities,
    b"PERMANENTFLAGS": _permanent_flags,
    b"UIDNEXT": _nz_number,
    b"UIDVALIDITY": _nz_number,
    b"UNSEEN": _nz_number,
    b"BADCHARSET": _bad_charset,
    b"APPENDUID": _append_uid,
    b"COPYUID": _copy_uid,
    b"HIGHESTMODSEQ": _mod_sequence,
    b"MODIFIED": _modified,
    b"MAILBOXID": _mailbox_id,
}
"""The codes whose argument we read; all others keep it as octets."""
