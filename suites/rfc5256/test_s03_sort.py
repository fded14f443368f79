"""RFC 5256 §3: SORT."""

from collections.abc import Callable

from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify_equal, verify_ok
from harness.strategies.search_programs import CORPUS, CorpusMessage
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from suites.imap.talk import offers

_NEEDS = offers("SORT")
_Key = Callable[[CorpusMessage], float | str]

_KEYS: dict[str, _Key] = {
    "ARRIVAL": lambda message: message.internal_date.timestamp(),
    "DATE": lambda message: message.sent.timestamp(),
    "SIZE": lambda message: len(message.octets),
    "TO": lambda message: message.bodies("To")[0].partition("@")[0].upper(),
    "CC": lambda message: (message.bodies("Cc") or [""])[0].partition("@")[0].upper(),
}
"""Those whose order no collation of ASCII letters can dispute; FROM and SUBJECT have rules of their own."""

_CRITERIA = st.lists(
    st.tuples(st.booleans(), st.sampled_from(sorted(_KEYS))),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each[1],
)
_Criteria = list[tuple[bool, str]]


def _sorted(criteria: _Criteria) -> list[int]:
    numbers = list(range(1, len(CORPUS) + 1))
    for reverse, name in reversed(criteria):
        numbers.sort(key=lambda number: _KEYS[name](CORPUS[number - 1]), reverse=reverse)
    return numbers


def _written(criteria: _Criteria) -> bytes:
    return " ".join(("REVERSE " if reverse else "") + name for reverse, name in criteria).encode("ascii")


def _judge(target: Target, programs: list[_Criteria]) -> None:
    with target.imap_mailbox() as box:
        _fill(box)
        for criteria in programs:
            result = box.client.command(b"SORT (", _written(criteria), b") US-ASCII ALL")
            verify_ok(result)
            verify_equal(
                f"SORT ({_written(criteria).decode()})",
                expected=_sorted(criteria),
                actual=list(result.numbers),
            )


def _fill(box: ImapMailbox) -> None:
    for message in CORPUS:
        box.append(message.octets, message.flags, message.internal_date)
    verify_ok(box.client.noop())


@requirement(
    "rfc5256/3/sort",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Rewrite.from_client(rb"SORT \((\w+) [^)]*\)", rb"SORT (\1)"),
)
@given(
    programs=st.lists(_CRITERIA.map(lambda each: [(False, name) for _, name in each]), min_size=2, max_size=6)
)
def test_sort_orders_by_its_criteria(target: Target, programs: list[_Criteria]) -> None:
    """SORT orders ascending by the first criterion, then the next, and last by the message number."""
    _judge(target, programs)


@requirement(
    "rfc5256/3/reverse", level=PROSE, needs=_NEEDS, refuted_by=Rewrite.from_client(rb"REVERSE ", b"")
)
@given(programs=st.lists(_CRITERIA, min_size=2, max_size=6))
def test_reverse_reverses_one_criterion(target: Target, programs: list[_Criteria]) -> None:
    """REVERSE makes the criterion behind it descending, and no other, the message number included."""
    _judge(target, programs)
