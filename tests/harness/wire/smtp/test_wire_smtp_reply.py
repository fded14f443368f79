"""The strict reader of SMTP replies (RFC 5321 §4.2)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.vocabulary.errors import RemoteProtocolError
from harness.wire.smtp import EnhancedCode, Reply, ReplyReader
from harness.wire.smtp.reply import MAX_REPLY_OCTETS

TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\t"), max_size=40).map(
    str.encode
)
CODES = st.from_regex(rb"[2-5][0-5][0-9]", fullmatch=True)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    code = draw(CODES)
    lines = draw(st.lists(TEXTS, min_size=1, max_size=4))
    bare = not lines[-1] and draw(st.booleans())
    last = b"" if bare else b" " + lines[-1]
    octets = b"".join(code + b"-" + line + b"\r\n" for line in lines[:-1]) + code + last + b"\r\n"
    return Reply(int(code), tuple(lines), octets)


def read(*chunks: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for chunk in chunks for reply in reader.receive(chunk)]


def outcome(*chunks: bytes) -> tuple[list[Reply], tuple[str, int] | None]:
    """The replies, and what was expected at which octet where the grammar is broken."""
    reader = ReplyReader()
    replies: list[Reply] = []
    for chunk in chunks:
        try:
            replies += reader.receive(chunk)
        except RemoteProtocolError:
            break
    failure = reader.failure
    return replies, None if failure is None else (failure.expected, failure.offset)


@given(st.lists(replies(), max_size=4))
def test_every_reply_is_read_back(sent: list[Reply]) -> None:
    assert read(b"".join(reply.octets for reply in sent)) == sent


@given(st.lists(replies(), min_size=1, max_size=3), st.data())
def test_where_the_octets_are_cut_does_not_matter(sent: list[Reply], data: st.DataObject) -> None:
    octets = b"".join(reply.octets for reply in sent)
    border = data.draw(st.integers(0, len(octets)))
    assert read(octets[:border], octets[border:]) == sent


def test_one_octet_at_a_time() -> None:
    octets = b"250-mail.example\r\n250-SIZE 1000\r\n250 \r\n221\r\n"
    assert read(*(octets[at : at + 1] for at in range(len(octets)))) == read(octets)


def test_the_example_of_section_4_2_1() -> None:
    octets = (
        b"250-First line\r\n250-Second line\r\n250-234 Text beginning with numbers\r\n250 The last line\r\n"
    )
    (reply,) = read(octets)
    assert reply.code == 250
    assert reply.lines == (
        b"First line",
        b"Second line",
        b"234 Text beginning with numbers",
        b"The last line",
    )
    assert reply.text == b"First line\nSecond line\n234 Text beginning with numbers\nThe last line"
    assert reply.octets == octets


@pytest.mark.parametrize(
    "octets", [b"250\r\n", b"250 \r\n", b"250-\r\n250\r\n", b"250-\r\n250 \r\n", b"559 \t~\r\n"]
)
def test_a_reply_may_go_without_text(octets: bytes) -> None:
    (reply,) = read(octets)
    assert reply.octets == octets


BROKEN = [
    (b"150 no such severity\r\n", 0),
    (b"650 no such severity\r\n", 0),
    (b" 250 ok\r\n", 0),
    (b"\r\n", 0),
    (b"\n", 0),
    (b"265 second digit\r\n", 1),
    (b"2\r\n", 1),
    (b"25 ok\r\n", 2),
    (b"25O ok\r\n", 2),
    (b"250ok\r\n", 3),
    (b"250\tok\r\n", 3),
    (b"250_ok\r\n", 3),
    (b"2500 ok\r\n", 3),
    (b"250\n", 3),
    (b"250 ok\n", 6),
    (b"250 ok\r\r\n", 7),
    (b"250 o\rk\r\n", 6),
    (b"250 n\x00l\r\n", 5),
    (b"250 caf\xc3\xa9\r\n", 7),
    (b"250 del\x7f\r\n", 7),
    (b"250-a\r\n251 b\r\n", 9),
    (b"250-a\r\n550 b\r\n", 7),
    (b"250-a\r\nb\r\n", 7),
    (b"250-a\r\n\r\n", 7),
    (b"250 " + 507 * b"x" + b"\r\n", 512),
    (b"250-a\r\n250 " + 600 * b"x", 519),
    (b"334 " + 12300 * b"A", 12288),
]


@pytest.mark.parametrize(("octets", "offset"), BROKEN)
def test_what_the_grammar_forbids_is_refused_at_its_octet(octets: bytes, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        read(octets)
    assert refused.value.offset == offset
    assert octets.startswith(refused.value.octets)


@pytest.mark.parametrize("broken", [octets for octets, _ in BROKEN if len(octets) < 100])
def test_where_broken_octets_are_cut_does_not_matter(broken: bytes) -> None:
    octets = b"220 hello\r\n" + broken
    whole = outcome(octets)
    assert whole[1] is not None
    assert whole[0] == read(b"220 hello\r\n")
    for border in range(len(octets) + 1):
        assert outcome(octets[:border], octets[border:]) == whole


@given(
    st.binary(max_size=30)
    | st.from_regex(rb"[2-5]?[0-5]?[0-9][ -]?[a-\xff\r\n]{0,6}\r?\n?2?", fullmatch=True)
)
@example(b"250-a\r\n25")
@example(b"250 a\r\n\r")
def test_any_octets_give_the_same_in_one_piece_and_octet_by_octet(octets: bytes) -> None:
    assert outcome(octets) == outcome(*(octets[at : at + 1] for at in range(len(octets))))


def test_good_replies_before_a_broken_one_are_not_lost() -> None:
    reader = ReplyReader()
    assert [reply.code for reply in reader.receive(b"250 ok\r\nhello\r\n")] == [250]
    assert reader.failure is not None
    with pytest.raises(RemoteProtocolError, match="first digit"):
        reader.receive(b"250 ok\r\n")


def test_a_line_of_512_octets_is_legal_and_a_challenge_may_be_longer() -> None:
    assert read(b"250 " + 506 * b"x" + b"\r\n")[0].code == 250
    assert read(b"334 " + 4000 * b"A" + b"\r\n")[0].code == 334


def test_a_reply_without_end_is_given_up() -> None:
    line = b"250-" + 506 * b"x" + b"\r\n"
    with pytest.raises(RemoteProtocolError, match="mailproof's bound") as refused:
        read(line * (MAX_REPLY_OCTETS // len(line) + 1))
    assert refused.value.offset == MAX_REPLY_OCTETS


def test_utf8_is_taken_once_it_was_asked_for() -> None:
    reader = ReplyReader()
    reader.allow_utf8()
    (reply,) = reader.receive("251 Jörg\r\n".encode())
    assert reply.lines == ("Jörg".encode(),)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"2.1.0 ok", "2.1.0"),
        (b"5.7.11", "5.7.11"),
        (b"4.999.999  two spaces", "4.999.999"),
        (b"2.1.0ok", None),
        (b"3.1.0 ok", None),
        (b"2.1 ok", None),
        (b"2.1.1000 ok", None),
        (b"ok 2.1.0", None),
        (b"", None),
    ],
)
def test_enhanced_codes(line: bytes, code: str | None) -> None:
    (reply,) = read(b"250 " + line + b"\r\n")
    assert (reply.enhanced and str(reply.enhanced)) == code


def test_a_line_without_its_enhanced_code_can_be_seen() -> None:
    (reply,) = read(b"551-5.7.1 Forwarding to remote hosts disabled\r\n551 Select another host\r\n")
    assert reply.enhanced_codes == (EnhancedCode(5, 7, 1), None)


@pytest.mark.parametrize(("code", "positive"), [(250, True), (354, True), (450, False), (550, False)])
def test_agreement_shows_in_the_first_digit(code: int, positive: bool) -> None:
    (reply,) = read(b"%d x\r\n" % code)
    assert reply.is_positive is positive
    assert str(reply) == f"{code} x"
