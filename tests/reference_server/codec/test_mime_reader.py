"""Headers, structure, addresses and texts of messages, on what is right and on any octets."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.imap.fetch_att import Section, read_fetch_items
from reference_server.codec.imap.lexer import CommandReader
from reference_server.codec.imap.section import extract
from reference_server.codec.mime.address import Address, parse_address_list
from reference_server.codec.mime.bodystructure import encode_body_structure
from reference_server.codec.mime.content import TEXT_PLAIN, parse_content_type, parse_disposition
from reference_server.codec.mime.envelope import encode_envelope
from reference_server.codec.mime.header import body_offset, iterate_fields
from reference_server.codec.mime.structure import MAX_DEPTH, MAX_PARTS, Part, find_part, parse_structure
from reference_server.codec.mime.text import body_texts, decode_words, header_text


def lines(*text: str) -> bytes:
    return "".join(line + "\r\n" for line in text).encode("utf-8")


NESTED = lines(
    "From: a@one.test",
    "Content-Type: multipart/mixed; boundary=outer",
    "",
    "preamble",
    "--outer",
    "",
    "first",
    "--outer",
    "Content-Type: message/rfc822",
    "",
    "Subject: inner",
    'Content-Type: multipart/alternative; boundary="in ner"',
    "",
    "--in ner",
    "Content-Type: text/html",
    "",
    "<p>",
    "--in ner ",
    "Content-Type: image/gif",
    "Content-Transfer-Encoding: base64",
    "",
    "R0lG",
    "--in ner--",
    "--outer--",
    "epilogue",
)


def fetched(octets: bytes, item: bytes) -> bytes | None:
    (section,) = read_fetch_items(CommandReader(item, []))
    assert isinstance(section, Section)
    return extract(octets, section, lambda: parse_structure(octets))


@pytest.mark.parametrize(
    ("item", "octets"),
    [
        (b"BODY[1]", b"first"),
        (b"BODY[1.MIME]", b"\r\n"),
        (b"BODY[1.HEADER]", None),
        (b"BODY[2.MIME]", b"Content-Type: message/rfc822\r\n\r\n"),
        (b"BODY[2.1]", b"<p>"),
        (b"BODY[2.2]", b"R0lG"),
        (b"BODY[2.2.MIME]", b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
        (b"BODY[2.HEADER.FIELDS (subject)]", b"Subject: inner\r\n\r\n"),
        (b"BODY[HEADER.FIELDS.NOT (content-type)]", b"From: a@one.test\r\n\r\n"),
        (b"BODY[2.3]", None),
        (b"BODY[3]", None),
        (b"BODY[1.1]", None),
        (b"BODY[]<5.3>", b" a@"),
        (b"BODY[]<100000.3>", b""),
        (b"BODY[3]<0.3>", None),
    ],
)
def test_sections(item: bytes, octets: bytes | None) -> None:
    assert fetched(NESTED, item) == octets


def test_a_message_that_is_no_multipart_has_one_part() -> None:
    message = lines("Subject: x", "", "text", "more")
    assert fetched(message, b"BODY[1]") == b"text\r\nmore\r\n"
    assert fetched(message, b"BODY[1.MIME]") == b"Subject: x\r\n\r\n"
    assert fetched(message, b"BODY[2]") is None
    assert fetched(message, b"BODY[1.1]") is None
    assert fetched(message, b"BODY[TEXT]") == b"text\r\nmore\r\n"


def test_body_structure_of_a_tree() -> None:
    written = encode_body_structure(NESTED, parse_structure(NESTED), extended=False)
    inner_size = len(fetched(NESTED, b"BODY[2]") or b"")
    assert written == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 5 0)'
        b'("message" "rfc822" NIL NIL NIL "7BIT" %d (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'(("text" "html" NIL NIL NIL "7BIT" 3 0)'
        b'("image" "gif" NIL NIL NIL "base64" 4) "alternative") 12) "mixed")' % inner_size
    )


def test_body_structure_with_extension_data() -> None:
    message = lines(
        "Content-Type: text/plain; charset=utf-8; name*0*=utf-8''a",
        "Content-Disposition: attachment; filename=x.txt",
        "Content-Language: de, en",
        "Content-MD5: Q2hlY2s=",
        "Content-Location: http://one.test/",
        "Content-ID: <1@one.test>",
        "Content-Description: what it is",
        "",
        "1",
    )
    assert encode_body_structure(message, parse_structure(message), extended=True) == (
        b'("text" "plain" ("charset" "utf-8" "name*0*" "utf-8\'\'a") "<1@one.test>" "what it is" "7BIT" 3 1 '
        b'"Q2hlY2s=" ("attachment" ("filename" "x.txt")) ("de" "en") "http://one.test/")'
    )


def test_a_digest_holds_messages() -> None:
    message = lines(
        "Content-Type: multipart/digest; boundary=b", "", "--b", "", "Subject: s", "", "t", "--b--"
    )
    root = parse_structure(message)
    assert root.children[0].is_message
    assert fetched(message, b"BODY[1.HEADER]") == b"Subject: s\r\n\r\n"
    assert fetched(message, b"BODY[1.1]") == b"t"


def test_a_multipart_without_parts_has_an_empty_one() -> None:
    for message in (
        lines("Content-Type: multipart/mixed", "", "x"),
        b"Content-Type: multipart/mixed;boundary=b",
    ):
        assert encode_body_structure(message, parse_structure(message), extended=False) == (
            b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 0 0) "mixed")'
        )


def test_a_delimiter_in_the_header_that_announces_it_is_none() -> None:
    message = b"Content-Type: multipart/mixed; boundary=b\n--b\n\n--b\n\nx"
    (child,) = parse_structure(message).children
    assert message[child.body : child.end] == b"x"


def test_bare_lf_ends_lines_too() -> None:
    message = NESTED.replace(b"\r\n", b"\n")
    assert fetched(message, b"BODY[2.1]") == b"<p>"
    assert fetched(message, b"BODY[HEADER.FIELDS (from)]") == b"From: a@one.test\n\n"


def _depth(part: Part) -> int:
    return 1 + max(map(_depth, part.children), default=0)


def test_depth_is_capped() -> None:
    header = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(1000))
    assert _depth(parse_structure(header.encode("ascii"))) <= MAX_DEPTH + 2
    messages = b"Content-Type: message/rfc822\r\n\r\n" * 1000
    root = parse_structure(messages)
    assert _depth(root) <= MAX_DEPTH + 2
    assert encode_body_structure(messages, root, extended=True).count(b'"rfc822"') <= MAX_DEPTH


def test_parts_are_capped() -> None:
    message = b"Content-Type: multipart/mixed; boundary=b\r\n" + b"\r\n--b\r\n" * 100_000
    assert len(parse_structure(message).children) <= MAX_PARTS


def test_a_million_octets_of_boundary() -> None:
    boundary = b"x" * 1_000_000
    message = (
        b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n--" + boundary + b"\r\n\r\nhi"
    )
    assert fetched(message, b"BODY[1]") == b"hi"


def test_fields_on_folded_and_broken_lines() -> None:
    header = b"Subject: one\r\n two\r\nno field\r\nX : 1\r\n\tfolded\r\n\r\n"
    fields = list(iterate_fields(header, 0, len(header)))
    assert [(field.name, field.value) for field in fields] == [
        (b"subject", b"one two"),
        (b"", b""),
        (b"x", b"1\tfolded"),
    ]
    assert body_offset(b"\r\nbody") == 2
    assert body_offset(b"no: body\r\n") == 10


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"a@b", [Address(None, None, b"a", b"b")]),
        (b'"Joe \\"Q\\" Public" <john.q@x.test>', [Address(b'Joe "Q" Public', None, b"john.q", b"x.test")]),
        (b"john.q@x.test (Joe (the) Q)", [Address(b"Joe (the) Q", None, b"john.q", b"x.test")]),
        (b"<@one.test,@two.test:u@three.test>", [Address(None, b"@one.test,@two.test", b"u", b"three.test")]),
        (
            b"A Group:Ed <e@x.test>,joe@y.test;, c@z.test",
            [
                Address(None, None, b"A Group", None),
                Address(b"Ed", None, b"e", b"x.test"),
                Address(None, None, b"joe", b"y.test"),
                Address(None, None, None, None),
                Address(None, None, b"c", b"z.test"),
            ],
        ),
        (
            b"Undisclosed recipients:;",
            [Address(None, None, b"Undisclosed recipients", None), Address(None, None, None, None)],
        ),
        (b'"a b"@[1.2.3.4]', [Address(None, None, b"a b", b"[1.2.3.4]")]),
        (b"Full Name <a@b>", [Address(b"Full Name", None, b"a", b"b")]),
        (b"nobody", [Address(None, None, b"nobody", b"")]),
        (b"", []),
        (b" , ,", []),
        (b"a@b <c@d> e", [Address(b"a", None, b"c", b"d")]),
        (
            b"g: a@b",
            [
                Address(None, None, b"g", None),
                Address(None, None, b"a", b"b"),
                Address(None, None, None, None),
            ],
        ),
        (b"[ a@b", [Address(None, None, b"[ a@b", b"")]),
    ],
)
def test_address_lists(value: bytes, addresses: list[Address]) -> None:
    assert parse_address_list(value) == addresses


def test_many_addresses_take_linear_time() -> None:
    value = b"a@b, " * 100_000 + b"(" * 100_000 + b'"' + b"\\" * 99_999
    assert len(parse_address_list(value)) == 100_000


def test_content_types() -> None:
    parsed = parse_content_type(b'text/html (a (b)) ; charset="ut\\f-8"; x = y; junk; z=1', TEXT_PLAIN)
    assert (parsed.type_, parsed.subtype) == (b"text", b"html")
    assert parsed.parameters == ((b"charset", b"utf-8"), (b"x", b"y"), (b"z", b"1"))
    assert parse_content_type(b"text", TEXT_PLAIN) is TEXT_PLAIN
    assert parse_disposition(b"inline") == (b"inline", ())
    assert len(parse_content_type(b"a/b" + b";name*0*=x" * 100_000, TEXT_PLAIN).parameters) <= 1000


def test_encoded_words() -> None:
    assert decode_words(b"=?ISO-8859-1?Q?a_b=E9?= =?utf-8?B?w6k=?= c") == "a béé c"
    assert decode_words(b"=?nothing?Q?a?= =?utf-8?X?a?=") == "a =?utf-8?X?a?="


def test_texts_for_search() -> None:
    message = lines(
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=",
        "",
        "Stra=C3=9F=",
        "e",
    )
    assert "".join(body_texts(message, parse_structure(message))) == "Straße\r\n"
    assert "grüße" in header_text(message, 0, body_offset(message))
    assert "inner" in "".join(body_texts(NESTED, parse_structure(NESTED)))


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/digest; boundary=bb\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/plain; charset=x\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: (",
        b"From: <@a:b",
        b"To: g:;",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"--b\r\n",
        b"--b--\r\n",
        b"--bb\r\n",
        b"--bb--",
        b"text",
        b"\x00\xff",
        b'"',
        b"=?utf-8?b?",
    ]
)
MESSAGES = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=40).map(b"".join))


def _assert_whole(part: Part, start: int, end: int) -> None:
    assert start <= part.start <= part.body <= part.end <= end
    at = part.body
    for child in part.children:
        assert child.start >= at
        _assert_whole(child, part.body, part.end)
        at = child.end
    if part.is_multipart:
        assert part.children


@given(MESSAGES)
def test_any_octets_have_a_structure(octets: bytes) -> None:
    root = parse_structure(octets)
    _assert_whole(root, 0, len(octets))
    assert root.end == len(octets)
    for extended in (False, True):
        written = encode_body_structure(octets, root, extended=extended)
        assert written.startswith(b"(")
        assert written.endswith(b")")
    assert encode_envelope(octets, 0, body_offset(octets)).startswith(b"(")
    assert "".join(body_texts(octets, root)) is not None


@given(MESSAGES)
def test_header_and_text_are_the_message(octets: bytes) -> None:
    header = fetched(octets, b"BODY[HEADER]")
    text = fetched(octets, b"BODY[TEXT]")
    assert header is not None
    assert text is not None
    assert header + text == octets
    fields = fetched(octets, b"BODY[HEADER.FIELDS.NOT (x-none)]")
    assert fields == header


@given(MESSAGES, st.integers(0, 400), st.integers(1, 400))
def test_partials_are_slices(octets: bytes, first: int, count: int) -> None:
    assert fetched(octets, b"BODY[]<%d.%d>" % (first, count)) == octets[first : first + count]


@given(MESSAGES, st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_parts_are_found_in_the_tree_or_not_at_all(octets: bytes, numbers: list[int]) -> None:
    root = parse_structure(octets)
    part = find_part(root, tuple(numbers))
    assert part is None or 0 <= part.body <= part.end <= len(octets)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b'Content-Type: text/plain; a="' + b"x" * 1_000_000 + b'"\r\n\r\n', id="parameter"),
        pytest.param(b'Content-Type: text/plain; "' + b"x" * 1_000_000 + b'"\r\n\r\n', id="nothing"),
        pytest.param(b'From: "' + b"x" * 1_000_000 + b'" <a@b>\r\n\r\n', id="phrase"),
        pytest.param(b"X: 1\r\n" + b" a\r\n" * 250_000 + b"\r\n", id="folds"),
    ],
)
def test_memory_stays_in_proportion(message: bytes) -> None:
    """A repetition of a group that `re` can go back into costs a hundred octets for every round."""
    tracemalloc.start()
    try:
        encode_body_structure(message, parse_structure(message), extended=True)
        encode_envelope(message, 0, len(message))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(message)


def test_semicolons_are_capped() -> None:
    message = b"Content-Type: text/plain;" + b"a=b;" * 100 + b";" * 200 + b"c=d\r\n\r\n"
    assert parse_structure(message).content_type.parameters == ((b"a", b"b"),) * 100


def test_lines_of_dashes_are_capped() -> None:
    header = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
    assert len(parse_structure(header + b"--\r\n" * 400_000 + b"--b\r\n\r\n").children) == 2
    assert len(parse_structure(header + b"--\r\n" * 600_000 + b"--b\r\n\r\n").children) == 1
