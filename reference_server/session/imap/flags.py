"""Flags as clients give them (RFC 3501 §2.3.2)."""

from collections.abc import Iterable, Sequence
from typing import Final

from reference_server.codec.imap.lexer import Garbled
from reference_server.store.flags import SYSTEM_FLAGS

_SYSTEM: Final = {name.lower(): name for name in SYSTEM_FLAGS}
_LONGEST_KEYWORD: Final = 255


def settable(flags: Iterable[bytes]) -> tuple[str, ...]:
    r"""Return the flags that can be set, system flags in the RFC's spelling.

    `\Recent` is the server's own and is passed over; other flags with a backslash belong to no client.
    """
    names: dict[str, None] = {}
    for flag in flags:
        name = flag.decode("ascii")
        lower = name.lower()
        if lower == "\\recent":
            continue
        if lower.startswith("\\") and lower not in _SYSTEM:
            raise Garbled(b"Unknown system flag")
        if len(name) > _LONGEST_KEYWORD:
            raise Garbled(b"The keyword is too long")
        names[_SYSTEM.get(lower, name)] = None
    return tuple(names)


def is_known(flag: str, keywords: Sequence[str]) -> bool:
    """Whether a mailbox with these keywords has a bit for the flag; their case makes no difference."""
    return flag in SYSTEM_FLAGS or any(flag.lower() == keyword.lower() for keyword in keywords)
