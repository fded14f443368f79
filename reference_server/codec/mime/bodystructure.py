"""BODY and BODYSTRUCTURE: the tree of parts as IMAP writes it (RFC 3501 §7.4.2)."""

from reference_server.codec.imap.encode import nstring, string
from reference_server.codec.mime.content import Parameters, parse_disposition, parse_token, parse_tokens
from reference_server.codec.mime.envelope import encode_envelope
from reference_server.codec.mime.structure import Part


def encode_body_structure(octets: bytes, part: Part, *, extended: bool) -> bytes:
    """Write a part and all below it; BODYSTRUCTURE is `extended`, BODY is not.

    The depth of the recursion is that of the tree, which its reader has capped.
    """
    content_type = part.content_type
    if part.is_multipart:
        children = b"".join(
            encode_body_structure(octets, child, extended=extended) for child in part.children
        )
        written = children + b" " + string(content_type.subtype)
        if extended:
            written += b" " + _parameters(content_type.parameters) + _common_extension(part)
        return b"(" + written + b")"
    fields = part.fields
    words = [
        string(content_type.type_),
        string(content_type.subtype),
        _parameters(content_type.parameters),
        nstring(fields.get(b"content-id")),
        nstring(fields.get(b"content-description")),
        string(parse_token(fields.get(b"content-transfer-encoding", b"")) or b"7BIT"),
        b"%d" % (part.end - part.body),
    ]
    if part.is_message:
        message = part.children[0]
        words.append(encode_envelope(octets, message.start, message.body))
        words.append(encode_body_structure(octets, message, extended=extended))
        words.append(b"%d" % octets.count(b"\n", part.body, part.end))
    elif content_type.type_.lower() == b"text":
        words.append(b"%d" % octets.count(b"\n", part.body, part.end))
    written = b" ".join(words)
    if extended:
        written += b" " + nstring(fields.get(b"content-md5")) + _common_extension(part)
    return b"(" + written + b")"


def _common_extension(part: Part) -> bytes:
    """Write disposition, language and location, each with a space before it."""
    fields = part.fields
    disposition = parse_disposition(fields.get(b"content-disposition", b""))
    languages = parse_tokens(fields.get(b"content-language", b""))
    return b" %s %s %s" % (
        b"(%s %s)" % (string(disposition[0]), _parameters(disposition[1])) if disposition else b"NIL",
        b"(" + b" ".join(map(string, languages)) + b")" if languages else b"NIL",
        nstring(fields.get(b"content-location")),
    )


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return b"NIL"
    return b"(" + b" ".join(string(name) + b" " + string(value) for name, value in parameters) + b")"
