"""What the strategies for mailboxes, flags and searches promise, and the models beside them."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.mailbox import ModelMailbox, SessionView
from harness.strategies import chunks, flags, mailbox_names, search_programs
from harness.strategies.search_programs import CORPUS, Program
from harness.vocabulary.imap import SYSTEM_FLAGS


@given(name=mailbox_names.names())
def test_mailbox_names_are_legal(name: str) -> None:
    assert name
    assert not set(name) & set("%*/\\\r\n\0.~#")
    assert name.upper() != "INBOX"


@given(data=st.data(), separator=st.sampled_from(["/", ".", "&"]))
def test_nested_names_have_levels(data: st.DataObject, separator: str) -> None:
    name = data.draw(mailbox_names.nested_names(separator))
    assert all(name.split(separator))
    assert separator in name


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "a/b/c", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("%/%", "a/b", True),
        ("a*c", "a/b/c", True),
        ("a%c", "a/c", False),
        ("a%c", "abc", True),
        ("", "a", False),
        ("a", "A", False),
        ("%b*", "ab/c", True),
    ],
)
def test_list_patterns(pattern: str, name: str, fits: bool) -> None:
    assert mailbox_names.matches(pattern, name, "/") is fits


@given(data=st.data(), name=st.text("ab/", max_size=8))
def test_list_patterns_are_regular_expressions(data: st.DataObject, name: str) -> None:
    pattern = data.draw(mailbox_names.patterns(["a/b", "ab/ba", "b"]))
    expression = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    assert mailbox_names.matches(pattern, name, "/") == bool(re.fullmatch(expression, name))


def test_percent_without_hierarchy_is_a_star() -> None:
    assert mailbox_names.matches("%", "a/b", None)


@given(keyword=flags.keywords())
def test_keywords_are_atoms(keyword: bytes) -> None:
    assert re.fullmatch(rb"[A-Za-z$][A-Za-z0-9$_.-]*", keyword)


@given(before=flags.flag_sets(keyword=True), change=flags.stores(keyword=True))
def test_store_adds_removes_and_replaces(
    before: frozenset[bytes], change: tuple[bytes, frozenset[bytes]]
) -> None:
    item, chosen = change
    after = flags.stored(before, item, chosen)
    mailbox = ModelMailbox()
    mailbox.append(b"x", before)
    assert mailbox.store(1, item + b".SILENT", chosen) == after
    if item == b"-FLAGS":
        assert not after & chosen
    else:
        assert chosen <= after
    assert rb"\Deleted" not in after


@given(octets=st.binary(max_size=30), data=st.data())
def test_chunks_join_to_the_whole(octets: bytes, data: st.DataObject) -> None:
    pieces = data.draw(chunks.chunkings(octets))
    assert b"".join(pieces) == octets
    assert all(pieces)


KNOWN = {
    b"ALL": (1, 2, 3, 4, 5, 6, 7),
    b"SEEN": (1, 2, 6, 7),
    b"UNSEEN": (3, 4, 5),
    b"KEYWORD $Forwarded": (5, 7),
    b"NOT SEEN": (3, 4, 5),
    b"BEFORE 2-Mar-2021": (1, 2),
    b"ON 2-Mar-2021": (3, 4),
    b"SINCE 1-Jan-2022": (6, 7),
    b"SENTON 1-Mar-2021": (3,),
    b'SUBJECT "harvest"': (1, 2, 7),
    b'FROM "bob"': (2,),
    b'HEADER X-Project ""': (3, 5),
    b'HEADER X-Project "orchard"': (3,),
    b'BODY "(me)"': (6,),
    b'BODY "orchard"': (),
    b'TEXT "orchard"': (3, 4),
    b"2": (2,),
    b"2:1": (1, 2),
    b"*": (7,),
    b"UID *": (7,),
}


@pytest.mark.parametrize("octets", KNOWN, ids=repr)
def test_what_known_programs_find(octets: bytes) -> None:
    assert program_of(octets).numbers(CORPUS) == KNOWN[octets]


def program_of(octets: bytes) -> Program:
    """Build the program that a draw of these keys would make."""
    build = search_programs
    not_, name, argument = re.fullmatch(rb"(NOT )?(\S+)(?: (.*))?", octets).groups()  # type: ignore[union-attr]
    if not_:
        return build._negated(program_of(octets.removeprefix(b"NOT ")))
    constructors: dict[bytes, Callable[[], Program]] = {
        b"ALL": lambda: Program(b"ALL", lambda _: True),
        b"SEEN": lambda: build._flag_key(b"SEEN", there=True),
        b"UNSEEN": lambda: build._flag_key(b"SEEN", there=False),
        b"KEYWORD": lambda: build._flag_key(octets, there=True),
        b"BODY": lambda: build._text_key(unquoted(argument), whole=False),
        b"TEXT": lambda: build._text_key(unquoted(argument), whole=True),
        b"HEADER": lambda: build._header_key("X-Project", unquoted(argument.partition(b" ")[2])),
    }
    if name in constructors:
        program = constructors[name]()
    elif name in {b"SUBJECT", b"FROM"}:
        program = build._field_key(name.decode(), unquoted(argument))
    elif name in {b"BEFORE", b"ON", b"SINCE", b"SENTON"}:
        days = {message.internal_date.date() for message in CORPUS} | {
            message.sent.date() for message in CORPUS
        }
        relation = name.decode().removeprefix("SENT")
        by_sent = name.startswith(b"SENT")
        made = [build._date_key(relation, by_sent, day) for day in sorted(days)]
        program = next(each for each in made if each.octets == octets)
    else:
        return set_of(octets)
    assert program.octets == octets
    return program


def set_of(octets: bytes) -> Program:
    prefix, _, numbers = octets.rpartition(b" ")
    ends = [0 if end == b"*" else int(end) for end in numbers.split(b":")]
    by_uid = bool(prefix)
    return search_programs._set_key(
        [(ends[0], ends[-1])],
        (lambda place: (place.uid, place.last_uid))
        if by_uid
        else (lambda place: (place.number, place.count)),
        b"UID " if by_uid else b"",
    )


def unquoted(octets: bytes) -> str:
    return octets[1:-1].decode().replace('\\"', '"')


@given(program=search_programs.programs() | search_programs.simple_programs())
def test_programs_are_one_line_and_find_what_is_there(program: Program) -> None:
    assert program.octets.isascii()
    assert b"\r" not in program.octets
    assert set(program.numbers(CORPUS)) <= set(range(1, 8))
    negated = search_programs._negated(program)
    assert sorted(program.numbers(CORPUS) + negated.numbers(CORPUS)) == list(range(1, 8))


@given(program=search_programs.number_keys([3, 5, 8, 9, 20, 21, 40]))
def test_uids_need_not_be_numbers(program: Program) -> None:
    found = program.numbers(CORPUS, [3, 5, 8, 9, 20, 21, 40])
    assert found


def test_the_corpus_differs_in_everything() -> None:
    assert len({len(message.octets) for message in CORPUS}) == len(CORPUS)
    assert len({message.flags for message in CORPUS}) == len(CORPUS)
    assert set().union(*(message.flags for message in CORPUS)) >= set(SYSTEM_FLAGS)


def test_a_model_mailbox() -> None:
    mailbox = ModelMailbox()
    for octets in (b"a", b"b", b"c", b"d"):
        mailbox.append(octets)
    view = SessionView()
    view.exists(4, mailbox.uids())
    assert view.uids == [1, 2, 3, 4]
    for number in (1, 2, 4):
        mailbox.store(number, b"+FLAGS", [rb"\Deleted"])
    assert mailbox.append(b"e", uid=9).uid == 9
    announced = mailbox.expunge()
    assert announced == [1, 1, 2]
    assert [view.expunge(number) for number in announced] == [1, 2, 4]
    view.exists(2, mailbox.uids())
    assert view.uids == [3, 9]
    with pytest.raises(ValueError, match="UIDs ascend"):
        mailbox.append(b"f", uid=9)
