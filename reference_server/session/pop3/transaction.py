"""The TRANSACTION state, and UPDATE at its end (RFC 1939 §5, §6)."""

from collections.abc import Callable
from typing import Final

from reference_server.codec import pop3
from reference_server.codec.pop3 import Command
from reference_server.session.base import Commit, Flush
from reference_server.session.pop3.capabilities import capabilities
from reference_server.session.pop3.conversation import Conversation
from reference_server.session.pop3.maildrop import Item, Maildrop
from reference_server.store.errors import StoreUnavailable

_NO_SUCH: Final = b"no such message"
_SLICE_LINES: Final = 5_000


async def transact(session: Conversation, maildrop: Maildrop) -> None:
    """Serve until QUIT, then delete what is marked; every other end deletes nothing."""
    while True:
        command = await session.next_command()
        arguments = command.arguments
        match command.keyword:
            case "QUIT" if not arguments:
                await _update(session, maildrop)
                return
            case "LIST" if not arguments:
                await _list_all(session, maildrop, _scan_listing)
            case "UIDL" if not arguments:
                await _list_all(session, maildrop, maildrop.unique_id)
            case _:
                _serve(session, maildrop, command)


def _serve(session: Conversation, maildrop: Maildrop, command: Command) -> None:
    handler = _HANDLERS.get(command.keyword)
    if handler is None:
        session.err(b"not a command of the TRANSACTION state")
        return
    count, serve = handler
    if len(command.arguments) != count or not all(map(bytes.isdigit, command.arguments)):
        session.err(b"%b takes %d numbers" % (command.keyword.encode("ascii"), count))
        return
    serve(session, maildrop, *map(int, command.arguments))


def _scan_listing(item: Item) -> int:
    return item.size


async def _list_all(
    session: Conversation, maildrop: Maildrop, value: Callable[[Item], int] | Callable[[Item], bytes]
) -> None:
    items = maildrop.items()
    session.ok(b"%d messages" % len(items))
    for start in range(0, len(items), _SLICE_LINES):
        part = items[start : start + _SLICE_LINES]
        session.outbox += b"".join(
            [pop3.scan_listing(number, value(item)) + pop3.CRLF for number, item in part]
        )
        if len(part) == _SLICE_LINES:
            await Flush()
    session.outbox += pop3.TERMINATOR


def _list_one(session: Conversation, maildrop: Maildrop, number: int) -> None:
    item = maildrop.item(number)
    if item is None:
        session.err(_NO_SUCH)
    else:
        session.ok(pop3.scan_listing(number, item.size))


def _uidl_one(session: Conversation, maildrop: Maildrop, number: int) -> None:
    item = maildrop.item(number)
    if item is None:
        session.err(_NO_SUCH)
    else:
        session.ok(pop3.scan_listing(number, maildrop.unique_id(item)))


def _stat(session: Conversation, maildrop: Maildrop) -> None:
    session.ok(b"%d %d" % maildrop.total())


def _retr(session: Conversation, maildrop: Maildrop, number: int) -> None:
    octets = _read(session, maildrop, number)
    if octets is not None:
        session.ok_octets(b"%d octets" % pop3.transmitted_size(octets), octets)


def _top(session: Conversation, maildrop: Maildrop, number: int, lines: int) -> None:
    octets = _read(session, maildrop, number)
    if octets is not None:
        session.ok_octets(b"top of message follows", pop3.top(octets, lines))


def _read(session: Conversation, maildrop: Maildrop, number: int) -> bytes | None:
    """Return a message; None if that was answered with -ERR."""
    item = maildrop.item(number)
    if item is None:
        session.err(_NO_SUCH)
        return None
    try:
        return maildrop.octets(item)
    except StoreUnavailable:
        session.err(b"[SYS/TEMP] the message cannot be read now, try again later")
        return None


def _dele(session: Conversation, maildrop: Maildrop, number: int) -> None:
    if maildrop.item(number) is None:
        session.err(_NO_SUCH)
    else:
        maildrop.mark(number)
        session.ok(b"message %d marked" % number)


def _rset(session: Conversation, maildrop: Maildrop) -> None:
    maildrop.unmark_all()
    session.ok(b"maildrop has %d messages (%d octets)" % maildrop.total())


def _noop(session: Conversation, _maildrop: Maildrop) -> None:
    session.ok()


def _capa(session: Conversation, _maildrop: Maildrop) -> None:
    session.ok_lines(b"capability list follows", capabilities(session, authorized=True))


_HANDLERS: Final[dict[str, tuple[int, Callable[..., None]]]] = {
    "STAT": (0, _stat),
    "LIST": (1, _list_one),
    "UIDL": (1, _uidl_one),
    "RETR": (1, _retr),
    "TOP": (2, _top),
    "DELE": (1, _dele),
    "RSET": (0, _rset),
    "NOOP": (0, _noop),
    "CAPA": (0, _capa),
}
"""How many numbers a command takes, and what carries it out; LIST and UIDL of all, and QUIT, stand above."""


async def _update(session: Conversation, maildrop: Maildrop) -> None:
    """Delete all that is marked, or nothing, and say which (RFC 1939 §6)."""
    change = maildrop.update()
    if change is not None:
        try:
            await Commit(change)
        except StoreUnavailable:
            session.err(b"[SYS/TEMP] nothing was deleted, try again later")
            return
    session.ok(b"bye")
