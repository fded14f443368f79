"""RFC 3501 §6.4.4, §7.2.5: SEARCH, its keys, and its response."""

import re

from hypothesis import example
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from harness.conformance import (
    MUST,
    PROSE,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.strategies import search_programs
from harness.strategies.messages import compose
from harness.strategies.search_programs import CORPUS, Program
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import ANSWERED, SEEN
from harness.wire.imap import Literal, SearchData
from suites.imap.talk import IMAP, uids_of
from suites.imap.tampering import During, not_told

_MERGED = (
    re.compile(rb"LARGER|SMALLER"),
    re.compile(rb"BEFORE|SINCE|\bON|SENTON"),
    re.compile(rb"ANSWERED|DELETED|DRAFT|FLAGGED|SEEN|KEYWORD"),
    re.compile(rb"\*"),
)
"""Keys of one kind, which servers merge into one before they search."""


def _several(keys: SearchStrategy[Program]) -> SearchStrategy[list[Program]]:
    return st.lists(keys, min_size=4, max_size=16)


def _programs(*, max_keys: int = 5) -> SearchStrategy[Program]:
    """Programs with at most one key of each kind that servers merge; several have checks of their own."""
    return search_programs.programs(max_keys=max_keys).filter(_is_plain)


def _is_plain(program: Program) -> bool:
    return all(len(key.findall(program.octets)) < 2 for key in _MERGED)


def _with_corpus(box: ImapMailbox) -> tuple[int, ...]:
    for message in CORPUS:
        box.append(message.octets, message.flags, message.internal_date)
    verify_ok(box.client.noop())
    uids = uids_of(box.client)
    verify_equal("the number of messages", expected=len(CORPUS), actual=len(uids))
    return uids


def _judge(target: Target, programs: list[Program]) -> None:
    with target.imap_mailbox() as box:
        uids = _with_corpus(box)
        for program in programs:
            result = box.client.search(program.octets)
            verify_ok(result, f"SEARCH {program.octets.decode()}")
            verify_equal(
                f"the messages that SEARCH {program.octets.decode()} finds",
                expected=list(program.numbers(CORPUS, uids)),
                actual=sorted(result.numbers),
            )


def _negated(program: Program) -> Program:
    return Program(b"NOT " + program.octets, lambda place: not program.matches(place))


def _either(one: Program, other: Program) -> Program:
    return Program(
        b"OR %s %s" % (one.octets, other.octets), lambda place: one.matches(place) or other.matches(place)
    )


def _both(one: Program, other: Program) -> Program:
    return Program(
        b"(%s %s)" % (one.octets, other.octets), lambda place: one.matches(place) and other.matches(place)
    )


def _without(flag: bytes) -> Program:
    return Program(b"UN" + flag[1:].upper(), lambda place: flag not in place.message.flags)


_OVERLAPPING = Program(b"1,3:*,1:*", lambda _: True)


def _combined(keys: SearchStrategy[Program]) -> SearchStrategy[Program]:
    """Two of the keys by OR, or side by side, under NOT or not."""
    pairs = st.builds(_either, keys, keys) | st.builds(_both, keys, keys)
    return pairs | pairs.map(_negated)


@requirement(
    "rfc3501/6.4.4/flag-keys",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"SEARCH UN", b"SEARCH "),
    also=["rfc9051/6.4.4/flag-keys"],
)
@given(programs=_several(search_programs.flag_keys()))
def test_search_for_flags(target: Target, programs: list[Program]) -> None:
    """ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, KEYWORD, and with UN the opposite of each."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/flag-keys-together",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"OR UN(\S+) UN", rb"NOT OR \1 "),
    also=["rfc9051/6.4.4/flag-keys-together"],
)
@example(programs=[_either(_without(SEEN), _without(ANSWERED))])
@given(programs=_several(_combined(search_programs.flag_keys())))
def test_search_for_several_flags(target: Target, programs: list[Program]) -> None:
    """Several flags under NOT and OR each keep their own meaning."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/date-keys",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"SEARCH (SENT)?BEFORE", rb"SEARCH \1ON"),
    also=["rfc9051/6.4.4/date-keys"],
)
@given(programs=_several(search_programs.date_keys()))
def test_search_for_dates(target: Target, programs: list[Program]) -> None:
    """BEFORE, ON and SINCE go by the internal date, with SENT by the Date field; both without the time."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/size-keys",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(
        rb"LARGER ([0-9]+)", lambda found: b"LARGER %d" % max(0, int(found[1]) - 1)
    ),
    also=["rfc9051/6.4.4/size-keys"],
)
@given(programs=_several(search_programs.size_keys()))
def test_search_for_sizes(target: Target, programs: list[Program]) -> None:
    """LARGER and SMALLER compare with RFC822.SIZE; a message of that very size is neither."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/size-keys-together",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(LARGER|SMALLER) [0-9]+ (LARGER|SMALLER)", rb"ALL \2"),
    also=["rfc9051/6.4.4/size-keys-together"],
)
@given(programs=_several(_combined(search_programs.size_keys())))
def test_search_for_several_sizes(target: Target, programs: list[Program]) -> None:
    """Several LARGER and SMALLER under NOT and OR each keep their own meaning."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/date-keys-together",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(
        rb"(?:SENT)?(?:BEFORE|ON|SINCE) [^ ()]+ ((?:SENT)?(?:BEFORE|ON|SINCE))", rb"ALL \1"
    ),
    also=["rfc9051/6.4.4/date-keys-together"],
)
@given(programs=_several(_combined(search_programs.date_keys())))
def test_search_for_several_dates(target: Target, programs: list[Program]) -> None:
    """Several comparisons of dates under NOT and OR each keep their own meaning."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/string-keys",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"SEARCH (BODY|CC)", rb"SEARCH TEXT"),
)
@given(programs=_several(search_programs.string_keys()))
def test_search_for_strings(target: Target, programs: list[Program]) -> None:
    """SUBJECT, FROM, TO, CC, BCC, HEADER, BODY and TEXT find substrings in any case."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/number-keys",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"SEARCH (UID )?([0-9*]+):[0-9*]+", rb"SEARCH \1\2"),
    also=["rfc9051/6.4.4/number-keys"],
)
@given(programs=_several(search_programs.number_keys()))
def test_search_for_numbers(target: Target, programs: list[Program]) -> None:
    """Sequence sets, and UID with sets of UIDs, in either direction and with `*`."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/not-in-a-set",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"\bNOT ", b""),
    also=["rfc9051/6.4.4/not-in-a-set"],
)
@example(programs=[_negated(_OVERLAPPING)])
@given(programs=_several(search_programs.number_keys().map(_negated)))
def test_search_for_what_a_set_leaves_out(target: Target, programs: list[Program]) -> None:
    """NOT with a sequence set or a UID set finds all others, also where the ranges overlap."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/not",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"\bNOT ", b""),
    also=["rfc9051/6.4.4/not"],
)
@given(programs=_several(_programs(max_keys=2)))
def test_search_not(target: Target, programs: list[Program]) -> None:
    """NOT finds the messages that its key does not."""
    _judge(target, [_negated(program) for program in programs])


@requirement(
    "rfc3501/6.4.4/or",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"SEARCH OR ", b"SEARCH "),
    also=["rfc9051/6.4.4/or"],
)
@given(programs=_several(st.builds(_either, _programs(max_keys=1), _programs(max_keys=1)).filter(_is_plain)))
def test_search_or(target: Target, programs: list[Program]) -> None:
    """OR finds the messages that either of its two keys does."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.4/programs",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"SEARCH \((\S+) [^()]*\)\r\n", rb"SEARCH \1\r\n")
    + Rewrite.from_client(rb"SEARCH NOT ", b"SEARCH "),
    also=["rfc9051/6.4.4/programs"],
)
@given(programs=_several(_programs()))
def test_search_programs(target: Target, programs: list[Program]) -> None:
    """Keys beside each other all have to match; NOT, OR and parentheses combine them to any depth."""
    _judge(target, programs)


@requirement(
    "rfc3501/6.4.8/uid-search",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"UID SEARCH", b"SEARCH"),
    also=["rfc9051/6.4.9/uid-search"],
)
@given(programs=_several(_programs(max_keys=2)), expunged=st.integers(1, 3))
def test_uid_search_answers_with_uids(target: Target, programs: list[Program], expunged: int) -> None:
    """UID SEARCH finds what SEARCH does, and names it by UID."""
    with target.imap_mailbox() as box:
        for _ in range(expunged):
            box.append(compose(), [rb"\Deleted"])
        verify_ok(box.client.noop())
        verify_ok(box.client.expunge())
        uids = _with_corpus(box)
        for program in programs:
            result = box.client.uid_search(program.octets)
            verify_ok(result, f"UID SEARCH {program.octets.decode()}")
            verify_equal(
                f"the UIDs that UID SEARCH {program.octets.decode()} finds",
                expected=[uids[number - 1] for number in program.numbers(CORPUS, uids)],
                actual=sorted(result.numbers),
            )


# Strings, charsets, the response

_WORDS = st.text("abcXYZ 019()[]{}%*\"\\&~'.:;<>", min_size=1, max_size=12).map(
    lambda text: "q" + " ".join(text.split()) + "q"
)


@requirement(
    "rfc3501/4.3/string-forms",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(b"SEARCH", Rewrite.from_client(rb"\\([\\\"])", rb"\1\1")),
    also=["rfc9051/4.3/string-forms"],
)
@given(word=_WORDS)
def test_quoted_strings_and_literals_are_equal(target: Target, word: str) -> None:
    """A search for a string finds the same whether it comes quoted, with its escapes, or as a literal."""
    octets = word.encode("ascii")
    quoted = b'"' + octets.replace(b"\\", rb"\\").replace(b'"', rb"\"") + b'"'
    with target.imap_mailbox() as box:
        box.append(compose(subject=b"before " + octets + b" after"))
        box.append(compose(subject=b"nothing of it"))
        verify_ok(box.client.noop())
        for form in (quoted, Literal(octets, synchronizing=True)):
            result = box.client.search([b"SUBJECT ", form])
            verify_ok(result)
            verify_equal(f"what SEARCH SUBJECT {form!r} finds", expected=(1,), actual=result.numbers)


@requirement(
    "rfc3501/6.4.4/unknown-charset-no",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^(A[0-9]+) NO (?=[^\r]*\r\n)", rb"\1 BAD "),
    also=["rfc9051/6.4.4/unknown-charset-no"],
)
def test_an_unknown_charset_is_no(target: Target) -> None:
    """SEARCH with a CHARSET that the server does not support is answered NO, not BAD."""
    with target.imap_mailbox() as box:
        box.append(compose())
        result = box.client.search(b'CHARSET X-MAILPROOF-NONE SUBJECT "a"')
        verify_refused(result, "an unsupported charset", kinds={"NO"})


@requirement(
    "rfc3501/6.4.4/us-ascii",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"CHARSET US-ASCII", b"CHARSET X-NONE"),
    also=["rfc9051/6.4.4/us-ascii"],
)
def test_us_ascii_is_supported(target: Target) -> None:
    """SEARCH CHARSET US-ASCII is supported."""
    with target.imap_mailbox() as box:
        box.append(compose(subject=b"Harvest"))
        verify_ok(box.client.noop())
        result = box.client.search(b'CHARSET US-ASCII SUBJECT "harvest"')
        verify_ok(result)
        verify_equal("what it finds", expected=(1,), actual=result.numbers)


@requirement(
    "rfc3501/6.4.4/response-required",
    level=MUST,
    needs=IMAP,
    refuted_by=not_told(b"SEARCH", b"SEARCH"),
)
def test_search_always_has_a_response(target: Target) -> None:
    """SEARCH is answered by an untagged SEARCH response, also where it finds nothing."""
    with target.imap_mailbox() as box:
        for count, keys in ((0, b"ALL"), (1, b"ALL"), (1, b"DELETED")):
            if count:
                box.append(compose())
                verify_ok(box.client.noop())
            result = box.client.search(keys)
            verify_ok(result)
            told = result.all(SearchData)
            verify(told, expected="an untagged SEARCH response", actual=result.octets)


@requirement(
    "rfc3501/9/empty-search-response",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^\* SEARCH\r\n", b"* SEARCH \r\n"),
)
def test_an_empty_search_response_ends_at_once(target: Target) -> None:
    """A SEARCH response without numbers is `* SEARCH` and CRLF, with no space between."""
    with target.imap_mailbox() as box:
        for line in (b"SEARCH ALL", b"UID SEARCH ALL", b"SEARCH DELETED"):
            result = box.client.command(line)
            verify_ok(result)
            lines = [each.octets for each in result.untagged if each.octets.upper().startswith(b"* SEARCH")]
            verify_equal(f"the answer to {line.decode()}", expected=[b"* SEARCH\r\n"], actual=lines)
