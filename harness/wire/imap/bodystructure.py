"""BODY and BODYSTRUCTURE: the MIME tree as the server reads it (RFC 9051 §7.5.2, §9)."""

from dataclasses import dataclass, field

from harness.wire.imap.cursor import Cursor, Tree
from harness.wire.imap.envelope import Envelope, read_envelope

Parameters = tuple[tuple[bytes, bytes], ...]
"""Attribute and value, in the order sent; attributes as sent."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """The value of Content-Disposition (RFC 2183)."""

    kind: bytes
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class BodyStructure:
    """A body part; what its kind does not have, and what was not sent, is None or empty."""

    media_type: bytes
    """Upper case: `TEXT`, `MULTIPART`."""
    subtype: bytes
    """Upper case."""
    parameters: Parameters = ()
    content_id: bytes | None = None
    description: bytes | None = None
    encoding: bytes | None = None
    """Upper case; None for a multipart."""
    octets: int | None = None
    """The size in its transfer encoding; None for a multipart."""
    lines: int | None = None
    """For TEXT and MESSAGE/RFC822."""
    envelope: Envelope | None = None
    """For MESSAGE/RFC822, with `message`."""
    message: "BodyStructure | None" = None
    parts: tuple["BodyStructure", ...] = ()
    """The parts of a multipart."""
    is_extensible: bool = False
    """Whether any extension data came."""
    md5: bytes | None = None
    disposition: Disposition | None = None
    languages: tuple[bytes, ...] = ()
    location: bytes | None = None
    extensions: tuple[Tree, ...] = field(default=())

    @property
    def is_multipart(self) -> bool:
        """Whether this part holds parts."""
        return bool(self.parts)

    def part(self, *path: int) -> "BodyStructure | None":
        """The part that `BODY[1.2]` names with (1, 2), or None (RFC 9051 §6.4.5.1).

        Part 1 of a message that is no multipart is its body; the parts of a MESSAGE/RFC822 are those of the
        message inside.
        """
        if not path:
            return self
        number, *rest = path
        numbered = self.parts or (self,)
        if not 1 <= number <= len(numbered):
            return None
        chosen = numbered[number - 1]
        if not rest:
            return chosen
        whole = chosen.message or (chosen if chosen.is_multipart else None)
        return whole.part(*rest) if whole is not None else None


def read_body(cursor: Cursor, *, extensible: bool) -> BodyStructure:
    """Read `body`; without `extensible`, extension data MUST NOT be there (RFC 9051 §9, body-ext-1part)."""
    # body            = "(" (body-type-1part / body-type-mpart) ")"
    cursor.descend()
    cursor.expect(b"(", 'a body ("(")')
    body = _read_mpart(cursor, extensible) if cursor.peek() == 0x28 else _read_1part(cursor, extensible)
    cursor.expect(
        b")", 'SP or the body\'s ")"' if extensible else 'the body\'s ")" (BODY has no extension data)'
    )
    cursor.ascend()
    return body


def _read_mpart(cursor: Cursor, extensible: bool) -> BodyStructure:
    # body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
    # body-ext-mpart  = body-fld-param
    #                   [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    parts = []
    while cursor.peek() == 0x28:
        parts.append(read_body(cursor, extensible=extensible))
    cursor.sp()
    subtype = cursor.string("media-subtype").upper()
    if not (extensible and cursor.skip(b" ")):
        return BodyStructure(b"MULTIPART", subtype, parts=tuple(parts))
    parameters = _read_parameters(cursor)
    disposition, languages, location, extensions = _read_common_extension(cursor)
    return BodyStructure(
        b"MULTIPART",
        subtype,
        parameters,
        parts=tuple(parts),
        is_extensible=True,
        disposition=disposition,
        languages=languages,
        location=location,
        extensions=extensions,
    )


def _read_1part(cursor: Cursor, extensible: bool) -> BodyStructure:
    # body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
    # body-type-basic = media-basic SP body-fields            ; MESSAGE subtype MUST NOT be "RFC822"
    # body-type-msg   = media-message SP body-fields SP envelope SP body SP body-fld-lines
    # body-type-text  = media-text SP body-fields SP body-fld-lines
    # body-fields     = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
    media_type = cursor.string("a media type").upper()
    cursor.sp()
    subtype = cursor.string("media-subtype").upper()
    cursor.sp()
    parameters = _read_parameters(cursor)
    cursor.sp()
    content_id = cursor.nstring("body-fld-id")
    cursor.sp()
    description = cursor.nstring("body-fld-desc")
    cursor.sp()
    encoding = cursor.string("body-fld-enc").upper()
    cursor.sp()
    octets = cursor.number("body-fld-octets")
    lines = envelope = message = None
    if _is_message(cursor, media_type, subtype):
        cursor.sp()
        envelope = read_envelope(cursor)
        cursor.sp()
        message = read_body(cursor, extensible=extensible)
    if media_type == b"TEXT" or message is not None:
        cursor.sp()
        lines = cursor.number64("body-fld-lines")
    # body-ext-1part  = body-fld-md5
    #                   [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    is_extensible = extensible and cursor.skip(b" ")
    md5 = cursor.nstring("body-fld-md5") if is_extensible else None
    disposition, languages, location, extensions = _read_common_extension(cursor) if is_extensible else _NONE
    return BodyStructure(
        media_type,
        subtype,
        parameters,
        content_id,
        description,
        encoding,
        octets,
        lines,
        envelope,
        message,
        is_extensible=is_extensible,
        md5=md5,
        disposition=disposition,
        languages=languages,
        location=location,
        extensions=extensions,
    )


def _is_message(cursor: Cursor, media_type: bytes, subtype: bytes) -> bool:
    # media-message   = DQUOTE "MESSAGE" DQUOTE SP DQUOTE ("RFC822" / "GLOBAL") DQUOTE
    # GLOBAL is a basic type in IMAP4rev1; an envelope's "(" cannot begin body-fld-md5, so what comes decides.
    if media_type != b"MESSAGE":
        return False
    return subtype == b"RFC822" or (subtype == b"GLOBAL" and cursor.octets.startswith(b" (", cursor.offset))


_CommonExtension = tuple[Disposition | None, tuple[bytes, ...], bytes | None, tuple[Tree, ...]]
_NONE: _CommonExtension = (None, (), None, ())


def _read_common_extension(cursor: Cursor) -> _CommonExtension:
    disposition = _read_disposition(cursor) if cursor.skip(b" ") else None
    # Each of these can only follow the one before it, for which a ")" ends them all.
    languages = _read_languages(cursor) if cursor.skip(b" ") else ()
    location = cursor.nstring("body-fld-loc") if cursor.skip(b" ") else None
    extensions = []
    while cursor.skip(b" "):
        extensions.append(_read_extension(cursor))
    return disposition, languages, location, tuple(extensions)


def _read_parameters(cursor: Cursor) -> Parameters:
    # body-fld-param  = "(" string SP string *(SP string SP string) ")" / nil
    if cursor.nil():
        return ()

    def parameter() -> tuple[bytes, bytes]:
        attribute = cursor.string("an attribute")
        cursor.sp()
        return attribute, cursor.string("the attribute's value")

    return cursor.nonempty(parameter, "body-fld-param (NIL when empty)")


def _read_disposition(cursor: Cursor) -> Disposition | None:
    # body-fld-dsp    = "(" string SP body-fld-param ")" / nil
    if cursor.nil():
        return None
    cursor.expect(b"(", "body-fld-dsp")
    kind = cursor.string("a disposition")
    cursor.sp()
    parameters = _read_parameters(cursor)
    cursor.expect(b")", 'the disposition\'s ")"')
    return Disposition(kind, parameters)


def _read_languages(cursor: Cursor) -> tuple[bytes, ...]:
    # body-fld-lang   = nstring / "(" string *(SP string) ")"
    if cursor.peek() == 0x28:
        return cursor.nonempty(cursor.string, "body-fld-lang (NIL when empty)")
    language = cursor.nstring("body-fld-lang")
    return () if language is None else (language,)


def _read_extension(cursor: Cursor) -> Tree:
    # body-extension  = nstring / number / number64 / "(" body-extension *(SP body-extension) ")"
    if cursor.peek() == 0x28:
        cursor.descend()
        items = cursor.nonempty(lambda: _read_extension(cursor), "a body-extension")
        cursor.ascend()
        return items
    if 0x30 <= cursor.peek() <= 0x39:
        return b"%d" % cursor.number64()
    return cursor.nstring("a body-extension")
