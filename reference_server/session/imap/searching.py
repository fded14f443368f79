"""Running a SEARCH program: first what the arrays know, then what must be read, on ever fewer messages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from reference_server.codec.imap.search_key import (
    All,
    And,
    Compare,
    Contains,
    HasFlag,
    InNumbers,
    InternalDay,
    InUids,
    IsRecent,
    Key,
    Not,
    Or,
    SentDay,
    Size,
    Where,
)
from reference_server.codec.imap.sequence_set import SequenceSet, uids_to_indices
from reference_server.codec.mime.header import body_offset
from reference_server.codec.mime.structure import parse_structure
from reference_server.codec.mime.text import body_texts, field_texts, header_text
from reference_server.store.flags import flag_bits
from reference_server.store.mailbox import Columns
from reference_server.store.values import NO_DAY

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession

Indices = Sequence[int]
"""Ascending positions in the session's view, from 0."""

_BEYOND: Final = 1 << 64
_MESSAGES_PER_TURN: Final = 50
_OCTETS_PER_TURN: Final = 200_000
"""So much is read and looked through before the other sessions have a turn."""


class Searcher:
    """One SEARCH on the view as it was when the search began."""

    def __init__(self, session: "ImapSession") -> None:
        self._session = session
        self._view = session.chosen.view
        self._columns: Columns = self._view.columns()
        self._keywords = self._view.mailbox.keywords
        self._messages = 0
        self._octets = 0

    async def run(self, program: Key) -> list[int]:
        """Return the message numbers that match, ascending."""
        found = await self._filter(program, range(len(self._columns)))
        return [index + 1 for index in found]

    def uids(self, numbers: Sequence[int]) -> list[int]:
        """Return the UIDs of messages that were found."""
        uids = self._columns.uids
        return [uids[number - 1] for number in numbers]

    async def _filter(self, key: Key, among: Indices) -> Indices:
        """Return those of `among` for which the key holds; the program's depth bounds the recursion."""
        if not among:
            return among
        if isinstance(key, And):
            for part in sorted(key.keys, key=_cost):
                among = await self._filter(part, among)
            return among
        if isinstance(key, Or):
            left, right = sorted((key.left, key.right), key=_cost)
            found = await self._filter(left, among)
            others = await self._filter(right, _without(among, found))
            return sorted((*found, *others))
        if isinstance(key, Not):
            return _without(among, await self._filter(key.key, among))
        if isinstance(key, Contains):
            return await self._filter_by_text(key, among)
        return self._filter_by_arrays(key, among)

    def _filter_by_arrays(self, key: Key, among: Indices) -> Indices:
        columns = self._columns
        found: Indices = among
        match key:
            case All():
                pass
            case HasFlag(flag):
                bit = flag_bits((flag.decode("ascii"),), self._keywords)
                flags = columns.flags
                found = [index for index in among if flags[index] & bit] if bit else ()
            case IsRecent():
                uids = columns.uids
                is_recent = self._view.is_recent
                found = [index for index in among if is_recent(uids[index])] if self._view.recent else ()
            case InNumbers(numbers):
                found = _intersection(among, _existing(numbers, len(columns)))
            case InUids(uid_set):
                found = _intersection(among, uids_to_indices(uid_set, columns.uids))
            case Size(compare, octets):
                low, high = _bounds(compare, octets, 1)
                sizes = columns.sizes
                found = [index for index in among if low <= sizes[index] < high]
            case _:
                found = self._filter_by_day(key, among)
        return found

    def _filter_by_day(self, key: Key, among: Indices) -> Indices:
        if isinstance(key, SentDay):
            low, high = _bounds(key.compare, key.day, 1)
            days = self._columns.sent_days
            return [index for index in among if low <= days[index] < high and days[index] != NO_DAY]
        assert isinstance(key, InternalDay)
        # the day by the message's own zone (RFC 3501 §6.4.4: disregarding time and timezone)
        low, high = _bounds(key.compare, key.day, 86_400)
        seconds, zones = self._columns.internal_dates, self._columns.zones_min
        return [index for index in among if low <= seconds[index] + 60 * zones[index] < high]

    async def _filter_by_text(self, key: Contains, among: Indices) -> Indices:
        wanted = key.text.casefold()
        found: list[int] = []
        matches = {Where.HEADER: self._in_field, Where.BODY: self._in_body, Where.TEXT: self._in_text}[
            key.where
        ]
        for index in among:
            if matches(key, wanted, index):
                found.append(index)
            self._messages += 1
            if self._messages >= _MESSAGES_PER_TURN or self._octets >= _OCTETS_PER_TURN:
                self._messages = self._octets = 0
                await self._session.flush()
        return found

    def _in_field(self, key: Contains, wanted: str, index: int) -> bool:
        header = self._session.store.header(self._columns.message_ids[index])
        self._octets += len(header)
        if key.field not in header.lower():
            return False
        texts = field_texts(header, 0, len(header), key.field)
        return any(wanted in text.casefold() for text in texts)

    def _in_body(self, _: Contains, wanted: str, index: int) -> bool:
        if not wanted:
            return True
        octets = self._session.store.octets(self._columns.message_ids[index])
        self._octets += len(octets)
        return any(wanted in text.casefold() for text in body_texts(octets, parse_structure(octets)))

    def _in_text(self, key: Contains, wanted: str, index: int) -> bool:
        if not wanted:
            return True
        octets = self._session.store.octets(self._columns.message_ids[index])
        body = body_offset(octets)
        return wanted in header_text(octets, 0, body).casefold() or self._in_body(key, wanted, index)


def _cost(key: Key) -> int:
    """Return what is cheap to ask first: 0 for the arrays, 1 for headers, 2 for bodies."""
    match key:
        case And(keys):
            return max(map(_cost, keys))
        case Or(left, right):
            return max(_cost(left), _cost(right))
        case Not(inner):
            return _cost(inner)
        case Contains(where):
            return 1 if where is Where.HEADER else 2
    return 0


def _bounds(compare: Compare, value: int, unit: int) -> tuple[int, int]:
    """Return the lowest number that fits the key, and the lowest above it that does not."""
    first, after = value * unit, (value + 1) * unit
    return {
        Compare.BEFORE: (-_BEYOND, first),
        Compare.ON: (first, after),
        Compare.SINCE: (first, _BEYOND),
        Compare.LARGER: (after, _BEYOND),
    }[compare]


def _without(among: Indices, found: Indices) -> Indices:
    if not found:
        return among
    gone = set(found)
    return [index for index in among if index not in gone]


def _intersection(among: Indices, others: Indices) -> Indices:
    if isinstance(among, range) and among.step == 1:
        return [index for index in others if index in among]
    chosen = set(others)
    return [index for index in among if index in chosen]


def _existing(numbers: SequenceSet, count: int) -> Indices:
    """Return the positions of those numbers that exist; in SEARCH, others just do not match."""
    found: list[int] = []
    if count:
        for low, high in numbers.resolve(count):
            found.extend(range(low - 1, min(high, count)))
    return found
