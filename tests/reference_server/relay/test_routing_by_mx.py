"""Where mail goes: RFC 5321 §5.1 and RFC 7505 as a table, with a resolver that is a dictionary."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.defects import Defects
from reference_server.relay.routing import Hop, LookupFailed, MxRecord, NoSuchName, Router, Unroutable

ADDRESSES = {
    "mx1.two.test": ["192.0.2.1"],
    "mx2.two.test": ["192.0.2.2", "2001:db8::2"],
    "mx3.two.test": ["192.0.2.3"],
    "two.test": ["192.0.2.9"],
    "bare.test": ["192.0.2.8"],
    "self.one.test": ["127.0.0.1"],
    "empty.test": [],
    "mail.one.test": ["127.0.0.1"],
}


class Names:
    """A resolver over dictionaries; a name that is in none of them does not exist."""

    def __init__(self, mx: dict[str, list[tuple[int, str]]], failing: Sequence[str] = ()) -> None:
        self._mx = mx
        self._failing = failing

    async def mx(self, domain: str) -> list[MxRecord]:
        if domain in self._failing:
            raise LookupFailed("SERVFAIL")
        if domain not in self._mx and domain not in ADDRESSES:
            raise NoSuchName(domain)
        return [MxRecord(*record) for record in self._mx.get(domain, [])]

    async def addresses(self, host: str) -> list[str]:
        if host in self._failing:
            raise LookupFailed("SERVFAIL")
        if host not in ADDRESSES:
            raise NoSuchName(host)
        return ADDRESSES[host]


def route(
    domain: str,
    *records: tuple[int, str],
    failing: Sequence[str] = (),
    faults: tuple[str, ...] = (),
    seed: int = 1,
) -> "list[str] | str":
    """Return the addresses to be tried in order, or the code and status of the refusal."""
    router = Router(
        Names({domain: list(records)}, failing),
        own_names=["mail.one.test"],
        own_addresses=["127.0.0.1"],
        defects=Defects(faults),
        random_source=random.Random(seed),
    )
    found = asyncio.run(router.route(domain))
    if isinstance(found, Unroutable):
        return f"{found.reply.code} {found.reply.enhanced}"
    return [hop.address for hop in found]


def test_by_preference_with_all_addresses() -> None:
    assert route("two.test", (20, "mx2.two.test"), (10, "mx1.two.test")) == [
        "192.0.2.1",
        "192.0.2.2",
        "2001:db8::2",
    ]


@given(st.integers())
def test_equal_preferences_stay_together(seed: int) -> None:
    found = route("two.test", (10, "mx1.two.test"), (10, "mx3.two.test"), (5, "bare.test"), seed=seed)
    assert isinstance(found, list)
    assert found[0] == "192.0.2.8"
    assert sorted(found[1:]) == ["192.0.2.1", "192.0.2.3"]


def test_equal_preferences_are_shuffled() -> None:
    orders = {
        tuple(route("two.test", (1, "mx1.two.test"), (1, "mx3.two.test"), seed=seed)) for seed in range(20)
    }
    assert len(orders) == 2


@pytest.mark.parametrize(
    ("domain", "records", "wanted"),
    [
        ("bare.test", [], ["192.0.2.8"]),
        ("nowhere.test", None, "550 5.1.2"),
        ("empty.test", [], "550 5.4.4"),
        ("two.test", [(0, "")], "556 5.1.10"),
        ("two.test", [(0, ""), (10, "mx1.two.test")], ["192.0.2.1"]),
        ("two.test", [(10, "gone.test")], "550 5.4.4"),
        ("two.test", [(10, "gone.test"), (20, "mx1.two.test")], ["192.0.2.1"]),
        ("two.test", [(10, "mail.one.test")], "554 5.4.6"),
        ("two.test", [(10, "MAIL.one.test"), (20, "mx1.two.test")], "554 5.4.6"),
        ("two.test", [(10, "mx1.two.test"), (20, "mail.one.test"), (30, "mx3.two.test")], ["192.0.2.1"]),
        ("two.test", [(20, "mx1.two.test"), (20, "mail.one.test")], "554 5.4.6"),
        ("two.test", [(10, "self.one.test"), (20, "mx1.two.test")], "554 5.4.6"),
        ("two.test", [(10, "mx1.two.test"), (20, "self.one.test"), (30, "mx3.two.test")], ["192.0.2.1"]),
        ("self.one.test", [], "554 5.4.6"),
    ],
)
def test_table(domain: str, records: "list[tuple[int, str]] | None", wanted: "list[str] | str") -> None:
    if records is None:
        router = Router(
            Names({}), own_names=[], own_addresses=[], defects=Defects(), random_source=random.Random()
        )
        found = asyncio.run(router.route(domain))
        assert isinstance(found, Unroutable)
        assert f"{found.reply.code} {found.reply.enhanced}" == wanted
    else:
        assert route(domain, *records) == wanted


def test_a_failing_dns_is_no_refusal() -> None:
    assert route("two.test", (1, "mx1.two.test"), failing=["two.test"]) == "451 4.4.3"
    assert route("two.test", (1, "mx1.two.test"), failing=["mx1.two.test"]) == "451 4.4.3"
    assert route("two.test", (1, "mx1.two.test"), (2, "mx3.two.test"), failing=["mx1.two.test"]) == [
        "192.0.2.3"
    ]
    assert route("two.test", (1, "gone.test"), (2, "mx3.two.test"), failing=["mx3.two.test"]) == "451 4.4.3"


def test_address_literals() -> None:
    assert route("[192.0.2.7]") == ["192.0.2.7"]
    assert route("[IPv6:2001:db8::7]") == ["2001:db8::7"]
    assert route("[127.0.0.1]") == "554 5.4.6"
    assert route("[x400:what]") == "550 5.1.2"


def test_a_hundred_hosts_are_not_all_tried() -> None:
    found = route("two.test", *[(number, "mx1.two.test") for number in range(100)])
    assert len(found) == 20


def test_hops_know_their_host() -> None:
    router = Router(
        Names({"two.test": [(1, "mx1.two.test")]}),
        own_names=[],
        own_addresses=[],
        defects=Defects(),
        random_source=random.Random(),
    )
    assert asyncio.run(router.route("two.test")) == (Hop("mx1.two.test", "192.0.2.1"),)


def test_defects() -> None:
    records = [(10, "mx1.two.test"), (20, "mx3.two.test")]
    assert route("two.test", *records, faults=("relay-mx-order-reversed",)) == ["192.0.2.3", "192.0.2.1"]
    assert route("two.test", (0, ""), faults=("relay-null-mx-ignored",)) == "450 4.4.4"
    assert route("two.test", *records, faults=("relay-address-beside-mx",)) == [
        "192.0.2.9",
        "192.0.2.1",
        "192.0.2.3",
    ]
