"""RFC 3501 §6.4.5, §7.4.2: the parts of MIME messages, BODYSTRUCTURE and ENVELOPE."""

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify, verify_equal, verify_ok
from harness.strategies import addresses, messages, mime
from harness.strategies.mime import MimeMessage, MimePart
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import Address, BodyStructure
from suites.imap.talk import IMAP, data_of, fetched
from suites.imap.tampering import During

_TREES = mime.messages(max_leaves=5)
_FEW_PARTS = 12
"""So many are fetched of one message."""


@requirement(
    "rfc3501/6.4.5/parts",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"BODY\.PEEK\[1\]", b"BODY.PEEK[1]<1.999999>")
    + Rewrite.from_server(rb"BODY\[1\]<1>", b"BODY[1]"),
    also=["rfc9051/6.4.5/parts", "rfc9051/6.4.5.1/nested-parts", "rfc9051/6.4.5.1/only-part-is-1"],
)
@given(message=_TREES)
def test_part_numbers_name_the_parts(target: Target, message: MimeMessage) -> None:
    """BODY[1.2] is the body of that part as it is in the message, however deep, also in message/rfc822."""
    with target.imap_mailbox() as box:
        box.append(message.octets)
        parts = list(message.root.walk())[:_FEW_PARTS]
        items = [b"BODY.PEEK[%s]" % _number(path) for path, _ in parts]
        result = box.client.fetch(1, items)
        verify_ok(result)
        for (_, part), item in zip(parts, items, strict=True):
            actual = data_of(result, 1, item).section(item)
            verify_equal(item.decode(), expected=part.octets, actual=actual or b"")


@requirement(
    "rfc3501/6.4.5/mime-header",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(BODY\.PEEK\[[0-9.]+)\.MIME\]", rb"\1.MIME]<1.99999>")
    + Rewrite.from_server(rb"(BODY\[[0-9.]+\.MIME\])<1>", rb"\1"),
    also=["rfc9051/6.4.5/mime-header"],
)
@given(message=mime.messages(max_leaves=5, nested_messages=False).filter(lambda each: each.root.is_multipart))
def test_mime_is_the_header_of_a_part(target: Target, message: MimeMessage) -> None:
    """BODY[1.2.MIME] is the MIME header of that part of a multipart, with the empty line after it."""
    with target.imap_mailbox() as box:
        box.append(message.octets)
        parts = list(message.root.walk())[:_FEW_PARTS]
        items = [b"BODY.PEEK[%s.MIME]" % _number(path) for path, _ in parts]
        result = box.client.fetch(1, items)
        verify_ok(result)
        for (_, part), item in zip(parts, items, strict=True):
            verify_equal(
                item.decode(), expected=part.header + b"\r\n", actual=data_of(result, 1, item).section(item)
            )


@requirement(
    "rfc3501/6.4.5/nested-message",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"BODY\.PEEK\[2\.TEXT\]", b"BODY.PEEK[2]")
    + Rewrite.from_server(rb"BODY\[2\]", b"BODY[2.TEXT]"),
    also=["rfc9051/6.4.5/nested-message"],
)
@given(inner=mime.messages(max_leaves=3, nested_messages=False))
def test_a_nested_message_has_header_and_text(target: Target, inner: MimeMessage) -> None:
    """BODY[2.HEADER] and BODY[2.TEXT] are header and text of the message that part 2 is."""
    first = MimePart("text", "plain", (("charset", "us-ascii"),), body=b"See below.\r\n")
    nested = MimePart("message", "rfc822", message=inner)
    root = MimePart("multipart", "mixed", (("boundary", f"=_{messages.unique_id()}"),), parts=(first, nested))
    outer = MimeMessage(root, f"<{messages.unique_id()}@mailproof.test>".encode())
    with target.imap_mailbox() as box:
        box.append(outer.octets)
        result = box.client.fetch(1, b"BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT]")
        verify_ok(result)
        header = data_of(result, 1, b"BODY[2.HEADER]").section(b"BODY[2.HEADER]")
        text = data_of(result, 1, b"BODY[2.TEXT]").section(b"BODY[2.TEXT]")
        verify_equal("BODY[2.HEADER]", expected=inner.header, actual=header)
        verify_equal("BODY[2.TEXT]", expected=inner.root.octets, actual=text or b"")


def _number(path: tuple[int, ...]) -> bytes:
    return ".".join(map(str, path)).encode("ascii")


# BODYSTRUCTURE


@requirement(
    "rfc3501/7.4.2/bodystructure",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(
        b"FETCH", Rewrite.from_server(rb'(?i)"(7BIT|BASE64|QUOTED-PRINTABLE)" ([0-9]+)', rb'"\1" 1\2')
    ),
    also=["rfc9051/7.5.2/bodystructure", "rfc9051/9/rfc822-has-its-own-form"],
)
@given(message=_TREES)
def test_bodystructure_is_the_tree(target: Target, message: MimeMessage) -> None:
    """BODYSTRUCTURE, and BODY without the extension data, tell the message's MIME structure."""
    with target.imap_mailbox() as box:
        box.append(message.octets)
        full = fetched(box.client, 1, b"BODYSTRUCTURE").body_structure
        short = fetched(box.client, 1, b"BODY").body
        for structure in (full, short):
            assert structure is not None
            _compare(message.root, structure, "1", extended=structure is full)


def _compare(part: MimePart, structure: BodyStructure, where: str, *, extended: bool) -> None:
    kind = (structure.media_type.decode().lower(), structure.subtype.decode().lower())
    verify_equal(f"type of part {where}", expected=(part.media_type, part.subtype), actual=kind)
    if part.is_multipart:
        verify_equal(f"parts in {where}", expected=len(part.parts), actual=len(structure.parts))
        for number, (child, told) in enumerate(zip(part.parts, structure.parts, strict=True), start=1):
            _compare(child, told, f"{where}.{number}", extended=extended)
        if extended and structure.is_extensible:
            _compare_parameters(part, structure, where)
        return
    _compare_parameters(part, structure, where)
    verify_equal(
        f"encoding of {where}", expected=part.encoding.upper(), actual=(structure.encoding or b"").decode()
    )
    verify_equal(f"octets of {where}", expected=len(part.octets), actual=structure.octets)
    verify_equal(f"Content-ID of {where}", expected=_octets(part.content_id), actual=structure.content_id)
    verify_equal(
        f"description of {where}",
        expected=_words(_octets(part.description)),
        actual=_words(structure.description),
    )
    if part.message is not None:
        verify(structure.message is not None, expected=f"a body structure in {where}", actual=structure)
        assert structure.message is not None
        told_id = structure.envelope.message_id if structure.envelope is not None else None
        verify_equal(f"Message-ID in {where}", expected=part.message.message_id, actual=told_id)
        _compare(part.message.root, structure.message, f"{where}.1", extended=extended)
    if part.media_type == "text":
        # A last line without CRLF may be counted or not.
        lines = part.octets.count(b"\r\n")
        legal = {lines} if part.octets.endswith(b"\r\n") or not part.octets else {lines, lines + 1}
        verify(
            structure.lines in legal, expected=f"lines of {where}: {sorted(legal)}", actual=structure.lines
        )
    if (
        extended
        and structure.is_extensible
        and part.disposition is not None
        and structure.disposition is not None
    ):
        verify_equal(
            f"disposition of {where}",
            expected=part.disposition[0],
            actual=structure.disposition.kind.decode().lower(),
        )


def _compare_parameters(part: MimePart, structure: BodyStructure, where: str) -> None:
    told = {name.decode().lower(): value.decode() for name, value in structure.parameters}
    verify_equal(f"parameters of {where}", expected=dict(part.parameters), actual=told)


def _octets(text: str | None) -> bytes | None:
    return None if text is None else text.encode("ascii")


def _words(octets: bytes | None) -> list[bytes] | None:
    return None if octets is None else octets.split()


# ENVELOPE

_LOCAL = st.text(addresses.PLAIN, min_size=1, max_size=8)
_MAILBOXES = st.builds(
    lambda name, local, domain: (name, local, domain),
    st.sampled_from([None, "Ada", "Ada Lovelace", "Lovelace, Ada", 'Ada "the" L.']),
    _LOCAL,
    addresses.domains(),
)
_LISTS = st.lists(_MAILBOXES, min_size=1, max_size=3)
_Mailbox = tuple[str | None, str, str]


@requirement(
    "rfc3501/7.4.2/envelope",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"FETCH", Rewrite.from_server(rb"(\)\) )\(\([^()]*\)\)", rb"\1NIL", count=1)),
    also=["rfc9051/7.5.2/envelope", "rfc3501/4.3/quoted-specials", "rfc9051/4.3/quoted-specials"],
)
@example(
    fields={"From": [(None, "ada", "one.test")]},
    subject=rb'The "end" of "a \ story',
    reply=False,
)
@given(
    fields=st.fixed_dictionaries(
        {"From": st.lists(_MAILBOXES, min_size=1, max_size=1)},
        optional={
            "Sender": st.lists(_MAILBOXES, min_size=1, max_size=1),
            "Reply-To": _LISTS,
            "To": _LISTS,
            "Cc": _LISTS,
            "Bcc": _LISTS,
        },
    ),
    subject=st.none() | messages.field_bodies(folded=False),
    reply=st.booleans(),
)
def test_envelope_has_the_fields_of_the_header(
    target: Target, fields: dict[str, list[_Mailbox]], subject: bytes | None, reply: bool
) -> None:
    """ENVELOPE tells date, subject, addresses and ids; Sender and Reply-To default to From."""
    identifier = f"<{messages.unique_id()}@mailproof.test>".encode()
    lines = [b"Date: Thu, 01 Jan 2026 12:00:00 +0000", b"Message-ID: " + identifier]
    lines += [f"{name}: {', '.join(map(_written, boxes))}".encode() for name, boxes in fields.items()]
    lines += [b"Subject: " + subject] if subject is not None else []
    lines += [b"In-Reply-To: <a@mailproof.test>"] if reply else []
    with target.imap_mailbox() as box:
        box.append(b"\r\n".join([*lines, b"", b"Hello.\r\n"]))
        told = fetched(box.client, 1, b"ENVELOPE").envelope
        assert told is not None
        verify_equal("env-date", expected=b"Thu, 01 Jan 2026 12:00:00 +0000", actual=told.date)
        verify_equal("env-subject", expected=_words(subject), actual=_words(told.subject))
        verify_equal("env-message-id", expected=identifier, actual=told.message_id)
        expected_reply = b"<a@mailproof.test>" if reply else None
        verify_equal("env-in-reply-to", expected=expected_reply, actual=told.in_reply_to)
        sender = fields["From"]
        for name, boxes, actual in (
            ("env-from", sender, told.from_),
            ("env-sender", fields.get("Sender", sender), told.sender),
            ("env-reply-to", fields.get("Reply-To", sender), told.reply_to),
            ("env-to", fields.get("To", []), told.to),
            ("env-cc", fields.get("Cc", []), told.cc),
            ("env-bcc", fields.get("Bcc", []), told.bcc),
        ):
            verify_equal(name, expected=[_address(each) for each in boxes], actual=list(actual))


def _written(mailbox: _Mailbox) -> str:
    name, local, domain = mailbox
    if name is None:
        return f"<{local}@{domain}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{local}@{domain}>'


def _address(mailbox: _Mailbox) -> Address:
    name, local, domain = mailbox
    return Address(_octets(name), None, local.encode(), domain.encode())
