"""SEARCH programs, and their meaning in plain Python: what a server finds can be compared with what is there.

A program is a tree of keys; `octets` is how it travels, `numbers(corpus)` what it finds (RFC 9051 §6.4.4).
`CORPUS` is a mailbox of messages that differ in everything the keys ask for; a check appends these, in order,
and then searches. Left out are keys whose meaning the RFC leaves to the server or the session: RECENT, NEW,
OLD, and strings beyond ASCII.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from harness.vocabulary.imap import ANSWERED, DELETED, DRAFT, FLAGGED, MONTHS, SEEN

KEYWORD = b"$Forwarded"


@dataclass(frozen=True, slots=True)
class CorpusMessage:
    """A message as the keys see it."""

    fields: tuple[tuple[str, str], ...]
    """Header field names and bodies, unfolded."""
    text: str
    flags: frozenset[bytes]
    internal_date: datetime
    sent: datetime

    @property
    def octets(self) -> bytes:
        """The message as it is appended."""
        header = "".join(f"{name}: {body}\r\n" for name, body in self.fields)
        return (header + "\r\n" + self.text).encode("ascii")

    def bodies(self, name: str) -> list[str]:
        """The bodies of the fields of that name."""
        return [body for each, body in self.fields if each.lower() == name.lower()]


@dataclass(frozen=True, slots=True)
class Place:
    """A message in its mailbox: what sequence sets and UIDs are about."""

    message: CorpusMessage
    number: int
    uid: int
    count: int
    last_uid: int


@dataclass(frozen=True, slots=True)
class Program:
    """A search key, and what it means."""

    octets: bytes
    matches: Callable[[Place], bool]

    def numbers(self, corpus: Sequence[CorpusMessage], uids: Sequence[int] | None = None) -> tuple[int, ...]:
        """The message numbers that it finds; `uids` are those of the corpus, by default 1, 2, 3..."""
        all_uids = uids or range(1, len(corpus) + 1)
        places = (
            Place(message, number, uid, len(corpus), all_uids[-1])
            for number, (message, uid) in enumerate(zip(corpus, all_uids, strict=True), start=1)
        )
        return tuple(place.number for place in places if self.matches(place))

    def __repr__(self) -> str:
        return f"Program({self.octets!r})"


def _message(
    subject: str,
    sender: str,
    to: str,
    *,
    sent: datetime,
    received: datetime,
    flags: Sequence[bytes],
    text: str,
    **more: str,
) -> CorpusMessage:
    fields = [
        ("From", sender),
        ("To", to),
        ("Subject", subject),
        ("Date", f"{sent.day:02d} {MONTHS[sent.month - 1].decode()} {sent.year} {sent:%H:%M:%S} +0000"),
        *((name.replace("_", "-"), body) for name, body in more.items()),
    ]
    return CorpusMessage(tuple(fields), text, frozenset(flags), received, sent)


def _utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, 30, tzinfo=UTC)


CORPUS: tuple[CorpusMessage, ...] = (
    _message(
        "Harvest in autumn",
        "Ada <ada@one.test>",
        "bob@two.test",
        sent=_utc(2021, 2, 3),
        received=_utc(2021, 2, 3),
        flags=[SEEN],
        text="The apples are ripe.\r\n",
    ),
    _message(
        "Re: Harvest in autumn",
        "bob@two.test",
        "ada@one.test, eve@three.test",
        sent=_utc(2021, 2, 4),
        received=_utc(2021, 2, 6),
        flags=[SEEN, ANSWERED],
        text="So are the pears.\r\nAll of them.\r\n",
        Cc="carol@four.test",
        In_Reply_To="<a1@one.test>",
    ),
    _message(
        "Minutes of the meeting",
        "carol@four.test",
        "ada@one.test",
        sent=_utc(2021, 3, 1),
        received=_utc(2021, 3, 2),
        flags=[FLAGGED],
        text="Nobody came; nothing was said.\r\n" * 40,
        X_Project="orchard",
    ),
    _message(
        "orchard accounts",
        "Eve <eve@three.test>",
        "bob@two.test",
        sent=_utc(2020, 12, 31),
        received=_utc(2021, 3, 2),
        flags=[],
        text="Apples: 12\r\nPears: 7\r\n",
        Bcc="dan@five.test",
    ),
    _message(
        "A draft",
        "ada@one.test",
        "carol@four.test",
        sent=_utc(2021, 5, 9),
        received=_utc(2021, 5, 9),
        flags=[DRAFT, KEYWORD],
        text="",
        X_Project="",
    ),
    _message(
        "to be thrown away",
        "dan@five.test",
        "ada@one.test",
        sent=_utc(2022, 1, 1),
        received=_utc(2022, 1, 1),
        flags=[DELETED, SEEN, FLAGGED],
        text="Please delete (me).\r\n",
    ),
    _message(
        "Harvest, the end",
        "ada@one.test",
        "bob@two.test",
        sent=_utc(2022, 11, 30),
        received=_utc(2022, 12, 1),
        flags=[SEEN, KEYWORD],
        text='The "last" apple fell.\r\n' * 5,
        Cc="eve@three.test",
    ),
)
"""Seven messages; no two have the same flags, dates or size."""

_FLAG_KEYS = {
    b"ANSWERED": ANSWERED,
    b"DELETED": DELETED,
    b"DRAFT": DRAFT,
    b"FLAGGED": FLAGGED,
    b"SEEN": SEEN,
    b"KEYWORD " + KEYWORD: KEYWORD,
}
_WORDS = ("apple", "PEARS", "harvest", "ada@one", "bob", "the", "(me)", '"last"', "absent", "orchard", "eve")


def flag_keys() -> SearchStrategy[Program]:
    """ANSWERED, UNANSWERED and so on, KEYWORD and UNKEYWORD."""
    return st.builds(_flag_key, st.sampled_from(sorted(_FLAG_KEYS)), st.booleans())


def date_keys() -> SearchStrategy[Program]:
    """BEFORE, ON and SINCE, by the internal date and by the Date field, on days around the corpus's."""
    days = st.sampled_from(
        sorted({each.date() for message in CORPUS for each in (message.internal_date, message.sent)})
    )
    return st.builds(_date_key, st.sampled_from(["BEFORE", "ON", "SINCE"]), st.booleans(), days)


def size_keys() -> SearchStrategy[Program]:
    """LARGER and SMALLER, with sizes of the corpus itself, where the equal is neither."""
    sizes = st.sampled_from([len(message.octets) for message in CORPUS]) | st.sampled_from([0, 1, 2**31])
    larger = sizes.map(
        lambda size: Program(b"LARGER %d" % size, lambda place: len(place.message.octets) > size)
    )
    smaller = sizes.map(
        lambda size: Program(b"SMALLER %d" % size, lambda place: len(place.message.octets) < size)
    )
    return larger | smaller


def string_keys() -> SearchStrategy[Program]:
    """SUBJECT, FROM, TO, CC, BCC, HEADER, BODY and TEXT, with words that are there and one that is not."""
    words = st.sampled_from(_WORDS)
    in_field = st.builds(_field_key, st.sampled_from(["SUBJECT", "FROM", "TO", "CC", "BCC"]), words)
    in_header = st.builds(
        _header_key, st.sampled_from(["Subject", "X-Project", "Absent"]), words | st.just("")
    )
    in_text = st.builds(_text_key, words, st.booleans())
    return in_field | in_header | in_text


def number_keys(uids: Sequence[int] | None = None) -> SearchStrategy[Program]:
    """Sequence sets and UID sets, ascending, descending and with `*`."""
    by_number = _sets(range(1, len(CORPUS) + 1), lambda place: (place.number, place.count), b"")
    by_uid = _sets(uids or range(1, len(CORPUS) + 1), lambda place: (place.uid, place.last_uid), b"UID ")
    return by_number | by_uid


def keys(uids: Sequence[int] | None = None) -> SearchStrategy[Program]:
    """One key of any kind."""
    every = st.just(Program(b"ALL", lambda _: True))
    return every | flag_keys() | date_keys() | size_keys() | string_keys() | number_keys(uids)


def simple_programs(uids: Sequence[int] | None = None) -> SearchStrategy[Program]:
    """One key, its negation, or two keys of which both or either must hold.

    Servers that simplify programs go wrong in deeper ones (Dovecot 2.3: `NOT (SEEN (ALL UNSEEN))`), and a
    check of these alone tells whether each key is understood.
    """
    key = keys(uids)
    return key | key.map(_negated) | st.builds(_either, key, key) | st.builds(_both, key, key)


def programs(uids: Sequence[int] | None = None, *, max_keys: int = 5) -> SearchStrategy[Program]:
    """Programs of any depth over these keys, with NOT, OR, parentheses and juxtaposition."""
    return st.recursive(keys(uids), _combined, max_leaves=max_keys)


def _combined(inner: SearchStrategy[Program]) -> SearchStrategy[Program]:
    return inner.map(_negated) | st.builds(_either, inner, inner) | st.builds(_both, inner, inner)


def _negated(program: Program) -> Program:
    return Program(b"NOT " + program.octets, lambda place: not program.matches(place))


def _either(one: Program, other: Program) -> Program:
    return Program(
        b"OR " + one.octets + b" " + other.octets, lambda place: one.matches(place) or other.matches(place)
    )


def _both(one: Program, other: Program) -> Program:
    # In parentheses, since NOT and OR take one key.
    return Program(
        b"(" + one.octets + b" " + other.octets + b")",
        lambda place: one.matches(place) and other.matches(place),
    )


def _flag_key(key: bytes, there: bool) -> Program:
    flag = _FLAG_KEYS[key]
    return Program((b"" if there else b"UN") + key, lambda place: (flag in place.message.flags) is there)


def _date_key(relation: str, by_sent: bool, day: date) -> Program:
    octets = f"{'SENT' if by_sent else ''}{relation} {day.day}-{MONTHS[day.month - 1].decode()}-{day.year}"

    def matches(place: Place) -> bool:
        # "disregarding time and timezone" (RFC 9051 §6.4.4); the corpus is all UTC and noon.
        actual = (place.message.sent if by_sent else place.message.internal_date).date()
        return {"BEFORE": actual < day, "ON": actual == day, "SINCE": actual >= day}[relation]

    return Program(octets.encode("ascii"), matches)


def _quoted(word: str) -> bytes:
    return b'"' + word.replace("\\", r"\\").replace('"', r"\"").encode("ascii") + b'"'


def _contains(text: str, word: str) -> bool:
    return word.lower() in text.lower()


def _field_key(key: str, word: str) -> Program:
    return Program(
        key.encode() + b" " + _quoted(word),
        lambda place: any(_contains(body, word) for body in place.message.bodies(key)),
    )


def _header_key(name: str, word: str) -> Program:
    return Program(
        b"HEADER " + name.encode() + b" " + _quoted(word),
        lambda place: any(_contains(body, word) for body in place.message.bodies(name)),
    )


def _text_key(word: str, whole: bool) -> Program:
    def matches(place: Place) -> bool:
        text = place.message.octets.decode("ascii") if whole else place.message.text
        return _contains(text, word)

    return Program((b"TEXT " if whole else b"BODY ") + _quoted(word), matches)


Measure = Callable[[Place], tuple[int, int]]
"""A place's number or UID, and the largest there is."""


def _sets(values: Sequence[int], measure: Measure, prefix: bytes) -> SearchStrategy[Program]:
    ends = st.sampled_from([*values, 0])
    ranges = st.lists(st.tuples(ends, ends), min_size=1, max_size=3)
    return ranges.map(lambda chosen: _set_key(chosen, measure, prefix))


def _set_key(ranges: Sequence[tuple[int, int]], measure: Measure, prefix: bytes) -> Program:
    def matches(place: Place) -> bool:
        value, largest = measure(place)
        pairs = [(first or largest, last or largest) for first, last in ranges]
        return any(min(pair) <= value <= max(pair) for pair in pairs)

    return Program(prefix + b",".join(_range(first, last) for first, last in ranges), matches)


def _range(first: int, last: int) -> bytes:
    ends = [b"%d" % end if end else b"*" for end in (first, last)]
    return ends[0] if first == last else b":".join(ends)
