"""Lists of addresses, for ENVELOPE (RFC 5322 §3.4, RFC 3501 §7.4.2), read in one pass whatever they hold."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    rb'[ \t\r\n]+|"(?P<quoted>(?:[^"\\]++|\\.)*+)"?|(?P<open>\()|(?P<domain>\[[^\[\]]*\]?)'
    rb'|(?P<special>[<>@,;:])|(?P<atom>[^ \t\r\n"(<>@,;:\[]+)',
    re.DOTALL,
)
_IN_COMMENT: Final = re.compile(rb"[^()\\]+|\\.|[()\\]", re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)


class Address(NamedTuple):
    """An address structure; a group starts with one whose `host` is None and ends with one of four None."""

    personal: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


_GROUP_END: Final = Address(None, None, None, None)


def _tokens(value: bytes) -> Iterator[tuple[str, bytes]]:
    """Go through the words: kind (`quoted`, `atom`, `domain`, `comment`, a special character) and octets."""
    at = 0
    while at < len(value):
        found = _TOKEN.match(value, at)
        if found is None:
            at += 1
            continue
        at = found.end()
        kind = found.lastgroup
        if kind == "open":
            depth = 1
            start = at
            while depth and (piece := _IN_COMMENT.match(value, at)) is not None:
                at = piece.end()
                depth += (piece[0] == b"(") - (piece[0] == b")")
            yield "comment", _ESCAPED.sub(rb"\1", value[start : at if depth else at - 1]).strip()
        elif kind == "quoted":
            yield "quoted", _ESCAPED.sub(rb"\1", found["quoted"])
        elif kind == "special":
            yield found[0].decode("ascii"), found[0]
        elif kind is not None:
            yield kind, found[0]


class _Pending:
    """The address that is being read."""

    __slots__ = ("at_seen", "comment", "domain", "in_angle", "local", "phrase", "route", "saw_angle")

    def __init__(self) -> None:
        self.phrase: list[bytes] = []
        self.local: list[bytes] = []
        """Words before the `@`; outside of angle brackets also the phrase."""
        self.domain: list[bytes] = []
        self.route: list[bytes] = []
        self.comment = b""
        self.at_seen = False
        self.in_angle = False
        self.saw_angle = False

    def is_empty(self) -> bool:
        return not (self.phrase or self.local or self.domain or self.saw_angle)

    def address(self) -> Address:
        """Return it; a part that is missing is empty, since NIL would mean a group (RFC 3501 §7.4.2)."""
        personal = b" ".join(self.phrase) or self.comment
        return Address(
            personal or None, b"".join(self.route) or None, b"".join(self.local), b"".join(self.domain)
        )


def parse_address_list(value: bytes) -> list[Address]:
    """Read an address list; what is no address is read as far as it looks like one."""
    addresses: list[Address] = []
    pending = _Pending()
    in_group = False
    for kind, octets in _tokens(value):
        if kind in (",", ";"):
            if kind == "," and pending.in_angle and pending.at_seen and not pending.local:
                pending.route.append(b",")
                continue
            if not pending.is_empty():
                addresses.append(pending.address())
            pending = _Pending()
            if kind == ";" and in_group:
                addresses.append(_GROUP_END)
                in_group = False
        elif kind == ":" and pending.in_angle:
            # <@one,@two:user@host>: what came was the route
            pending.route.extend(pending.domain)
            pending.domain = []
            pending.at_seen = False
        elif kind == ":" and not in_group and not pending.at_seen:
            addresses.append(Address(None, None, b" ".join(pending.local), None))
            pending = _Pending()
            in_group = True
        else:
            _take(pending, kind, octets)
    if not pending.is_empty():
        addresses.append(pending.address())
    if in_group:
        addresses.append(_GROUP_END)
    return addresses


def _take(pending: _Pending, kind: str, octets: bytes) -> None:
    """Add one word to the address that is being read."""
    if kind == "comment":
        pending.comment = octets
    elif kind == "<":
        if not pending.saw_angle:
            pending.phrase = pending.local
            pending.local, pending.domain = [], []
            pending.at_seen = False
        pending.in_angle = pending.saw_angle = True
    elif kind == ">":
        pending.in_angle = False
    elif kind == "@":
        if pending.in_angle and not pending.local:
            pending.route.extend(pending.domain)
            pending.domain = []
            pending.route.append(b"@")
        pending.at_seen = True
    elif pending.saw_angle and not pending.in_angle:
        return
    elif pending.at_seen:
        if pending.in_angle and pending.route and not pending.local:
            pending.route.append(octets)
        else:
            pending.domain.append(octets)
    else:
        pending.local.append(octets)
