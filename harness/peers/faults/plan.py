"""Which faults stand in which connections: orders, as a command line or a script gives them.

    transport-delay:seconds=0.5,match=^FETCH
    transport-stall:command=3,service=imap,from_connection=2

The name of a fault of the transport may be given without `transport-`.
"""

import itertools
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.peers.faults.registry import Value, fault_classes, fault_parameters, make_factory, nearest
from harness.peers.spoken import SPOKEN
from harness.transport.interpose import Interposer, InterposerFactory
from harness.vocabulary.errors import UsageError
from harness.vocabulary.services import Service

_SHORT_FOR = "transport-"
_CONDITIONS: dict[str, Value] = {"service": "", "from_connection": 1, "connections": 0, "probability": 1.0}
_NEXT_KEY = re.compile(r",(?=[a-z_]+=)")


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """A fault, its parameters, and the connections in which it stands."""

    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    services: frozenset[Service] = frozenset()
    """Empty means all."""
    from_connection: int = 1
    """The first connection to these services in which it stands, counted from 1."""
    connections: int = 0
    """In how many from there on; 0 means all."""
    probability: float = 1.0
    """How probably it stands in each of them."""

    def __post_init__(self) -> None:
        make_factory(self.name, self.parameters)  # raises where it cannot be made
        if self.from_connection < 1 or self.connections < 0:
            raise UsageError(f"{self.name}: connections are counted from 1, as from_connection=2")
        if not 0 <= self.probability <= 1:
            raise UsageError(f"{self.name}: probability must be from 0 to 1, not {self.probability}")

    def __str__(self) -> str:
        words = [f"{key}={_written(value)}" for key, value in self.as_table().items() if key != "name"]
        return f"{self.name}:{','.join(words)}" if words else self.name

    def as_table(self) -> dict[str, Value]:
        """The order as a table of a script; what is as usual is left out."""
        conditions: dict[str, Value] = {
            "service": "|".join(sorted(self.services)),
            "from_connection": self.from_connection,
            "connections": self.connections,
            "probability": self.probability,
        }
        unusual = {key: value for key, value in conditions.items() if value != _CONDITIONS[key]}
        return {"name": self.name, **self.parameters, **unusual}


def parse_order(text: str) -> FaultOrder:
    """Read `NAME[:key=value,...]`; raises `UsageError` with one line."""
    given, _, rest = text.partition(":")
    name = resolve_name(given)
    known = {**fault_parameters(name), **_CONDITIONS}
    table: dict[str, object] = {"name": name}
    for word in _NEXT_KEY.split(rest) if rest else ():
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{text}: {word!r} is no key=value; write NAME:key=value,key=value")
        if key not in known:
            raise UsageError(f"{text}: {name} has no parameter {key}; {nearest(key, known)}")
        table[key] = _read_as(type(known[key]), value, f"{text}: {key}")
    return read_order(table)


def read_order(table: Mapping[str, object]) -> FaultOrder:
    """Read an order as a script has it; raises `UsageError` with one line."""
    name = table.get("name")
    if not isinstance(name, str):
        raise UsageError('a fault needs its name, as name = "transport-delay"')
    name = resolve_name(name)
    known = {**fault_parameters(name), **_CONDITIONS}
    values: dict[str, Value] = {}
    for key, value in table.items():
        if key == "name":
            continue
        if key not in known:
            raise UsageError(f"{name}: has no parameter {key}; {nearest(key, known)}")
        if key == "service" and isinstance(value, list):
            value = "|".join(map(str, value))  # noqa: PLW2901 - the same in other words
        if not isinstance(value, (bool, int, float, str)):
            raise UsageError(f"{name}: {key} must be a word, a number, or true or false, not {value!r}")
        values[key] = value
    return FaultOrder(
        name,
        {key: value for key, value in values.items() if key not in _CONDITIONS},
        _read_services(name, values.get("service", "")),
        from_connection=_whole(name, "from_connection", values),
        connections=_whole(name, "connections", values),
        probability=_number(name, "probability", values),
    )


def resolve_name(given: str) -> str:
    """The full name of a fault; raises `UsageError` if there is none."""
    classes = fault_classes()
    if given not in classes and _SHORT_FOR + given in classes:
        return _SHORT_FOR + given
    if given not in classes:
        short = {name.removeprefix(_SHORT_FOR): name for name in classes}
        mend = nearest(given, short)
        if mend.startswith("known"):
            mend = "mailproof faults --list shows them all"
        raise UsageError(f"no fault of the proxy is named {given!r}; {mend}")
    return given


def _read_services(name: str, value: Value) -> frozenset[Service]:
    words = str(value).split("|") if value else []
    for word in words:
        if word not in set(Service):
            known = {str(service): service for service in Service}
            raise UsageError(f"{name}: service {word!r} is none; {nearest(word, known)}")
    return frozenset(Service(word) for word in words)


def _whole(name: str, key: str, values: Mapping[str, Value]) -> int:
    value = values.get(key, _CONDITIONS[key])
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"{name}: {key} must be a whole number, not {value!r}")
    return value


def _number(name: str, key: str, values: Mapping[str, Value]) -> float:
    value = values.get(key, _CONDITIONS[key])
    if isinstance(value, (bool, str)):
        raise UsageError(f"{name}: {key} must be a number, not {value!r}")
    return float(value)


def _read_as(kind: type, text: str, where: str) -> Value:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except (KeyError, ValueError):
        word = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise UsageError(f"{where} must be {word}, not {text!r}") from None
    return text


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Plan:
    """The orders in force, with what their faults remember; all is drawn by lot from one seed."""

    def __init__(self, orders: Iterable[FaultOrder] = (), *, seed: int = 0) -> None:
        self.orders = tuple(orders)
        self.seed = seed
        self._standing = [_Standing(order, index, seed) for index, order in enumerate(self.orders)]

    def open(self, service: Service) -> Sequence[tuple[str, Interposer]]:
        """Return the interposers for the next connection to a service, with the names of their faults."""
        return [
            (standing.order.name, interposer)
            for standing in self._standing
            if (interposer := standing.open(service)) is not None
        ]


class _Standing:
    """One order, with the count of its connections."""

    def __init__(self, order: FaultOrder, index: int, seed: int) -> None:
        self.order = order
        self._factory: InterposerFactory = make_factory(order.name, order.parameters, seed)
        self._numbers: Iterator[int] = itertools.count(1)
        self._lot_of = f"{seed}/{index}"

    def open(self, service: Service) -> Interposer | None:
        order = self.order
        if order.services and service not in order.services:
            return None
        number = next(self._numbers)
        first = order.from_connection
        if number < first or (order.connections and number >= first + order.connections):
            return None
        if order.probability < 1 and random.Random(f"{self._lot_of}/{number}").random() >= order.probability:
            return None
        return self._factory.open(SPOKEN[service])
