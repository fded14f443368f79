"""RFC 3501 §6.4.5, §7.4.2: FETCH of whole messages, of pieces, and of what goes with them."""

from hypothesis import strategies as st

from harness.conformance import (
    MUST_NOT,
    PROSE,
    SHOULD,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
)
from harness.strategies import messages
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import SEEN
from harness.wire.imap import FetchData
from suites.imap.talk import IMAP, data_of, flags_of, octets_of
from suites.imap.tampering import ChangedLiterals, During, Remembering, counted

_MESSAGES = messages.conforming_messages(long=True)
_SEEN = SEEN.lower()
_PARTIALS = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from([1, 2, 3, 10, 79, 500, 4096, 2**31])),
    min_size=2,
    max_size=8,
)


@requirement(
    "rfc3501/7.4.2/body-whole",
    level=PROSE,
    needs=IMAP,
    refuted_by=ChangedLiterals(lambda octets: octets.replace(b"\r\n", b"\n")),
    also=[
        "rfc9051/7.5.2/body-whole",
        "rfc3501/6.4.5/empty-section",
        "rfc9051/6.4.5/empty-section",
        "rfc3501/4.3/literal-count",
        "rfc9051/4.3/literal-count",
    ],
)
@given(text=_MESSAGES)
def test_body_is_the_whole_message(target: Target, text: bytes) -> None:
    """BODY[] is the message as it was appended, with its CRLFs, and never truncated."""
    with target.imap_mailbox() as box:
        box.append(text)
        verify_equal("BODY[]", expected=text, actual=octets_of(box.client, 1))


@requirement(
    "rfc3501/2.3.4/size",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(
        rb"RFC822\.SIZE ([0-9]+)", lambda found: b"RFC822.SIZE %d" % (int(found.group(1)) - 2)
    ),
    also=["rfc9051/2.3.4/size", "rfc9051/2.3.4/size-matches-body"],
)
@given(texts=st.lists(_MESSAGES, min_size=1, max_size=3))
def test_size_is_the_number_of_octets(target: Target, texts: list[bytes]) -> None:
    """RFC822.SIZE is the length of the message as BODY[] has it."""
    with target.imap_mailbox() as box:
        for text in texts:
            box.append(text)
        for number in range(1, len(texts) + 1):
            result = box.client.fetch(number, b"RFC822.SIZE BODY.PEEK[]")
            verify_ok(result)
            whole = data_of(result, number, b"BODY[]").message or b""
            size = data_of(result, number, b"RFC822.SIZE").size
            verify_equal("RFC822.SIZE", expected=len(whole), actual=size)


@requirement(
    "rfc3501/6.4.5/partial",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(
        rb"(BODY\.PEEK\[\w*\]<[0-9]+\.)([0-9]+)>", lambda found: found[1] + b"%d>" % (int(found[2]) + 1)
    ),
    also=["rfc9051/6.4.5/partial"],
)
@given(text=_MESSAGES, partials=_PARTIALS)
def test_a_partial_is_a_substring(target: Target, text: bytes, partials: list[tuple[int, int]]) -> None:
    """`<o.n>` is the n octets from o on, fewer at the end, and says the origin o, also where that is 0."""
    with target.imap_mailbox() as box:
        box.append(text)
        whole = {b"": text, b"TEXT": octets_of(box.client, 1, b"BODY.PEEK[TEXT]") or b""}
        for section, octets in whole.items():
            for start, length in partials:
                if start >= len(octets):
                    continue
                item = b"BODY.PEEK[%s]<%d.%d>" % (section, start, length)
                verify_equal(
                    item.decode(),
                    expected=octets[start : start + length],
                    actual=octets_of(box.client, 1, item),
                )


@requirement(
    "rfc3501/6.4.5/partial-beyond-end",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(BODY\.PEEK\[\w*\])<[0-9]+\.", rb"\1<0."),
    also=["rfc9051/6.4.5/partial-beyond-end"],
)
@given(text=_MESSAGES, beyond=st.integers(0, 2**31), length=st.integers(1, 2**31))
def test_a_partial_beyond_the_end_is_empty(target: Target, text: bytes, beyond: int, length: int) -> None:
    """A partial that starts behind the last octet is the empty string."""
    with target.imap_mailbox() as box:
        box.append(text)
        for section in (b"", b"HEADER"):
            start = len(text) + beyond
            item = b"BODY.PEEK[%s]<%d.%d>" % (section, start, length)
            result = box.client.fetch(1, item)
            verify_ok(result)
            wanted = b"BODY[%s]<%d>" % (section, start)
            verify_equal(item.decode(), expected=b"", actual=data_of(result, 1, wanted).section(wanted))


@requirement(
    "rfc3501/6.4.5/header-and-text",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"BODY\.PEEK\[HEADER\]", b"BODY.PEEK[HEADER]<0.20>")
    + Rewrite.from_server(rb"BODY\[HEADER\]<0>", b"BODY[HEADER]"),
    also=["rfc9051/6.4.5/header-and-text"],
)
@given(text=_MESSAGES)
def test_header_and_text_make_the_message(target: Target, text: bytes) -> None:
    """BODY[HEADER] is the header with the empty line, BODY[TEXT] all that follows."""
    with target.imap_mailbox() as box:
        box.append(text)
        border = text.index(b"\r\n\r\n") + 4
        verify_equal(
            "BODY[HEADER]", expected=text[:border], actual=octets_of(box.client, 1, b"BODY.PEEK[HEADER]")
        )
        verify_equal(
            "BODY[TEXT]", expected=text[border:], actual=octets_of(box.client, 1, b"BODY.PEEK[TEXT]")
        )


@requirement(
    "rfc3501/6.4.5/rfc822-equivalents",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"RFC822\.TEXT", b"RFC822.HEADER"),
)
@given(text=_MESSAGES)
def test_the_rfc822_items_are_sections(target: Target, text: bytes) -> None:
    r"""RFC822, .HEADER and .TEXT are as BODY[], BODY[HEADER] and BODY[TEXT]; .HEADER sets no \Seen."""
    with target.imap_mailbox() as box:
        box.append(text)
        border = text.index(b"\r\n\r\n") + 4
        header = octets_of(box.client, 1, b"RFC822.HEADER")
        verify_equal("RFC822.HEADER", expected=text[:border], actual=header)
        verify(_SEEN not in flags_of(box.client, 1), expected=r"no \Seen", actual=r"\Seen was set")
        verify_equal("RFC822", expected=text, actual=octets_of(box.client, 1, b"RFC822"))
        verify_equal("RFC822.TEXT", expected=text[border:], actual=octets_of(box.client, 1, b"RFC822.TEXT"))


# Header fields

_NAMES = st.lists(
    st.sampled_from([b"Subject", b"FROM", b"to", b"X-Note", b"x-other", b"Message-ID", b"X-Absent", b"Sub"]),
    min_size=1,
    max_size=4,
    unique=True,
)
_EXTRA = st.lists(
    st.sampled_from(
        [
            b"X-Note: one\r\n",
            b"x-note: two\r\n folded\r\n",
            b"X-Other:\r\n",
            b"X-Note-Too: three\r\n",
            b"X-Other: a:b\r\n",
        ]
    ),
    max_size=4,
)


@requirement(
    "rfc3501/6.4.5/header-fields",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"HEADER\.FIELDS \(", b"HEADER.FIELDS (X-Note "),
    also=["rfc9051/6.4.5/header-fields"],
)
@given(extra=_EXTRA, names=_NAMES)
def test_header_fields_are_those_named(target: Target, extra: list[bytes], names: list[bytes]) -> None:
    """HEADER.FIELDS is the fields of these names, in any case, in their order, and the empty line."""
    _judge_subset(target, extra, names, b"HEADER.FIELDS", wanted=True)


@requirement(
    "rfc3501/6.4.5/header-fields-not",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"HEADER\.FIELDS\.NOT \(", b"HEADER.FIELDS.NOT (Date "),
    also=["rfc9051/6.4.5/header-fields-not"],
)
@given(extra=_EXTRA, names=_NAMES)
def test_header_fields_not_are_all_others(target: Target, extra: list[bytes], names: list[bytes]) -> None:
    """HEADER.FIELDS.NOT is all fields but those of these names, and the empty line."""
    _judge_subset(target, extra, names, b"HEADER.FIELDS.NOT", wanted=False)


def _judge_subset(
    target: Target, extra: list[bytes], names: list[bytes], item: bytes, *, wanted: bool
) -> None:
    text = compose(extra=b"".join(extra))
    lower = {name.lower() for name in names}
    subset = [field for field in _fields(text) if (field.split(b":")[0].lower() in lower) is wanted]
    with target.imap_mailbox() as box:
        box.append(text)
        section = b"BODY.PEEK[%s (%s)]" % (item, b" ".join(names))
        result = box.client.fetch(1, section)
        verify_ok(result)
        # A server may write the names in another form or order: the one section there is counts.
        found = [octets for data in result.all(FetchData) for octets in data.sections.values()]
        verify_equal(section.decode(), expected=[b"".join(subset) + b"\r\n"], actual=found)


def _fields(text: bytes) -> list[bytes]:
    """The header's fields, each with its CRLF and its folded lines."""
    fields: list[bytes] = []
    for line in text[: text.index(b"\r\n\r\n") + 2].splitlines(keepends=True):
        if line[:1] in {b" ", b"\t"}:
            fields[-1] += line
        else:
            fields.append(line)
    return fields


# Items and macros

_MACROS = {
    b"ALL": (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"),
    b"FAST": (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE"),
    b"FULL": (b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY"),
}


@requirement(
    "rfc3501/6.4.5/macros",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(FETCH \S+ )FULL", rb"\1ALL"),
    also=["rfc9051/6.4.5/macros"],
)
def test_macros_stand_for_their_items(target: Target) -> None:
    """ALL, FAST and FULL return exactly the items that they are equivalent to."""
    with target.imap_mailbox() as box:
        box.append(compose())
        for macro, items in _MACROS.items():
            result = box.client.fetch(1, macro)
            verify_ok(result)
            names = {name for data in result.all(FetchData) for name in data.names}
            verify_equal(f"the items of {macro.decode()}", expected=sorted(items), actual=sorted(names))


@requirement(
    "rfc3501/6.4.5/static-items",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=Remembering(
        rb"RFC822\.SIZE ([0-9]+)",
        lambda found, memory: b"RFC822.SIZE %d" % (int(found.group(1)) + counted(memory, b"size")),
    ),
    also=["rfc9051/6.4.5/static-items"],
)
@given(text=_MESSAGES)
def test_static_items_never_change(target: Target, text: bytes) -> None:
    """Size, date, envelope, structure and text of a message are the same whenever they are fetched."""
    items = b"UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[]"
    with target.imap_mailbox() as box:
        box.append(text)
        known = None
        for client in (box.client, box.client, box.second()):
            verify_ok(client.store(1, b"FLAGS.SILENT", [rb"\Flagged"]))
            result = client.fetch(1, items)
            verify_ok(result)
            data = data_of(result, 1, b"BODYSTRUCTURE")
            now = (data.uid, data.internal_date, data.size, data.envelope, data.body_structure, data.message)
            if known is not None:
                verify_equal("the static items", expected=known, actual=now)
            known = now


# The flag \Seen


@requirement(
    "rfc3501/6.4.5/body-sets-seen",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"BODY\[", b"BODY.PEEK["),
    also=["rfc9051/6.4.5/body-sets-seen"],
)
@given(
    section=st.sampled_from(
        [b"BODY[]", b"BODY[TEXT]", b"BODY[HEADER]", b"BODY[1]", b"BODY[]<0.4>", b"RFC822"]
    )
)
def test_fetching_a_body_sets_seen(target: Target, section: bytes) -> None:
    r"""FETCH of BODY[...], of RFC822 and of RFC822.TEXT sets \Seen, for other sessions too."""
    with target.imap_mailbox() as box:
        box.append(compose())
        verify_ok(box.client.fetch(1, section))
        for client in (box.client, box.second()):
            flags = flags_of(client, 1)
            verify(_SEEN in flags, expected=rf"\Seen after FETCH {section.decode()}", actual=sorted(flags))


@requirement(
    "rfc3501/6.4.5/seen-told",
    level=SHOULD,
    needs=IMAP,
    refuted_by=During(b"FETCH", Rewrite.from_server(rb" ?FLAGS \([^)]*\)", b"")),
    also=["rfc9051/6.4.5/seen-told"],
)
def test_a_changed_seen_flag_is_told(target: Target) -> None:
    r"""Where FETCH of a body sets \Seen, the FETCH responses include the new flags."""
    with target.imap_mailbox() as box:
        box.append(compose())
        result = box.client.fetch(1, b"BODY[]")
        verify_ok(result)
        told = [data.flags for data in result.all(FetchData) if data.flags is not None]
        verify(any(SEEN in flags for flags in told), expected=r"FLAGS with \Seen", actual=result.octets)


@requirement(
    "rfc3501/6.4.5/peek",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"BODY\.PEEK\[", b"BODY["),
    also=["rfc9051/6.4.5/peek"],
)
@given(
    items=st.lists(
        st.sampled_from(
            [
                b"BODY.PEEK[]",
                b"BODY.PEEK[TEXT]",
                b"BODY.PEEK[HEADER]",
                b"BODY.PEEK[1]",
                b"BODY.PEEK[]<0.4>",
                b"BODY.PEEK[HEADER.FIELDS (Subject)]",
                b"ENVELOPE",
                b"BODYSTRUCTURE",
                b"FULL",
            ]
        ),
        min_size=1,
        max_size=4,
    )
)
def test_peek_sets_no_flag(target: Target, items: list[bytes]) -> None:
    r"""BODY.PEEK[...] and the items that are no text leave \Seen alone."""
    with target.imap_mailbox() as box:
        box.append(compose())
        for item in items:
            verify_ok(box.client.fetch(1, item))
            for client in (box.client, box.second()):
                verify_equal(f"flags after {item.decode()}", expected=frozenset(), actual=flags_of(client, 1))
