"""Faults switched by HTTP while the proxy runs."""

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from harness.peers.fault_proxy import Address, FaultProxy, Route
from harness.peers.faults.plan import parse_order
from harness.peers.proxy.control import Control
from harness.peers.proxy.tls import ProxyTls, issued
from harness.vocabulary.errors import ConnectFailed, UsageError
from harness.vocabulary.services import Service, Tls


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    tls = ProxyTls(issued(["localhost"]), ssl.create_default_context())
    with FaultProxy([Route(Service.IMAP, Tls.NONE, Address("127.0.0.1", 1))], tls=tls) as proxy:
        yield proxy


@pytest.fixture(scope="module", params=["127.0.0.1", "::1"])
def control(proxy: FaultProxy, request: pytest.FixtureRequest) -> Iterator[Control]:
    with Control(proxy, request.param, 0) as control:
        yield control


def ask(
    control: Control, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, object]]:
    connection = HTTPConnection(control.host, control.port, timeout=10)
    try:
        text = None if body is None else body if isinstance(body, str) else json.dumps(body)
        connection.request(method, path, text, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_faults_are_read_and_put(control: Control, proxy: FaultProxy) -> None:
    wanted = {"faults": ["delay:seconds=2", {"name": "transport-drop", "match": "^RCPT"}], "seed": 4}
    expected = {
        "faults": [{"name": "transport-delay", "seconds": 2.0}, {"name": "transport-drop", "match": "^RCPT"}]
    }
    assert ask(control, "PUT", "/faults", wanted) == (200, expected)
    assert ask(control, "GET", "/faults") == (200, expected)
    assert list(proxy.orders) == [parse_order("delay:seconds=2"), parse_order("drop:match=^RCPT")]
    _, log = ask(control, "GET", "/log")
    events = log["events"]
    assert isinstance(events, list)
    assert events[-1]["text"] == "transport-delay:seconds=2.0, transport-drop:match=^RCPT"
    assert ask(control, "PUT", "/faults", {"faults": []}) == (200, {"faults": []})


def test_services_are_told(control: Control, proxy: FaultProxy) -> None:
    address = str(proxy.address(Service.IMAP))
    assert ask(control, "GET", "/services") == (
        200, {"services": [{"service": "imap", "address": address, "server": "127.0.0.1:1"}]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("{", "the body is not JSON"),
        ([], "the body must be an object"),
        ({"faults": "delay"}, "the body must be an object"),
        ({"faults": [1]}, "a fault is a string or an object, not 1"),
        ({"faults": ["dealy"]}, "did you mean delay?"),
        ({"faults": [{"name": "delay", "seconds": "x"}]}, "seconds must be a number"),
        ({"faults": [], "seed": "x"}, "seed must be a whole number"),
    ],
)
def test_mistakes_change_nothing(control: Control, proxy: FaultProxy, body: object, line: str) -> None:
    before = proxy.orders
    status, answer = ask(control, "PUT", "/faults", body)
    assert status == 400
    assert line in str(answer["error"])
    assert proxy.orders == before


def test_what_is_not_there_and_who_may_not_ask(control: Control) -> None:
    assert ask(control, "GET", "/")[0] == 404
    assert ask(control, "PUT", "/log", {})[0] == 404
    assert ask(control, "GET", "/faults", Host="evil.test")[0] == 403
    assert ask(control, "GET", "/faults", Host="localhost:1")[0] == 200


def test_it_is_for_this_machine_and_a_free_port(proxy: FaultProxy, control: Control) -> None:
    with pytest.raises(UsageError, match=r"--control 192\.0\.2\.1: is for this machine only"):
        Control(proxy, "192.0.2.1", 0)
    with pytest.raises(ConnectFailed, match="address already in use"):
        Control(proxy, control.host, control.port)
