"""FETCH: items of every kind, ENVELOPE and BODYSTRUCTURE, and where each of them is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.wire.imap import (
    Address,
    BodyStructure,
    Data,
    Disposition,
    Envelope,
    FetchData,
    canonical_section,
    parse_response,
)


def fetched(items: bytes) -> FetchData:
    response = parse_response(b"* 12 FETCH " + items + b"\r\n")
    assert isinstance(response, Data)
    assert isinstance(response.value, FetchData)
    return response.value


def structure(octets: bytes) -> BodyStructure:
    found = fetched(b"(BODYSTRUCTURE " + octets + b")").body_structure
    assert found is not None
    return found


# RFC 9051 §8, with its line breaks taken out
RFC_ENVELOPE = (
    b'(ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) '
    b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
    b'"<B27397-0100000@cac.washington.edu>"))'
)


def test_flags_and_numbers() -> None:
    data = fetched(rb"(FLAGS (\Seen \Recent $x) UID 4827313 RFC822.SIZE 44827 MODSEQ (65402401112))")
    assert data == FetchData(
        12,
        (b"FLAGS", b"UID", b"RFC822.SIZE", b"MODSEQ"),
        uid=4827313,
        flags=(rb"\Seen", rb"\Recent", b"$x"),
        size=44827,
        mod_seq=65402401112,
    )


@pytest.mark.parametrize(
    ("octets", "moment"),
    [
        (
            b"17-Jul-1996 02:44:25 -0700",
            datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(-timedelta(hours=7))),
        ),
        (b" 1-jan-2026 00:00:00 +0000", datetime(2026, 1, 1, tzinfo=UTC)),
        (b"31-Dec-2016 23:59:60 +0000", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_internal_date(octets: bytes, moment: datetime) -> None:
    assert fetched(b'(INTERNALDATE "' + octets + b'")').internal_date == moment


def test_envelope() -> None:
    gray = Address(b"Terry Gray", None, b"gray", b"cac.washington.edu")
    assert fetched(RFC_ENVELOPE).envelope == Envelope(
        b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)",
        b"IMAP4rev2 WG mtg summary and minutes",
        (gray,),
        (gray,),
        (gray,),
        (Address(None, None, b"imap", b"cac.washington.edu"),),
        (
            Address(None, None, b"minutes", b"CNRI.Reston.VA.US"),
            Address(b"John Klensin", None, b"KLENSIN", b"MIT.EDU"),
        ),
        (),
        None,
        b"<B27397-0100000@cac.washington.edu>",
    )


def test_groups_in_envelopes() -> None:
    begins, ends = Address(None, None, b"friends", None), Address(None, None, None, None)
    assert begins.begins_group
    assert not begins.ends_group
    assert ends.ends_group
    assert not ends.begins_group


def test_sections() -> None:
    data = fetched(
        b'(BODY[] {5}\r\na\r\n)b BODY[TEXT]<0> "ab" BODY[1.2.MIME] NIL '
        b'BODY[HEADER.FIELDS (subject "From")] "" BINARY[1] ~{3}\r\n\0\r\n '
        b'BINARY.SIZE[1.2] 7 RFC822.HEADER "h")'
    )
    assert data.message == b"a\r\n)b"
    assert data.section(b"BODY.PEEK[TEXT]<0.2>") == b"ab"
    assert data.section(b"body[1.2.mime]") is None
    assert data.has(b"BODY[1.2.MIME]")
    assert not data.has(b"BODY[1.3.MIME]")
    assert data.section("BODY.PEEK[HEADER.FIELDS (Subject From)]") == b""
    assert data.section(b"BINARY[1]") == b"\0\r\n"
    assert data.binary_sizes == {b"BINARY.SIZE[1.2]": 7}
    assert data.section(b"RFC822.HEADER") == b"h"


def test_items_of_extensions() -> None:
    data = fetched(
        b'(PREVIEW "Hello" EMAILID (M6d99) THREADID NIL SAVEDATE NIL '
        b'X-GM-LABELS (\\Inbox "a b") ANNOTATION NIL)'
    )
    assert (data.preview, data.email_id, data.thread_id, data.save_date) == (b"Hello", b"M6d99", None, None)
    assert data.others == ((b"X-GM-LABELS", (rb"\Inbox", b"a b")), (b"ANNOTATION", None))


def test_a_section_without_its_bracket_is_ours_to_mend() -> None:
    with pytest.raises(LocalProtocolError):
        canonical_section(b"BODY[TEXT")


def test_body_structure_of_a_text() -> None:
    octets = b'("TEXT" "plain" ("CHARSET" "US-ASCII") NIL NIL "7bit" 3028 92)'
    assert fetched(b"(BODY " + octets + b")").body == structure(octets)
    text = structure(octets)
    assert text == BodyStructure(
        b"TEXT", b"PLAIN", ((b"CHARSET", b"US-ASCII"),), encoding=b"7BIT", octets=3028, lines=92
    )
    assert text.part(1) is text
    assert text.part(2) is None
    assert text.part(1, 1) is None


def test_body_structure_with_extension_data() -> None:
    octets = (
        b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1152 23 NIL ("inline" NIL) '
        b'("en" "de") "http://x/" NIL (1 ("a" NIL)))'
        b'("IMAGE" "PNG" NIL "<id>" "Compiler diff" "BASE64" 4554 '
        b'"md5==" ("attachment" ("filename" "a.png")) "en")'
        b' "MIXED" ("BOUNDARY" "x") NIL)'
    )
    tree = structure(octets)
    assert tree.is_multipart
    assert tree.is_extensible
    assert (tree.subtype, tree.parameters) == (b"MIXED", ((b"BOUNDARY", b"x"),))
    text, image = tree.parts
    assert text.languages == (b"en", b"de")
    assert text.location == b"http://x/"
    assert text.extensions == (None, (b"1", (b"a", None)))
    assert text.disposition == Disposition(b"inline", ())
    assert (image.md5, image.languages) == (b"md5==", (b"en",))
    assert image.disposition == Disposition(b"attachment", ((b"filename", b"a.png"),))
    assert tree.part(2) is image
    assert tree.part(3) is None


def test_body_structure_of_a_message() -> None:
    envelope = RFC_ENVELOPE.removeprefix(b"(ENVELOPE ").removesuffix(b")")
    inner = b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("TEXT" "HTML" NIL NIL NIL "7BIT" 2 1) "ALTERNATIVE")'
    message = b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 342 ' + envelope + b" " + inner + b" 4)"
    tree = structure(b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)' + message + b' "MIXED")')
    attached = tree.part(2)
    assert attached is not None
    assert (attached.octets, attached.lines) == (342, 4)
    assert attached.envelope == fetched(RFC_ENVELOPE).envelope
    html = tree.part(2, 2)
    assert html is not None
    assert html.subtype == b"HTML"


def test_part_one_of_a_message_that_is_no_multipart() -> None:
    envelope = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
    message = structure(
        b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 342 '
        + envelope
        + b' ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) 4)'
    )
    assert message.part(1) is message
    assert message.part(1, 1) is message.message
    assert message.part(1, 1, 1) is None


def test_message_global_is_basic_or_a_message() -> None:
    basic = structure(b'("MESSAGE" "GLOBAL" NIL NIL NIL "8BIT" 342 NIL)')
    assert basic.is_extensible
    assert basic.message is None


@given(
    octets=st.binary(max_size=40).map(lambda octets: octets.replace(b"\0", b"")),
    flags=st.lists(st.sampled_from([rb"\Seen", rb"\Draft", b"$x"]), unique=True),
    uid=st.integers(1, 2**32 - 1),
)
def test_what_is_written_is_read(octets: bytes, flags: list[bytes], uid: int) -> None:
    data = fetched(b"(BODY[] {%d}\r\n%s UID %d FLAGS (%s))" % (len(octets), octets, uid, b" ".join(flags)))
    assert (data.message, data.uid, data.flags) == (octets, uid, tuple(flags))


REFUSED = [
    # what follows "* 12 FETCH ", and the offset in that
    (b"", 0),
    (b"()", 1),
    (b"FLAGS ()", 0),
    (b"(FLAGS)", 6),
    (b"(FLAGS () )", 10),
    (b"(FLAGS ()UID 1)", 9),
    (b"( FLAGS ())", 1),
    (b"(FLAGS ()) ", 10),
    (rb"(FLAGS (\))", 8),
    (rb"(FLAGS (\*))", 8),
    (b"(UID 0)", 5),
    (b"(UID -1)", 5),
    (b"(RFC822.SIZE 9223372036854775808)", 13),
    (b"(MODSEQ 7)", 8),
    (b"(MODSEQ (0))", 9),
    (b'(INTERNALDATE "1-Jan-2026 00:00:00 +0000")', 14),
    (b'(INTERNALDATE "31-Feb-2026 00:00:00 +0000")', 14),
    (b'(INTERNALDATE "01-Jan-2026 24:00:00 +0000")', 14),
    (b'(INTERNALDATE "01-Jan-2026 00:00:00 +0060")', 14),
    (b'(INTERNALDATE "01-Jan-2026 00:00:00 GMT")', 14),
    (b"(INTERNALDATE NIL)", 14),
    (b"(BODY[] {3}\r\nab)", 16),
    (b"(BODY[] {9}\r\nab)", 8),
    (b"(BODY[] {3+}\r\nabc)", 8),
    (b"(BODY[] {3}\r\na\0c)", 14),
    (b"(BODY[] abc)", 8),
    (b"(BODY[] ~{3}\r\nabc)", 8),
    (b"(BODY[NONE] NIL)", 6),
    (b"(BODY[MIME] NIL)", 6),
    (b"(BODY[0] NIL)", 6),
    (b"(BODY[1.] NIL)", 8),
    (b"(BODY[HEADER.FIELDS ()] NIL)", 21),
    (b"(BODY[HEADER.FIELDS] NIL)", 19),
    (b"(BODY[]<-1> NIL)", 8),
    (b"(BODY[]<0.5> NIL)", 9),
    (b"(BINARY[TEXT] NIL)", 8),
    (b"(EMAILID M6d99)", 9),
    (b"(EMAILID (M/6))", 11),
    (b"(ENVELOPE NIL)", 10),
    (b"(ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))", 20),
    (b"(ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL))", 46),
    (b'(ENVELOPE (NIL NIL ((NIL NIL "a" "b") (NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL))', 37),
    (b"(ENVELOPE (NIL subject NIL NIL NIL NIL NIL NIL NIL NIL))", 15),
    (b'(BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1))', 42),
    (b'(BODY ("TEXT" "PLAIN" () NIL NIL "7BIT" 1 1))', 23),
    (b'(BODY ("TEXT" "PLAIN" ("a") NIL NIL "7BIT" 1 1))', 26),
    (b'(BODY ("TEXT" "PLAIN" NIL NIL NIL NIL 1 1))', 34),
    (b'(BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL))', 44),
    (b'(BODY ("IMAGE" "PNG" NIL NIL NIL "7BIT" 1 "md5"))', 41),
    (b'(BODY ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1))', 46),
    (b'(BODY (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) "MIXED"))', 47),
    (b'(BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL NIL ()))', 63),
    (b"(BODYSTRUCTURE ())", 16),
    (b"(X-THING )", 9),
]


@pytest.mark.parametrize(("items", "offset"), REFUSED)
def test_what_the_grammar_refuses(items: bytes, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        fetched(items)
    assert refusal.value.offset - len(b"* 12 FETCH ") == offset, refusal.value


def test_a_body_too_deep_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="lists within lists"):
        structure(b"(" * 5000)
