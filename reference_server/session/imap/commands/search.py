"""SEARCH and UID SEARCH (RFC 3501 §6.4.4), with the results of ESEARCH (RFC 4731)."""

from collections.abc import Sequence
from typing import Final

from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.codec.imap.search_key import CHARSETS, UnknownCharset, read_search_program
from reference_server.codec.imap.sequence_set import encode_numbers
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.searching import Searcher
from reference_server.session.imap.session import ImapSession

_RESULTS: Final = frozenset((b"MIN", b"MAX", b"ALL", b"COUNT"))


@command("SEARCH", State.SELECTED, uid_form=True, holds_expunges=True)
async def search(session: ImapSession, call: Call) -> Answer:
    """Tell which messages match, by number or by UID."""
    reader = call.reader
    reader.sp()
    results = _read_results(reader)
    try:
        program = read_search_program(reader)
    except UnknownCharset:
        return no(b"The charset is not supported", b"BADCHARSET " + CHARSETS)
    searcher = Searcher(session)
    found: Sequence[int] = await searcher.run(program)
    if call.by_uid:
        found = searcher.uids(found)
    if results is None:
        words = b" ".join([b"%d" % number for number in found])
        session.say(b"SEARCH " + words if words else b"SEARCH")
    else:
        session.say(_extended(call, results, found))
    return b"OK SEARCH completed"


def _read_results(reader: CommandReader) -> frozenset[bytes] | None:
    """Read `"RETURN" SP "(" [options] ")" SP`; None if it is not there."""
    if reader.text[reader.at : reader.at + 8].upper() != b"RETURN (":
        return None
    reader.at += 8
    results: set[bytes] = set()
    if not reader.follows(b")"):
        results.add(reader.keyword())
        while reader.skip(b" "):
            results.add(reader.keyword())
    reader.expect(b")")
    reader.sp()
    if not results <= _RESULTS:
        raise Garbled(b"Unknown result option of SEARCH")
    return frozenset(results or (b"ALL",))


def _extended(call: Call, results: frozenset[bytes], found: Sequence[int]) -> bytes:
    """Return the ESEARCH response; of an empty result only COUNT is told (RFC 4731 §3.1)."""
    words = [b'ESEARCH (TAG "%s")' % call.tag]
    if call.by_uid:
        words.append(b"UID")
    if found and b"MIN" in results:
        words.append(b"MIN %d" % found[0])
    if found and b"MAX" in results:
        words.append(b"MAX %d" % found[-1])
    if found and b"ALL" in results:
        words.append(b"ALL " + encode_numbers(found))
    if b"COUNT" in results:
        words.append(b"COUNT %d" % len(found))
    return b" ".join(words)
