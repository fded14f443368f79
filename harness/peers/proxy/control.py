"""A small HTTP interface to a running fault proxy, for tests that switch faults between two steps.

    GET  /services   where it listens for what
    GET  /faults     the faults in force
    PUT  /faults     {"faults": ["transport-delay:seconds=1", {"name": "transport-drop", "match": "^RCPT"}]}
    GET  /log        what happened so far

All answers are JSON; a mistake is status 4yz with `{"error": LINE}`.
"""

import ipaddress
import json
import socket
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from harness.peers.fault_proxy import FaultProxy
from harness.peers.faults.plan import FaultOrder, parse_order, read_order
from harness.vocabulary.errors import ConnectFailed, UsageError

_MOST_BODY_OCTETS = 1 << 20


class Control:
    """The interface on `host` and `port` (0 takes a free one); a context manager."""

    def __init__(self, proxy: FaultProxy, host: str, port: int) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise UsageError(f"--control {host}: is for this machine only; give 127.0.0.1 or ::1")
        try:
            self._server = _Server(proxy, host, port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConnectFailed(f"cannot listen for --control on {host}, port {port}: {reason}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="fault-control", daemon=True)
        self.host = host
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: FaultProxy, host: str, port: int) -> None:
        self.proxy = proxy
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0

    def do_GET(self) -> None:
        proxy = self.server.proxy
        match self.path:
            case "/faults":
                self._answer({"faults": [order.as_table() for order in proxy.orders]})
            case "/log":
                self._answer({"events": [event.as_table() for event in proxy.events]})
            case "/services":
                services = [
                    {"service": route.service, "address": str(route.listen), "server": str(route.server)}
                    for route in proxy.routes
                ]
                self._answer({"services": services})
            case _:
                self._refuse(HTTPStatus.NOT_FOUND, "there is /faults, /log and /services")

    def do_PUT(self) -> None:
        if self.path != "/faults":
            self._refuse(HTTPStatus.NOT_FOUND, "PUT goes to /faults")
            return
        try:
            orders, seed = _read_body(self._body())
        except UsageError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        self.server.proxy.set_orders(orders, seed=seed)
        self._answer({"faults": [order.as_table() for order in orders]})

    def parse_request(self) -> bool:
        """Refuse what a page of the web may send here under a name of its own (DNS rebinding)."""
        if not super().parse_request():
            return False
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host.strip("[]") in {"localhost", "127.0.0.1", "::1", self.server.server_address[0]}:
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "call this machine by its loopback address")
        return False

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > _MOST_BODY_OCTETS:
            raise UsageError(f"give a body with Content-Length, of {_MOST_BODY_OCTETS} octets at most")
        return self.rfile.read(int(length))

    def _answer(self, table: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK) -> None:
        octets = json.dumps(table, ensure_ascii=False).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def _refuse(self, status: HTTPStatus, line: str) -> None:
        self._answer({"error": line}, status)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it so
        """Say nothing: changes are in the proxy's own log."""


def _read_body(body: bytes) -> tuple[list[FaultOrder], int | None]:
    try:
        table = json.loads(body)
    except ValueError as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(table, dict) or not isinstance(table.get("faults"), list):
        raise UsageError('the body must be an object, as {"faults": ["transport-delay:seconds=1"]}')
    seed = table.get("seed")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        raise UsageError(f"seed must be a whole number, not {seed!r}")
    orders = []
    for entry in table["faults"]:
        if isinstance(entry, str):
            orders.append(parse_order(entry))
        elif isinstance(entry, dict):
            orders.append(read_order(entry))
        else:
            raise UsageError(f"a fault is a string or an object, not {entry!r}")
    return orders, seed
