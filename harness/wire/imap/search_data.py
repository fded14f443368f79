"""What searches find: SEARCH, SORT, THREAD, ESEARCH (RFC 3501 §7.2.5, RFC 5256 §4, RFC 9051 §7.3.4)."""

from dataclasses import dataclass

from harness.wire.imap.cursor import Cursor, Tree
from harness.wire.imap.sequences import SequenceSet, read_sequence_set


@dataclass(frozen=True, slots=True)
class SearchData:
    """`SEARCH`: the numbers that match (RFC 3501 §7.2.5)."""

    numbers: tuple[int, ...]
    mod_seq: int | None = None
    """The highest mod-sequence among them, if MODSEQ was searched for (RFC 7162 §3.1.5)."""


@dataclass(frozen=True, slots=True)
class SortData:
    """`SORT`: as SEARCH, but in the order asked for (RFC 5256 §4)."""

    numbers: tuple[int, ...]
    mod_seq: int | None = None


ThreadNode = int | tuple["ThreadNode", ...]


@dataclass(frozen=True, slots=True)
class ThreadData:
    """`THREAD`: `(2)(3 6 (4 23)(44 7 96))` as tuples within tuples (RFC 5256 §4)."""

    threads: tuple[tuple[ThreadNode, ...], ...]


@dataclass(frozen=True, slots=True)
class ESearch:
    """`ESEARCH`: the extended search result (RFC 9051 §7.3.4, RFC 4731 §3.1)."""

    tag: bytes | None
    """Of the command it answers (`search-correlator`)."""
    uid: bool
    """The numbers are UIDs."""
    min: int | None = None
    max: int | None = None
    all: SequenceSet | None = None
    count: int | None = None
    mod_seq: int | None = None
    others: tuple[tuple[bytes, Tree], ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The members of `all`, ascending within each range; empty when there is no ALL."""
        return () if self.all is None else tuple(self.all)


def read_numbers(cursor: Cursor) -> tuple[tuple[int, ...], int | None]:
    """What follows SEARCH and SORT; a trailing SP is an error."""
    # "SEARCH" *(SP nz-number)          "SORT" *(SP nz-number)
    # mailbox-data    =/ "SEARCH" [1*(SP nz-number) SP search-sort-mod-seq]        (RFC 7162 §7)
    # search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"
    numbers: list[int] = []
    while cursor.skip(b" "):
        if numbers and cursor.skip(b"("):
            if not cursor.skip_word(b"MODSEQ"):
                cursor.fail("MODSEQ")
            cursor.sp()
            mod_seq = cursor.mod_sequence()
            cursor.expect(b")", '")"')
            return tuple(numbers), mod_seq
        numbers.append(cursor.nz_number("a message number"))
    return tuple(numbers), None


def read_thread(cursor: Cursor) -> ThreadData:
    """`thread-data = "THREAD" [SP 1*thread-list]` (RFC 5256 §5)."""
    if not cursor.skip(b" "):
        return ThreadData(())
    threads = [_read_thread_list(cursor)]
    while cursor.peek() == 0x28:
        threads.append(_read_thread_list(cursor))
    return ThreadData(tuple(threads))


def _read_thread_list(cursor: Cursor) -> tuple[ThreadNode, ...]:
    # thread-list     = "(" (thread-members / thread-nested) ")"
    # thread-members  = nz-number *(SP nz-number) [SP thread-nested]
    # thread-nested   = 2*thread-list
    cursor.descend()
    cursor.expect(b"(", "a thread-list")
    nodes: list[ThreadNode] = []
    if cursor.peek() != 0x28:
        nodes.append(cursor.nz_number("a message number"))
        while cursor.skip(b" ") and cursor.peek() != 0x28:
            nodes.append(cursor.nz_number("a message number"))
    if cursor.peek() == 0x28:
        nodes += [_read_thread_list(cursor), _read_thread_list(cursor)]
        while cursor.peek() == 0x28:
            nodes.append(_read_thread_list(cursor))
    cursor.expect(b")", '")"')
    cursor.ascend()
    return tuple(nodes)


def read_esearch(cursor: Cursor) -> ESearch:
    """`esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`."""
    # search-correlator  = SP "(" "TAG" SP tag-string ")"
    # search-return-data = "MIN" SP nz-number / "MAX" SP nz-number / "ALL" SP sequence-set /
    #                      "COUNT" SP number / search-ret-data-ext
    tag = None
    if cursor.skip(b" ("):
        if not cursor.skip_word(b"TAG"):
            cursor.fail("TAG")
        cursor.sp()
        tag = cursor.astring("a tag-string")
        cursor.expect(b")", '")"')
    by_uid = False
    numbers: dict[str, int] = {}
    all_: SequenceSet | None = None
    others: list[tuple[bytes, Tree]] = []
    first = True
    while cursor.skip(b" "):
        name = cursor.word("a search return item")
        if first and name == b"UID":
            by_uid, first = True, False
            continue
        first = False
        cursor.sp()
        match name:
            case b"MIN" | b"MAX":
                numbers[name.decode().lower()] = cursor.nz_number()
            case b"COUNT":
                numbers["count"] = cursor.number()
            case b"ALL":
                all_ = read_sequence_set(cursor)
            case b"MODSEQ":
                numbers["mod_seq"] = cursor.mod_sequence()
            case _:
                others.append((name, cursor.tree()))
    return ESearch(tag, by_uid, all=all_, others=tuple(others), **numbers)
