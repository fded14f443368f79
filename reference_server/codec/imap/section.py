"""The octets that `BODY[section]<partial>` means (RFC 3501 §6.4.5)."""

from collections.abc import Callable

from reference_server.codec.imap.fetch_att import Section, Text
from reference_server.codec.mime.header import body_offset, select_fields
from reference_server.codec.mime.structure import Part, find_part


def extract(octets: bytes, section: Section, structure: Callable[[], Part]) -> bytes | None:
    """Return the octets of a section; None (NIL) where the message has no such part.

    `structure` is called only where a part is asked for by its number.
    """
    found = _locate(octets, section, structure)
    if found is None or section.partial is None:
        return found
    first, count = section.partial
    return found[first : first + count]


def _locate(octets: bytes, section: Section, structure: Callable[[], Part]) -> bytes | None:
    start = 0
    end = len(octets)
    text = section.text
    if section.part:
        part = find_part(structure(), section.part)
        if part is None:
            return None
        if text is Text.WHOLE:
            return octets[part.body : part.end]
        if text is Text.MIME:
            return octets[part.start : part.body]
        if not part.is_message:
            # HEADER and TEXT behind a part number mean the message in a message/rfc822 part
            return None
        message = part.children[0]
        start, body, end = message.start, message.body, message.end
    elif text is Text.WHOLE:
        return octets
    else:
        body = body_offset(octets)
    if text is Text.HEADER:
        return octets[start:body]
    if text is Text.TEXT:
        return octets[body:end]
    return select_fields(octets, start, body, frozenset(section.fields), others=text is Text.FIELDS_NOT)
