"""The tree of parts of a message, found in one pass over its octets (RFC 2046 §5).

All lines that start with `--` are gone through once, with the boundaries that are open in a table; so the
time is linear however deep the parts are nested, and depth and number of parts are capped. What lies beyond
the caps, or does not hold what its type promises, is one opaque part.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from reference_server.codec.mime.content import (
    MESSAGE_RFC822,
    OPAQUE,
    TEXT_PLAIN,
    ContentType,
    parse_content_type,
)
from reference_server.codec.mime.header import first_fields

MAX_DEPTH: Final = 64
"""Multiparts and messages within each other."""
MAX_PARTS: Final = 10_000
_MAX_LINES: Final = 500_000
"""Lines that start with `--` and may be delimiters; half a second of work."""

_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_STARTS_EMPTY: Final = re.compile(rb"\r?\n")
_MIME_FIELDS: Final = frozenset(
    {
        b"content-type",
        b"content-transfer-encoding",
        b"content-id",
        b"content-description",
        b"content-disposition",
        b"content-language",
        b"content-location",
        b"content-md5",
    }
)


@dataclass(slots=True)
class Part:
    """An entity: a header and a body (RFC 2045 §2.4); offsets count in the whole message."""

    start: int
    body: int
    """Where the body starts."""
    end: int
    content_type: ContentType
    fields: dict[bytes, bytes]
    """Values of the MIME fields, by name in lower case."""
    children: "list[Part]" = field(default_factory=list)
    """The parts of a multipart; of message/rfc822 the message in it."""

    @property
    def is_multipart(self) -> bool:
        """Whether this is a multipart (it then has children)."""
        return self.content_type.type_.lower() == b"multipart"

    @property
    def is_message(self) -> bool:
        """Whether this is a message within the message (it then has one child)."""
        return bool(self.children) and not self.is_multipart


def parse_structure(octets: bytes) -> Part:
    """Return the root entity of a message."""
    return _Parser(octets).parse()


def find_part(root: Part, numbers: tuple[int, ...]) -> Part | None:
    """Return the part of the given number, as in `BODY[4.2.1]` (RFC 3501 §6.4.5); None if there is none."""
    within_message: Part | None = root
    part = root
    for number in numbers:
        if within_message is not None and not within_message.is_multipart:
            # every message has at least one part: the body of one that is no multipart is part 1
            if number != 1:
                return None
            part = within_message
        else:
            siblings = (within_message or part).children
            if number > len(siblings):
                return None
            part = siblings[number - 1]
        within_message = None
        if part.is_message:
            within_message = part.children[0]
        elif not part.is_multipart:
            # a leaf: any further number fails, since nothing is below it
            within_message = _NOTHING
    return part


class _Open:
    """A part whose end has not come yet."""

    __slots__ = ("boundary", "default", "part")

    def __init__(self, part: Part, boundary: bytes | None, default: ContentType) -> None:
        self.part = part
        self.boundary = boundary
        self.default = default
        """What its children are if they do not say."""


class _Parser:
    __slots__ = ("_blank", "_blank_from", "_boundaries", "_count", "_octets", "_pending", "_stack")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._stack: list[_Open] = []
        self._boundaries: dict[bytes, list[int]] = {}
        """By boundary: the places in the stack where it is open."""
        self._count = 0
        self._blank = -1
        self._blank_from = 0
        self._pending: Part | None = None
        """A part of which only the start is known."""

    def parse(self) -> Part:
        octets = self._octets
        root = self._begin(0, TEXT_PLAIN)
        self._open_until(len(octets))
        # no delimiter stands in the header that announces it; the first one may follow it at once
        at = self._stack[-1].part.body - 1 if self._stack else 0
        lines = 0
        while self._boundaries and lines < _MAX_LINES and (newline := octets.find(b"\n--", at)) >= 0:
            lines += 1
            dashes = newline + 1
            at = octets.find(b"\n", dashes)
            if at < 0:
                at = len(octets)
            self._open_until(dashes)
            # the line end before the delimiter belongs to it (RFC 2046 §5.1.1)
            before = newline - 1 if octets[newline - 1 : newline] == b"\r" else newline
            self._delimiter(octets[dashes + 2 : at].rstrip(b" \t\r"), before, min(at + 1, len(octets)))
        self._open_until(len(octets))
        self._close(0, len(octets))
        return root

    def _delimiter(self, text: bytes, before: int, after: int) -> None:
        """Take a line that may be a delimiter; `text` is what follows its two dashes."""
        place = self._place(text)
        closing = False
        if place is None and text.endswith(b"--"):
            place = self._place(text[:-2])
            closing = True
        if place is None:
            return
        self._close(place + 1, before)
        multipart = self._stack[place]
        if closing:
            # what follows is the epilogue; the boundary is not looked for any more
            self._forget(multipart, place)
            multipart.boundary = None
        elif self._count < MAX_PARTS:
            multipart.part.children.append(self._begin(after, multipart.default))

    def _place(self, boundary: bytes) -> int | None:
        places = self._boundaries.get(boundary)
        return places[-1] if places else None

    def _begin(self, start: int, default: ContentType) -> Part:
        """Start a part whose header begins here."""
        self._count += 1
        part = Part(start, start, start, default, {})
        self._pending = part
        return part

    def _end_of_header(self, start: int) -> int:
        """Return where the body of an entity starts; searched so that no octet is looked at twice."""
        found = _STARTS_EMPTY.match(self._octets, start)
        if found:
            return found.end()
        if not self._blank_from <= start < self._blank:
            found = _EMPTY_LINE.search(self._octets, start)
            self._blank_from = start
            self._blank = found.end() if found else len(self._octets) + 1
        return self._blank

    def _open_until(self, delimiter: int) -> None:
        """Read the header of the pending part, and of messages in it, where it ends before a delimiter."""
        while self._pending is not None:
            part = self._pending
            body = self._end_of_header(part.start)
            if body > delimiter:
                return
            self._pending = None
            self._opened(part, body)

    def _opened(self, part: Part, body: int) -> None:
        """A part's header has ended: see what it is."""
        part.body = body
        self._read_fields(part)
        content_type = part.content_type
        type_ = content_type.type_.lower()
        boundary: bytes | None = None
        default = TEXT_PLAIN
        if type_ == b"multipart":
            boundary = (content_type.parameter(b"boundary") or b"").rstrip(b" \t") or None
            if content_type.subtype.lower() == b"digest":
                default = MESSAGE_RFC822
        is_message = type_ == b"message" and content_type.subtype.lower() == b"rfc822"
        if (type_ == b"multipart" or is_message) and (
            len(self._stack) >= MAX_DEPTH or self._count >= MAX_PARTS
        ):
            part.content_type = OPAQUE
            boundary = None
            is_message = False
        self._stack.append(_Open(part, boundary, default))
        if boundary is not None:
            self._boundaries.setdefault(boundary, []).append(len(self._stack) - 1)
        if is_message:
            part.children.append(self._begin(body, TEXT_PLAIN))

    def _read_fields(self, part: Part) -> None:
        part.fields = first_fields(self._octets, part.start, part.body, _MIME_FIELDS)
        if b"content-type" in part.fields:
            # a type that cannot be read is text/plain, also in a digest (RFC 2045 §5.2)
            part.content_type = parse_content_type(part.fields[b"content-type"], TEXT_PLAIN)

    def _forget(self, opened: _Open, place: int) -> None:
        if opened.boundary is not None:
            places = self._boundaries[opened.boundary]
            places.remove(place)
            if not places:
                del self._boundaries[opened.boundary]

    def _close(self, place: int, end: int) -> None:
        """End all parts from this place of the stack on."""
        pending = self._pending
        if pending is not None:
            # a header without an empty line: it is all that the part has
            self._pending = None
            pending.body = pending.end = max(pending.start, end)
            self._read_fields(pending)
            self._finish(pending)
        while len(self._stack) > place:
            opened = self._stack.pop()
            self._forget(opened, len(self._stack))
            opened.part.end = max(opened.part.body, end)
            self._finish(opened.part)

    @staticmethod
    def _finish(part: Part) -> None:
        """Give a multipart or message in which nothing was found the one child that the grammar asks for."""
        if part.children:
            return
        type_ = part.content_type.type_.lower()
        if type_ == b"multipart":
            part.children.append(Part(part.end, part.end, part.end, TEXT_PLAIN, {}))
        elif type_ == b"message" and part.content_type.subtype.lower() == b"rfc822":
            part.children.append(Part(part.body, part.end, part.end, TEXT_PLAIN, {}))


_NOTHING: Final = Part(0, 0, 0, ContentType(b"multipart", b"mixed", ()), {})
