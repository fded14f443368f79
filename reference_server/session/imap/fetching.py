"""Answering FETCH: from the arrays of the mailbox where they hold the answer, else message by message.

Both write in slices, so that a FETCH of 100,000 messages neither fills the memory nor keeps others waiting.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from reference_server.codec.imap import encode
from reference_server.codec.imap.dates import format_date_time
from reference_server.codec.imap.fetch_att import FetchItem, Item, Section, Text
from reference_server.codec.imap.section import extract
from reference_server.codec.mime.bodystructure import encode_body_structure
from reference_server.codec.mime.envelope import encode_envelope
from reference_server.codec.mime.header import body_offset
from reference_server.codec.mime.structure import Part, parse_structure
from reference_server.session.base import Commit
from reference_server.session.imap.selected import Selected
from reference_server.store.changes import StoreFlags, StoreMode
from reference_server.store.flags import SEEN
from reference_server.store.values import Message

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession

_SLICE_MESSAGES: Final = 2000
"""So many answers from the arrays are written at once; a few milliseconds of work."""
_SLICE_SEEN: Final = 100
"""So many messages get their `\\Seen` in one change."""
_SLICE_OCTETS: Final = 65_536
FLAGS_ONLY: Final[tuple[FetchItem, ...]] = (Item.FLAGS,)
UID_AND_FLAGS: Final[tuple[FetchItem, ...]] = (Item.UID, Item.FLAGS)
_FROM_ARRAYS: Final = frozenset((Item.UID, Item.FLAGS, Item.INTERNALDATE, Item.SIZE))


async def answer(session: "ImapSession", numbers: Sequence[int], items: Sequence[FetchItem]) -> None:
    """Write a FETCH response for every message."""
    selected = session.chosen
    if Item.FLAGS in items:
        selected.announce_keywords(session.outbox)
    if _FROM_ARRAYS.issuperset(items):
        await _answer_from_arrays(session, numbers, items)
        return
    marks_seen = not selected.read_only and any(
        isinstance(item, Section) and item.sets_seen for item in items
    )
    for start in range(0, len(numbers), _SLICE_SEEN):
        if start:
            await session.flush()
        part = numbers[start : start + _SLICE_SEEN]
        seen_now = await _mark_seen(selected, part) if marks_seen else frozenset[int]()
        for number in part:
            _answer_one(session, number, items, tell_flags=number in seen_now)
            if len(session.outbox) > _SLICE_OCTETS:
                await session.flush()


async def _mark_seen(selected: Selected, numbers: Sequence[int]) -> frozenset[int]:
    r"""Set `\Seen` where it is missing; the numbers of those messages (RFC 3501 §6.4.5)."""
    view = selected.view
    unseen = [number for number in numbers if not view.message(number).flags & SEEN]
    if not unseen:
        return frozenset()
    uids = selected.uids_of(unseen)
    await Commit(StoreFlags(selected.mailbox_id, uids, StoreMode.ADD, ("\\Seen",), by=view))
    return frozenset(unseen)


# -- from the arrays -----------------------------------------------------------------------------------------


async def _answer_from_arrays(
    session: "ImapSession", numbers: Sequence[int], items: Sequence[FetchItem]
) -> None:
    selected = session.chosen
    if len(numbers) == 1:
        _write_messages(selected, [(numbers[0], selected.view.message(numbers[0]))], items, session.outbox)
        return
    for start in range(0, len(numbers), _SLICE_MESSAGES):
        if start:
            await session.flush()
        part = numbers[start : start + _SLICE_MESSAGES]
        view = selected.view
        if view.holds_expunged:
            _write_messages(
                selected, [(number, view.message(number)) for number in part], items, session.outbox
            )
        else:
            _write_columns(selected, part, items, session.outbox)


def _write_messages(
    selected: Selected,
    messages: Sequence[tuple[int, Message]],
    items: Sequence[FetchItem],
    out: bytearray,
) -> None:
    for number, message in messages:
        words = [_word(selected, message, item) for item in items]
        out += b"* %d FETCH (%s)\r\n" % (number, b" ".join(words))


def _word(selected: Selected, message: Message, item: FetchItem) -> bytes:
    """Return one item that needs no octets of the message."""
    if item is Item.FLAGS:
        return b"FLAGS " + selected.flags(message.flags, message.uid)
    if item is Item.UID:
        return b"UID %d" % message.uid
    if item is Item.SIZE:
        return b"RFC822.SIZE %d" % message.size
    return b"INTERNALDATE " + format_date_time(message.internal_date, message.zone_min)


def _write_columns(
    selected: Selected, numbers: Sequence[int], items: Sequence[FetchItem], out: bytearray
) -> None:
    """Write many answers with one format for all and one column for every item."""
    columns = selected.view.mailbox.columns
    indices = range(numbers[0] - 1, numbers[-1])
    solid = len(indices) == len(numbers)

    def pick(column: Sequence[int]) -> Sequence[int]:
        if solid:
            return column[indices.start : indices.stop]
        return [column[number - 1] for number in numbers]

    words: list[bytes] = []
    values: list[Iterable[int | bytes]] = [numbers]
    for item in items:
        if item is Item.UID:
            words.append(b"UID %d")
            values.append(pick(columns.uids))
        elif item is Item.SIZE:
            words.append(b"RFC822.SIZE %d")
            values.append(pick(columns.sizes))
        elif item is Item.FLAGS:
            words.append(b"FLAGS %b")
            values.append(_flag_words(selected, pick(columns.flags), pick(columns.uids)))
        else:
            words.append(b"INTERNALDATE %b")
            dates = zip(pick(columns.internal_dates), pick(columns.zones_min), strict=True)
            values.append([format_date_time(seconds, zone) for seconds, zone in dates])
    line = b"* %d FETCH (" + b" ".join(words) + b")\r\n"
    out += b"".join([line % row for row in zip(*values, strict=True)])


def _flag_words(selected: Selected, masks: Sequence[int], uids: Sequence[int]) -> list[bytes]:
    if selected.view.recent:
        return [selected.flags(mask, uid) for mask, uid in zip(masks, uids, strict=True)]
    texts = {mask: b"(%s)" % selected.flags_text(mask) for mask in set(masks)}
    return [texts[mask] for mask in masks]


# -- message by message --------------------------------------------------------------------------------------


class _Content:
    """A message's octets and structure, read when an item needs them and not before."""

    __slots__ = ("_message", "_octets", "_selected", "_session", "_structure")

    def __init__(self, session: "ImapSession", message: Message) -> None:
        self._session = session
        self._selected = session.chosen
        self._message = message
        self._octets: bytes | None = None
        self._structure: Part | None = None

    def octets(self) -> bytes:
        """Return the whole message."""
        if self._octets is None:
            kept = self._selected.kept
            if kept is not None and kept[0] == self._message.message_id:
                self._octets = kept[1]
            else:
                self._octets = self._session.store.octets(self._message.message_id)
        return self._octets

    def header(self) -> bytes:
        """Return the header; the rest is not read for it."""
        if self._octets is not None:
            return self._octets[: body_offset(self._octets)]
        return self._session.store.header(self._message.message_id)

    def structure(self) -> Part:
        """Return the tree of parts."""
        if self._structure is None:
            self._structure = parse_structure(self.octets())
        return self._structure

    def section(self, section: Section) -> bytes:
        """Return a section as it is written."""
        if not section.part and section.text in _HEADER_ONLY and self._octets is None:
            found = extract(self.header(), section, self.structure)
        else:
            found = extract(self.octets(), section, self.structure)
            if section.partial is not None and len(self.octets()) > _SLICE_OCTETS:
                self._selected.kept = (self._message.message_id, self.octets())
            elif self._selected.kept is not None:
                self._selected.kept = None
        return b"NIL" if found is None else encode.literal(found)


_HEADER_ONLY: Final = (Text.HEADER, Text.FIELDS, Text.FIELDS_NOT)


def _answer_one(session: "ImapSession", number: int, items: Sequence[FetchItem], *, tell_flags: bool) -> None:
    r"""Write one response; `tell_flags` adds FLAGS, because `\Seen` is new (RFC 3501 §6.4.5)."""
    selected = session.chosen
    message = selected.view.message(number)
    content = _Content(session, message)
    words: list[bytes] = []
    for item in items:
        if isinstance(item, Section):
            words.append(item.label + b" " + content.section(item))
        elif item in _FROM_ARRAYS:
            words.append(_word(selected, message, item))
        elif item is Item.ENVELOPE:
            header = content.header()
            words.append(b"ENVELOPE " + encode_envelope(header, 0, len(header)))
        else:
            extended = item is Item.BODYSTRUCTURE
            written = encode_body_structure(content.octets(), content.structure(), extended=extended)
            words.append((b"BODYSTRUCTURE " if extended else b"BODY ") + written)
    if tell_flags and Item.FLAGS not in items:
        words.append(_word(selected, message, Item.FLAGS))
    session.outbox += b"* %d FETCH (%s)\r\n" % (number, b" ".join(words))
