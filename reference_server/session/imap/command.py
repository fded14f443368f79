"""How a verb becomes a command: a decorated function in a module of `commands`; nothing else lists it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING, Final

from reference_server.codec.imap.lexer import CommandReader

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession


class State(Flag):
    """The states of RFC 3501 §3; a command is legal in some of them."""

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGGED_IN = AUTHENTICATED | SELECTED
    ANY = NOT_AUTHENTICATED | AUTHENTICATED | SELECTED


@dataclass(slots=True)
class Call:
    """One command as it came."""

    tag: bytes
    reader: CommandReader
    """Stands behind the verb, before the space if there are arguments."""
    by_uid: bool = False
    """It came as `UID verb`: numbers are UIDs (RFC 3501 §6.4.8)."""


Answer = bytes
"""The tagged response without tag and CRLF: `OK ...`, `NO ...`."""

Handler = Callable[["ImapSession", Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Command:
    """A verb, where it is legal, and what it does."""

    verb: bytes
    handle: Handler
    states: State
    uid_form: bool
    """Whether `UID verb` exists."""
    plain_form: bool
    holds_expunges: bool
    """No EXPUNGE is sent while it is answered (RFC 3501 §7.4.1: FETCH, STORE and SEARCH)."""


COMMANDS: Final[dict[bytes, Command]] = {}
"""By verb in upper case; filled as the modules of `commands` are imported."""


def command(
    verb: str,
    states: State,
    *,
    uid_form: bool = False,
    plain_form: bool = True,
    holds_expunges: bool = False,
) -> Callable[[Handler], Handler]:
    """Register a function as what carries out `verb`: it parses the arguments and handles them."""

    def register(handle: Handler) -> Handler:
        name = verb.encode("ascii")
        COMMANDS[name] = Command(name, handle, states, uid_form, plain_form, holds_expunges)
        return handle

    return register


def no(text: bytes, code: bytes = b"") -> Answer:
    """Return a refusal; `code` is its response code (RFC 3501 §7.1, RFC 5530)."""
    return b"NO [%s] %s" % (code, text) if code else b"NO " + text
