"""FETCH and UID FETCH (RFC 3501 §6.4.5, §6.4.8)."""

from functools import lru_cache

from reference_server.codec.imap.fetch_att import FetchItem, Item, read_fetch_items
from reference_server.codec.imap.lexer import CommandReader
from reference_server.codec.imap.sequence_set import read_sequence_set
from reference_server.session.imap import fetching
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession

_USUAL_OCTETS = 1024
"""Longer commands are not worth remembering: 256 of the longest would take half a gigabyte."""


@command("FETCH", State.SELECTED, uid_form=True, holds_expunges=True)
async def fetch(session: ImapSession, call: Call) -> Answer:
    """Send what is asked of every message in the set; UID FETCH always with the UID."""
    reader = call.reader
    reader.sp()
    sequence_set = read_sequence_set(reader)
    reader.sp()
    items = _read_items(reader)
    if call.by_uid and Item.UID not in items:
        items = (Item.UID, *items)
    numbers = session.chosen.numbers(sequence_set, by_uid=call.by_uid)
    if numbers:
        await fetching.answer(session, numbers, items)
    return b"OK FETCH completed"


def _read_items(reader: CommandReader) -> tuple[FetchItem, ...]:
    """Read the items to the end; clients send the same few lists over and over."""
    if not reader.literals and len(reader.text) <= _USUAL_OCTETS:
        items = _parse(reader.text[reader.at :])
        reader.at = len(reader.text)
        return items
    items = read_fetch_items(reader)
    reader.end()
    return items


@lru_cache(maxsize=256)
def _parse(text: bytes) -> tuple[FetchItem, ...]:
    reader = CommandReader(text, [])
    items = read_fetch_items(reader)
    reader.end()
    return items
