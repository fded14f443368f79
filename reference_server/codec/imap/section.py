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
    if section.part:
        return _locate_in_part(octets, section, find_part(structure(), section.part))
    if section.text is Text.WHOLE:
        return octets
    return _of_message(octets, section, 0, body_offset(octets), len(octets))


def _locate_in_part(octets: bytes, section: Section, part: Part | None) -> bytes | None:
    if part is None:
        return None
    if section.text is Text.WHOLE:
        return octets[part.body : part.end]
    if section.text is Text.MIME:
        return octets[part.start : part.body]
    if not part.is_message:
        # HEADER and TEXT behind a part number mean the message in a message/rfc822 part
        return None
    message = part.children[0]
    return _of_message(octets, section, message.start, message.body, message.end)


def _of_message(octets: bytes, section: Section, start: int, body: int, end: int) -> bytes:
    if section.text is Text.HEADER:
        return octets[start:body]
    if section.text is Text.TEXT:
        return octets[body:end]
    others = section.text is Text.FIELDS_NOT
    return select_fields(octets, start, body, frozenset(section.fields), others=others)
