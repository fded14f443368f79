"""MIME trees: multiparts in multiparts, transfer encodings, messages in messages (RFC 2045, RFC 2046).

A tree knows its octets, and what `BODY[1.2]` and BODYSTRUCTURE must say about each of its parts.
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from harness.strategies.messages import CRLF, compose, message_ids, text_lines, unique_id

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MimePart:
    """An entity: MIME header fields, and a body that is octets, parts or a message."""

    media_type: str
    subtype: str
    parameters: Parameters = ()
    encoding: str = "7bit"
    body: bytes = b""
    """A leaf's octets in their transfer encoding."""
    decoded: bytes = b""
    """A leaf's octets out of it."""
    parts: tuple["MimePart", ...] = ()
    message: "MimeMessage | None" = None
    description: str | None = None
    content_id: str | None = None
    disposition: tuple[str, Parameters] | None = None
    language: str | None = None

    @property
    def is_multipart(self) -> bool:
        """Whether it holds parts."""
        return self.media_type == "multipart"

    @property
    def header(self) -> bytes:
        """Its MIME header fields, each with its CRLF, without the empty line."""
        lines = [f"Content-Type: {self.media_type}/{self.subtype}{_encode_parameters(self.parameters)}"]
        if self.encoding != "7bit":
            lines.append(f"Content-Transfer-Encoding: {self.encoding}")
        if self.content_id is not None:
            lines.append(f"Content-ID: {self.content_id}")
        if self.description is not None:
            lines.append(f"Content-Description: {self.description}")
        if self.disposition is not None:
            kind, parameters = self.disposition
            lines.append(f"Content-Disposition: {kind}{_encode_parameters(parameters)}")
        if self.language is not None:
            lines.append(f"Content-Language: {self.language}")
        return b"".join(line.encode("ascii") + CRLF for line in lines)

    @property
    def octets(self) -> bytes:
        """Its body: what `BODY[n]` returns.

        A multipart has an empty epilogue: CRLF after its close-delimiter (RFC 2046 §5.1.1), since servers
        disagree where a nested one ends that has none.
        """
        if self.message is not None:
            return self.message.octets
        if not self.is_multipart:
            return self.body
        boundary = dict(self.parameters)["boundary"].encode("ascii")
        entities = (b"--" + boundary + CRLF + part.entity + CRLF for part in self.parts)
        return b"".join(entities) + b"--" + boundary + b"--" + CRLF

    @property
    def entity(self) -> bytes:
        """Header, empty line and body: what stands between two boundaries."""
        return self.header + CRLF + self.octets

    def walk(self, prefix: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], "MimePart"]]:
        """Every part below with its section-part; of a leaf, itself as part 1 (RFC 9051 §6.4.5.1)."""
        if not self.is_multipart:
            yield (*prefix, 1), self
            if self.message is not None:
                yield from self.message.root.walk((*prefix, 1))
            return
        for number, part in enumerate(self.parts, start=1):
            path = (*prefix, number)
            yield path, part
            if part.message is not None:
                yield from part.message.root.walk(path)
            elif part.is_multipart:
                yield from part.walk(path)


@dataclass(frozen=True, slots=True)
class MimeMessage:
    """A message whose body is a MIME tree."""

    root: MimePart
    message_id: bytes
    subject: bytes = b"A tree"

    @property
    def octets(self) -> bytes:
        """The whole message."""
        mime = b"MIME-Version: 1.0\r\n" + self.root.header
        return compose(self.root.octets, extra=mime, subject=self.subject, message_id=self.message_id)

    @property
    def header(self) -> bytes:
        """The header with the empty line after it: what `BODY[HEADER]` returns."""
        return self.octets[: self.octets.index(b"\r\n\r\n") + 4]


def text_parts() -> SearchStrategy[MimePart]:
    """Leaves of type text, in every transfer encoding, ending in CRLF or not."""
    subtypes = st.sampled_from(["plain", "html", "x-mailproof"])
    return st.builds(
        _encode_leaf, st.just("text"), subtypes, _text_bodies(), _encodings(text=True), _decorations()
    )


def binary_parts() -> SearchStrategy[MimePart]:
    """Leaves of other types, in BASE64."""
    types = st.sampled_from([("application", "octet-stream"), ("image", "png"), ("audio", "basic")])
    return st.builds(
        lambda kind, octets, more: _encode_leaf(kind[0], kind[1], octets, "base64", more),
        types,
        st.binary(max_size=120),
        _decorations(),
    )


def trees(*, max_leaves: int = 6, nested_messages: bool = True) -> SearchStrategy[MimePart]:
    """Trees of any shape: a leaf, or multiparts of leaves, multiparts and messages."""

    def inner(children: SearchStrategy[MimePart]) -> SearchStrategy[MimePart]:
        multipart = multiparts(children)
        return multipart | attached_messages(children) if nested_messages else multipart

    return st.recursive(text_parts() | binary_parts(), inner, max_leaves=max_leaves)


def multiparts(children: SearchStrategy[MimePart] | None = None) -> SearchStrategy[MimePart]:
    """A multipart of one to three children."""
    subtypes = st.sampled_from(["mixed", "alternative", "related", "x-mailproof"])
    inside = st.lists(text_parts() if children is None else children, min_size=1, max_size=3)
    return st.builds(_multipart, subtypes, inside)


def attached_messages(children: SearchStrategy[MimePart] | None = None) -> SearchStrategy[MimePart]:
    """A message/rfc822 part with a message of its own Message-ID inside."""
    inside = st.builds(MimeMessage, text_parts() if children is None else children, message_ids())
    return inside.map(lambda message: MimePart("message", "rfc822", message=message))


def messages(*, max_leaves: int = 6, nested_messages: bool = True) -> SearchStrategy[MimeMessage]:
    """Whole messages with such trees as their bodies."""
    roots = trees(max_leaves=max_leaves, nested_messages=nested_messages)
    return st.builds(MimeMessage, roots, message_ids())


def _multipart(subtype: str, parts: list[MimePart]) -> MimePart:
    # A boundary that no body can hold: bodies are made before it, and no word is ever made twice.
    return MimePart("multipart", subtype, (("boundary", f"=_{unique_id()}"),), parts=tuple(parts))


def _text_bodies() -> SearchStrategy[bytes]:
    whole = text_lines(leading_dots=True, min_lines=0, max_lines=4)
    return whole | whole.map(lambda text: text.removesuffix(CRLF))


def _encodings(*, text: bool) -> SearchStrategy[str]:
    return st.sampled_from(["7bit", "quoted-printable", "base64"] if text else ["base64"])


def _decorations() -> SearchStrategy[dict[str, object]]:
    """The optional fields; most leaves have none."""
    return st.fixed_dictionaries(
        {},
        optional={
            "description": st.sampled_from(["A part", "two  spaces"]),
            "content_id": message_ids().map(lambda octets: octets.decode("ascii")),
            "disposition": st.sampled_from(
                [("inline", ()), ("attachment", (("filename", "a b.txt"),)), ("attachment", ())]
            ),
            "language": st.sampled_from(["en", "de"]),
        },
    )


def _encode_leaf(
    media_type: str, subtype: str, octets: bytes, encoding: str, decorations: dict[str, object]
) -> MimePart:
    match encoding:
        case "base64":
            lines = [octets[i : i + 57] for i in range(0, len(octets), 57)]
            body = CRLF.join(binascii.b2a_base64(line, newline=False) for line in lines)
        case "quoted-printable":
            body = CRLF.join(map(_quote_line, octets.split(CRLF)))
        case _:
            body = octets
    parameters = (("charset", "us-ascii"),) if media_type == "text" else ()
    return MimePart(media_type, subtype, parameters, encoding, body, octets, **decorations)  # type: ignore[arg-type]


def _quote_line(line: bytes) -> bytes:
    # RFC 2045 §6.7: white space at the end is encoded, and no line is longer than 76 with its soft break.
    quoted = line.replace(b"=", b"=3D")
    if quoted[-1:] in {b" ", b"\t"}:
        quoted = quoted[:-1] + b"=%02X" % quoted[-1]
    rows = []
    while len(quoted) > 70:
        cut = 70 if b"=" not in quoted[68:70] else 68 + quoted[68:70].index(b"=")
        rows.append(quoted[:cut])
        quoted = quoted[cut:]
    return b"=\r\n".join([*rows, quoted])


def _encode_parameters(parameters: Parameters) -> str:
    return "".join(f'; {attribute}="{value}"' for attribute, value in parameters)
