"""Names, classes, parameters and orders belong together; mistakes are one clear line."""

import pytest

from harness.peers.faults import registry
from harness.peers.faults.plan import FaultOrder, Plan, parse_order, read_order
from harness.peers.faults.registry import fault, fault_classes, fault_factory, fault_parameters
from harness.peers.faults.transport import Delay, Drop
from harness.transport.interpose import Spoken
from harness.vocabulary.errors import UsageError
from harness.vocabulary.faults import PROXY_FAULTS
from harness.vocabulary.services import Service


def test_every_fault_of_the_proxy_has_one_class_and_every_class_is_one() -> None:
    assert sorted(fault_classes()) == sorted(PROXY_FAULTS)
    classes = list(fault_classes().values())
    assert len(set(map(id, classes))) == len(classes)


@pytest.mark.parametrize("name", PROXY_FAULTS)
def test_every_fault_opens_for_some_protocol(name: str) -> None:
    factory = fault_factory(name, seed=3)
    assert any(factory.open(spoken) is not None for spoken in Spoken)
    assert all(type(default) in {bool, int, float, str} for default in fault_parameters(name).values())


def test_unknown_and_double_names_are_refused_when_they_are_written() -> None:
    fault_classes()
    with pytest.raises(ValueError, match="no fault of the proxy is named 'transport-no-such'"):
        fault("transport-no-such")
    with pytest.raises(ValueError, match="'transport-drop' is registered already"):
        fault("transport-drop")(Delay)
    assert registry.fault_classes()["transport-drop"] is Drop


def test_parameters_are_given_by_name_and_type() -> None:
    assert fault_factory("transport-delay", seed=5, seconds=2) == Delay(seed=5, seconds=2.0)
    assert fault_parameters("transport-drip") == {"octets": 1, "seconds": 0.01}
    with pytest.raises(UsageError, match=r"transport-delay: has no parameter second; did you mean seconds\?"):
        fault_factory("transport-delay", second=1)
    with pytest.raises(UsageError, match="transport-delay: seconds must be a number, not 'long'"):
        fault_factory("transport-delay", seconds="long")
    with pytest.raises(UsageError, match="transport-drip: octets must be a whole number, not True"):
        fault_factory("transport-drip", octets=True)
    with pytest.raises(UsageError, match="no fault of the proxy is named 'transport-dely'; did you mean"):
        fault_factory("transport-dely")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("drop", FaultOrder("transport-drop")),
        ("transport-drip:seconds=0.5", FaultOrder("transport-drip", {"seconds": 0.5})),
        (
            "stall:match=^RCPT,DATA$,seconds=3,command=2",
            FaultOrder("transport-stall", {"match": "^RCPT,DATA$", "seconds": 3.0, "command": 2}),
        ),
        (
            "delay:service=imap|imaps,from_connection=2,connections=1,probability=0.5",
            FaultOrder(
                "transport-delay",
                services=frozenset({Service.IMAP, Service.IMAPS}),
                from_connection=2,
                connections=1,
                probability=0.5,
            ),
        ),
        (
            "refuse-for-now:reply=NO [ALERT] a: b=c",
            FaultOrder("transport-refuse-for-now", {"reply": "NO [ALERT] a: b=c"}),
        ),
    ],
)  # fmt: skip
def test_orders_are_written_and_read(text: str, order: FaultOrder) -> None:
    assert parse_order(text) == order
    assert parse_order(str(order)) == order
    assert read_order(order.as_table()) == order


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("dealy", "no fault of the proxy is named 'dealy'; did you mean delay?"),
        ("zzz", "no fault of the proxy is named 'zzz'; mailproof faults --list shows them all"),
        ("", "no fault of the proxy is named ''; mailproof faults --list shows them all"),
        ("delay:0.5", "delay:0.5: '0.5' is no key=value; write NAME:key=value,key=value"),
        ("delay:secs=1", "delay:secs=1: transport-delay has no parameter secs; did you mean seconds?"),
        ("delay:seconds=x", "delay:seconds=x: seconds must be a number, not 'x'"),
        ("drop:command=1.5", "drop:command=1.5: command must be a whole number, not '1.5'"),
        ("drop:service=imapp", "transport-drop: service 'imapp' is none; did you mean imap?"),
        ("drop:probability=2", "transport-drop: probability must be from 0 to 1, not 2.0"),
        ("drop:from_connection=0", "transport-drop: connections are counted from 1, as from_connection=2"),
        ("delay:seconds=-1", "seconds must not be below 0, nor without end: -1.0"),
    ],
)
def test_mistakes_in_orders(text: str, line: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_order(text)
    assert str(raised.value) == line


def test_tables_are_as_strict() -> None:
    with pytest.raises(UsageError, match="a fault needs its name"):
        read_order({})
    with pytest.raises(UsageError, match="transport-drop: match must be a word"):
        read_order({"name": "drop", "match": {}})
    with pytest.raises(UsageError, match="transport-drop: from_connection must be a whole number, not 'x'"):
        read_order({"name": "drop", "from_connection": "x"})
    with pytest.raises(UsageError, match="transport-drop: probability must be a number, not True"):
        read_order({"name": "drop", "probability": True})
    assert read_order({"name": "drop", "service": ["pop3"]}).services == {Service.POP3}


def stands(plan: Plan, *services: Service) -> list[list[str]]:
    return [[name for name, _ in plan.open(service)] for service in services]


def test_a_fault_stands_where_it_was_ordered() -> None:
    plan = Plan(
        [parse_order("drop:service=imap,from_connection=2,connections=2"), parse_order("delay:service=pop3")]
    )
    imap, pop3 = Service.IMAP, Service.POP3
    assert stands(plan, imap, pop3, imap, imap, imap) == [
        [], ["transport-delay"], ["transport-drop"], ["transport-drop"], [],
    ]  # fmt: skip


def test_probability_is_drawn_from_the_seed() -> None:
    def drawn(seed: int) -> list[list[str]]:
        return stands(Plan([parse_order("drop:probability=0.5")], seed=seed), *[Service.IMAP] * 40)

    assert drawn(1) == drawn(1) != drawn(2)
    assert [] in drawn(1)
    assert ["transport-drop"] in drawn(1)


def test_a_protocols_own_fault_stands_in_its_own_connections_only() -> None:
    name = next(name for name in PROXY_FAULTS if name.startswith("imap-"))
    assert stands(Plan([FaultOrder(name)]), Service.SMTP, Service.IMAPS) == [[], [name]]
