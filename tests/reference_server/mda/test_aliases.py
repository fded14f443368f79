"""Aliases: whom they come to in the end, without loops, and each only once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.smtp.path import Mailbox, parse_mailbox
from reference_server.mda.aliases import MOST_TARGETS, Aliases, AliasLoop

ACCOUNTS = {"alice@one.test", "bob@one.test"}


def is_account(mailbox: Mailbox) -> bool:
    return f"{mailbox.local_part.partition('+')[0]}@{mailbox.domain}".lower() in ACCOUNTS


def aliases(**targets: str) -> Aliases:
    return Aliases(
        {
            f"{name}@one.test": tuple(parse_mailbox(one.encode()) for one in addresses.split())
            for name, addresses in targets.items()
        }
    )


def expanded(made: Aliases, address: str) -> list[str] | None:
    found = made.expand(parse_mailbox(address.encode()), is_account)
    return None if found is None else [str(one) for one in found]


def test_targets_in_their_order_each_once() -> None:
    made = aliases(sales="team@one.test bob@one.test x@else.test", team="alice@one.test Bob@One.test")
    assert expanded(made, "sales@one.test") == ["alice@one.test", "Bob@One.test", "x@else.test"]
    assert expanded(made, "SALES@One.Test") == expanded(made, "sales@one.test")
    assert expanded(made, "alice@one.test") is None
    assert expanded(made, "sales@else.test") is None


def test_detail_goes_on_to_targets_that_have_none() -> None:
    made = aliases(sales="alice@one.test bob+work@one.test")
    assert expanded(made, "sales+Spring@one.test") == ["alice+Spring@one.test", "bob+work@one.test"]


def test_an_alias_with_a_detail_of_its_own_comes_first() -> None:
    made = aliases(**{"sales": "alice@one.test", "sales+urgent": "bob@one.test"})
    assert expanded(made, "sales+urgent@one.test") == ["bob@one.test"]


def test_an_account_may_stand_for_itself_and_others() -> None:
    made = aliases(alice="alice@one.test x@else.test")
    assert expanded(made, "alice@one.test") == ["alice@one.test", "x@else.test"]


def test_of_a_loop_what_is_outside_remains() -> None:
    made = aliases(a="b@one.test", b="a@one.test bob@one.test")
    assert expanded(made, "a@one.test") == ["bob@one.test"]


@pytest.mark.parametrize(
    "targets",
    [{"a": "a@one.test"}, {"a": "b@one.test", "b": "a@one.test"}, {"a": "b@one.test", "b": "a+x@one.test"}],
)
def test_a_loop_alone_is_nobody(targets: dict[str, str]) -> None:
    with pytest.raises(AliasLoop, match="nothing but itself"):
        expanded(aliases(**targets), "a@one.test")


def test_bounds() -> None:
    chain = aliases(**{f"a{n}": f"a{n + 1}@one.test" for n in range(60)})
    with pytest.raises(AliasLoop, match="in a row"):
        expanded(chain, "a0@one.test")
    assert expanded(chain, "a30@one.test") == ["a60@one.test"]
    crowd = aliases(all=" ".join(f"u{n}@else.test" for n in range(MOST_TARGETS + 1)))
    with pytest.raises(AliasLoop, match="more than"):
        expanded(crowd, "all@one.test")


NAMES = st.sampled_from(["a", "b", "c", "d", "a+x", "b+y", "alice", "z"])


@given(st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=4)), NAMES)
def test_whatever_they_stand_for_an_end_is_found(targets: dict[str, list[str]], start: str) -> None:
    made = aliases(**{name: " ".join(f"{one}@one.test" for one in ones) for name, ones in targets.items()})
    try:
        found = expanded(made, f"{start}@one.test")
    except AliasLoop:
        return
    if found is not None:
        assert found
        assert len({one.lower() for one in found}) == len(found)
        for one in found:
            mailbox = parse_mailbox(one.encode())
            assert made.targets(mailbox) is None or is_account(mailbox)
