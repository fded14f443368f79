"""Messages as octets with CRLF: header fields, folding, bodies with every kind of line (RFC 5322)."""

import itertools
import secrets

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

CRLF = b"\r\n"
LONGEST_LINE_OCTETS = 998
"""Without CRLF (RFC 5322 §2.1.1)."""

_PRINTABLE = "".join(map(chr, range(33, 127)))
_LINE_ALPHABET = _PRINTABLE + " \t"

_RUN = secrets.token_hex(6)
_SERIAL = itertools.count(1)

# Lines on which servers have stumbled: dots, mbox separators, boundaries, words that are commands.
_PECULIAR_LINES = (
    b"",
    b" ",
    b"\t",
    b"From here on",
    b">From there",
    b"--",
    b"-- ",
    b"QUIT",
    b"NIL",
    b"=",
    b"=20",
    b"{3}",
    b")",
    b"trailing spaces   ",
    b"Subject: not a header",
)
_DOT_LINES = (b".", b"..", b"...", b".a", b". ", b"..a", b"a.", b".\t.")


def unique_id() -> str:
    """A word that no other message in this or any other run has."""
    return f"{_RUN}.{next(_SERIAL)}"


def message_ids() -> SearchStrategy[bytes]:
    """`<...@mailproof.test>`, a fresh one for every example, also while Hypothesis shrinks or replays."""
    return st.builds(unique_id).map(lambda word: f"<{word}@mailproof.test>".encode("ascii"))


# Bodies


def lines(
    *, leading_dots: bool = False, eight_bit: bool = False, utf8: bool = False, long: bool = False
) -> SearchStrategy[bytes]:
    """One line of text without its CRLF: printable ASCII, space and tab, of 0 to 78 octets.

    `leading_dots` puts a dot first more often than not; `eight_bit` and `utf8` bring octets beyond ASCII, the
    former of no charset; `long` brings lines of up to 998 octets.
    """
    plain = st.text(_LINE_ALPHABET, max_size=40).map(str.encode)
    choices = [plain, st.sampled_from(_PECULIAR_LINES)]
    if leading_dots:
        choices += [st.sampled_from(_DOT_LINES), plain.map(lambda line: b"." + line)]
    if eight_bit:
        octets = st.binary(min_size=1, max_size=20)
        choices.append(octets.map(lambda line: line.translate(None, b"\r\n\0") + b"\xff"))
    if utf8:
        letters = st.characters(min_codepoint=0xA1, exclude_categories=("C", "Z"))
        choices.append(st.text(letters, min_size=1, max_size=15).map(str.encode))
    if long:
        sizes = st.sampled_from([79, 510, 512, 996, 997, LONGEST_LINE_OCTETS])
        first = st.sampled_from([b".", b"x"])
        choices.append(st.builds(lambda mark, size: mark + b"y" * (size - 2) + b"z", first, sizes))
    return st.one_of(choices)


def text_lines(
    *,
    leading_dots: bool = False,
    eight_bit: bool = False,
    utf8: bool = False,
    long: bool = False,
    min_lines: int = 1,
    max_lines: int = 6,
) -> SearchStrategy[bytes]:
    """A body of whole lines, each with its CRLF; the kinds of line as for `lines`."""
    line = lines(leading_dots=leading_dots, eight_bit=eight_bit, utf8=utf8, long=long)
    return st.lists(line, min_size=min_lines, max_size=max_lines).map(
        lambda each: b"".join(one + CRLF for one in each)
    )


# Header fields


def field_names() -> SearchStrategy[bytes]:
    """Names of optional fields: `X-` and any printable ASCII but the colon (RFC 5322 §3.6.8)."""
    characters = [character for character in _PRINTABLE if character != ":"]
    return st.text(characters, min_size=1, max_size=12).map(lambda name: b"X-" + name.encode("ascii"))


def field_bodies(*, folded: bool = True, utf8: bool = False) -> SearchStrategy[bytes]:
    """Unstructured field bodies without the last CRLF; folded ones continue after CRLF and white space.

    A line consists of more than white space (RFC 5322 §3.2.2), and does not end in it, since signers and
    stores differ there.
    """
    alphabet = st.characters(min_codepoint=0xA1, exclude_categories=("C", "Z")) if utf8 else None
    words = st.text(_PRINTABLE, min_size=1, max_size=12).map(str.encode)
    if alphabet is not None:
        words |= st.text(alphabet, min_size=1, max_size=8).map(str.encode)
    spaces = [b" ", b"  ", b"\t"] + ([b"\r\n ", b"\r\n\t", b"\r\n   "] if folded else [])
    pieces = st.lists(st.tuples(st.sampled_from(spaces), words), max_size=5)
    return st.builds(
        lambda first, rest: first + b"".join(space + word for space, word in rest), words, pieces
    )


def fields(*, folded: bool = True, utf8: bool = False) -> SearchStrategy[bytes]:
    """One optional header field with its CRLF."""
    return st.builds(
        lambda name, body: name + b": " + body + CRLF, field_names(), field_bodies(folded=folded, utf8=utf8)
    )


def long_fields() -> SearchStrategy[bytes]:
    """One header field whose line is near the limit of 998 octets, or that has many folded lines."""
    near = st.sampled_from([78, 79, 512, 997, LONGEST_LINE_OCTETS]).map(
        lambda size: b"X-Long: " + b"x" * (size - 8) + CRLF
    )
    many = st.integers(20, 60).map(lambda count: b"X-Many:" + b" folded\r\n" * count)
    return near | many


# Messages


def compose(
    text: bytes = b"Hello.\r\n",
    *,
    sender: str = "sender@mailproof.test",
    to: str = "recipient@mailproof.test",
    subject: bytes = b"A message of mailproof",
    extra: bytes = b"",
    message_id: bytes | None = None,
) -> bytes:
    """Compose a message: the fields that RFC 5322 §3.6 demands, a fresh Message-ID, and `text` as its body.

    `extra` is whole header fields with their CRLF, and comes last in the header.
    """
    identifier = message_id or f"<{unique_id()}@mailproof.test>".encode("ascii")
    header = (
        b"From: <" + sender.encode() + b">\r\n"
        b"To: <" + to.encode() + b">\r\n"
        b"Subject: " + subject + CRLF + b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
        b"Message-ID: " + identifier + CRLF
    )
    return header + extra + CRLF + text


def conforming_messages(
    *,
    leading_dots: bool = True,
    eight_bit: bool = False,
    utf8: bool = False,
    long: bool = False,
    max_lines: int = 6,
    max_fields: int = 3,
) -> SearchStrategy[bytes]:
    """A whole message that RFC 5322 allows, with a Message-ID of its own.

    `eight_bit` and `utf8` put octets beyond ASCII into the body, and say so in MIME fields (RFC 6152); the
    header stays ASCII, as without SMTPUTF8 it must. `long` brings lines of up to 998 octets, also in the
    header.
    """
    text = text_lines(
        leading_dots=leading_dots, eight_bit=eight_bit, utf8=utf8, long=long, min_lines=0, max_lines=max_lines
    )
    field = fields() | long_fields() if long else fields()
    mime = b""
    if eight_bit or utf8:
        charset = b"x-unknown" if eight_bit else b"utf-8"
        mime = (
            b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset="
            + charset
            + CRLF
            + b"Content-Transfer-Encoding: 8bit\r\n"
        )
    return st.builds(
        lambda body, extra, subject, identifier: compose(
            body, extra=mime + b"".join(extra), subject=subject, message_id=identifier
        ),
        text,
        st.lists(field, max_size=max_fields),
        field_bodies(),
        message_ids(),
    )


def sized_messages(octets: int) -> SearchStrategy[bytes]:
    """Messages of exactly `octets`, at least 400, in lines of 78 and less."""

    def fill(identifier: bytes) -> bytes:
        head = compose(b"", message_id=identifier)
        missing = octets - len(head)
        full, rest = divmod(missing, 80)
        if rest == 1:
            full, rest = full - 1, rest + 80
        last = b"y" * (rest - 2) + CRLF if rest else b""
        return head + (b"x" * 78 + CRLF) * full + last

    return message_ids().map(fill)
