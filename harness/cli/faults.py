"""`mailproof faults`: the fault proxy, between a mail client and a real server.

Shows how a client takes a server that misbehaves: slow, cut, silent, or wrong in one named way.
"""

import argparse
import ipaddress
import queue
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from types import FrameType

from harness.cli.dns import checked_address, parse_bind
from harness.cli.fault_script import FaultScript, load_script
from harness.cli.unread import discard
from harness.peers.fault_proxy import Address, FaultProxy, Route
from harness.peers.faults.plan import FaultOrder, parse_order
from harness.peers.faults.registry import fault_parameters
from harness.peers.proxy.control import Control
from harness.peers.proxy.events import Happening, ProxyEvent
from harness.peers.proxy.tls import ProxyTls, from_files, issued
from harness.reports.places import verify_writable
from harness.targets.embedded import embedded_target
from harness.targets.file import Endpoint, TargetFile, Trust
from harness.targets.launch import launched, temporary_directory
from harness.targets.loader import load_target
from harness.targets.proxied import write_proxied_target
from harness.transport.tcp import client_context, format_endpoint
from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import PROXY_FAULTS
from harness.vocabulary.services import HIGH_PORTS, Service

_HIGH = 2000
"""What a base port is counted from: `HIGH_PORTS` are the ports with this base."""
_DEFAULT_BASE_PORT = 3000
_DEFAULT_LISTEN = f"127.0.0.1:{_DEFAULT_BASE_PORT}"
_MOST_BASE_PORT = 65535 - 999
_LISTEN = re.compile(r"(?:\[(?P<bracketed>[^]]*)\]|(?P<plain>[^:\[\]]*))(?::(?P<base>[0-9]{1,9}))?")
_EPILOG = f"""\
A fault is given as NAME[:key=value,...]; --list shows the names, and docs/faults.md what they can be told.
What a script says in [[fault]] tables is the same in longer words.

  mailproof faults --fault stall:match=^FETCH,seconds=120
  mailproof faults target.toml --fault imap-uidvalidity-drift --fault drip:seconds=0.05
  mailproof faults target.toml --script faults.toml --write-target proxied.toml

Ports: BASEPORT + {", ".join(f"{HIGH_PORTS[service] - _HIGH} ({service})" for service in Service)};
BASEPORT 0 takes free ones. Ctrl-C or SIGTERM ends the proxy; SIGHUP reads the script again.

Exit codes: 0 stopped by a signal; 2 wrong usage, script or target file; 3 an address or port cannot be had,
or the server cannot be started.
"""


class _Wish(Enum):
    """What a signal asks for."""

    STOP = "stop"
    RELOAD = "reload"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "faults",
        help="stand between a mail client and a server, and misbehave as ordered",
        description="A proxy in front of a mail server (the reference server, or the one of a target file) "
        "that misbehaves as ordered, to show how a mail client takes it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="TARGET.toml",
        help="the server (default: the reference server)",
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[:k=v,...]", dest="faults",
        help="a fault that stands in the connections (repeatable; the first is next to the client)",
    )  # fmt: skip
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="TOML file with faults, behind those of --fault"
    )
    parser.add_argument("--list", action="store_true", help="list the faults by protocol, and end")
    parser.add_argument(
        "--listen", action="append", metavar="ADDRESS[:BASEPORT]",
        help=f"where to listen (repeatable; default {_DEFAULT_LISTEN}); [::1] for IPv6",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, metavar="N", help="what is drawn by lot is drawn from it (default 0)"
    )
    parser.add_argument(
        "--control", metavar="HOST:PORT",
        help="HTTP interface to switch faults while it runs: GET and PUT /faults, GET /log, GET /services",
    )  # fmt: skip
    parser.add_argument(
        "--tls", choices=("terminate", "pass"), default="terminate",
        help="read what is under TLS with a certificate of our own, or pass it on unread (default terminate)",
    )  # fmt: skip
    parser.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="show this certificate (PEM, with its chain)"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="the key of --tls-cert")
    parser.add_argument(
        "--ca-file", type=Path, metavar="FILE",
        help="write our CA's certificate here, for clients to trust; with --tls-cert: read its CA's",
    )  # fmt: skip
    parser.add_argument(
        "--write-target", type=Path, metavar="FILE",
        help="write a target file for the services behind the proxy, for mailproof check",
    )  # fmt: skip
    parser.add_argument(
        "--log-format", choices=("text", "json"), default="text", help="lines for people or machines"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Stand in between until a signal comes."""
    if arguments.list:
        print("\n".join(_listing()))
        return ExitCode.CONFORMS
    orders = [parse_order(text) for text in arguments.faults]
    script = _script(arguments)
    listen = [parse_listen(text) for text in arguments.listen or [_DEFAULT_LISTEN]]
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise UsageError("--tls-cert and --tls-key go together")
    control = None if arguments.control is None else _parse_control(arguments.control)
    for path, option in ((arguments.write_target, "--write-target"), (arguments.ca_file, "--ca-file")):
        if path is not None and not (option == "--ca-file" and arguments.tls_cert is not None):
            verify_writable(path, option)
    wishes: queue.SimpleQueue[_Wish] = queue.SimpleQueue()
    with ExitStack() as stack:
        stack.enter_context(_signals(wishes))
        file = stack.enter_context(_server(arguments.target))
        names = [file.trust.server_name, *(address.host for address, _ in listen)]
        tls, trust = _tls(arguments, file, [name for name in names if name], stack)
        printer = _Printer(lambda: wishes.put(_Wish.STOP), as_json=arguments.log_format == "json")
        proxy = stack.enter_context(
            FaultProxy(
                _routes(file, listen),
                tls=tls,
                orders=[*orders, *script.orders],
                seed=_seed(arguments, script),
                log=printer.event,
            )
        )
        _introduce(proxy, file, printer, trust.ca_file, embedded=arguments.target is None)
        if control is not None:
            interface = stack.enter_context(Control(proxy, *control))
            printer.line("control", f"http://{format_endpoint(interface.host, interface.port)}/faults")
        if arguments.write_target is not None:
            endpoints = [_endpoint(route) for route in proxy.routes]
            name = f"{file.name}, behind the fault proxy"
            write_proxied_target(arguments.write_target, file, endpoints, trust, name=name)
            printer.line("target", str(arguments.write_target))
        while wishes.get() is _Wish.RELOAD:
            _reload(arguments, proxy, orders, printer)
    return ExitCode.CONFORMS


# What is ordered


def _script(arguments: argparse.Namespace) -> FaultScript:
    return FaultScript(()) if arguments.script is None else load_script(arguments.script)


def _seed(arguments: argparse.Namespace, script: FaultScript) -> int:
    seed: int | None = arguments.seed
    return (script.seed or 0) if seed is None else seed


def _reload(
    arguments: argparse.Namespace, proxy: FaultProxy, orders: Sequence[FaultOrder], printer: "_Printer"
) -> None:
    """Read the script again; one with a mistake changes nothing."""
    try:
        script = _script(arguments)
    except MailproofError as error:
        printer.event(ProxyEvent(Happening.FAILED, f"the faults stay as they are: {error}"))
    else:
        proxy.set_orders([*orders, *script.orders], seed=_seed(arguments, script))


def parse_listen(text: str) -> tuple[Address, int]:
    """Read `ADDRESS[:BASEPORT]`, an IPv6 address in front of a port in brackets; raises `UsageError`."""
    found = _LISTEN.fullmatch(text)
    host, digits = (found["bracketed"] or found["plain"], found["base"]) if found else (text, None)
    base = _DEFAULT_BASE_PORT if digits is None else int(digits)
    if base > _MOST_BASE_PORT:
        raise UsageError(
            f"--listen {text}: BASEPORT must be from 0 to {_MOST_BASE_PORT}, as {_DEFAULT_LISTEN}"
        )
    return Address(checked_address(host, f"--listen {text}")), base


def _parse_control(text: str) -> tuple[str, int]:
    try:
        return parse_bind(text)
    except UsageError as error:
        raise UsageError(str(error).replace("--bind", "--control")) from None


# What is started


@contextmanager
def _server(target: Path | None) -> Iterator[TargetFile]:
    """The server behind the proxy, started if need be."""
    if target is None:
        with embedded_target(outbound=False) as file:
            yield file
        return
    with launched(load_target(target)) as file:
        if not file.endpoints:
            raise UsageError(f"{target}: names no service that a proxy could stand in front of")
        yield file


def _routes(file: TargetFile, listen: Sequence[tuple[Address, int]]) -> Iterator[Route]:
    for address, base in listen:
        for endpoint in file.endpoints:
            port = base + HIGH_PORTS[endpoint.service] - _HIGH if base else 0
            yield Route(
                endpoint.service,
                endpoint.tls,
                Address(endpoint.host, endpoint.port, endpoint.path),
                Address(address.host, port),
            )


def _endpoint(route: Route) -> Endpoint:
    """Where clients find a service; an address that means all of this machine's is reached by loopback."""
    host = route.listen.host
    if ipaddress.ip_address(host).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    return Endpoint(route.service, route.tls, host, route.listen.port)


def _tls(
    arguments: argparse.Namespace, file: TargetFile, names: Sequence[str], stack: ExitStack
) -> tuple[ProxyTls, Trust]:
    """How TLS is treated, and what clients have to trust."""
    server_name = file.trust.server_name or next(
        (end.host for end in file.endpoints if end.host), "localhost"
    )
    ca_file: Path | None = arguments.ca_file
    if arguments.tls_cert is not None:
        for_clients = from_files(arguments.tls_cert, arguments.tls_key)
    else:
        if ca_file is None and arguments.write_target is not None:
            ca_file = arguments.write_target.with_suffix(".ca.pem")
            verify_writable(ca_file, "--write-target")
        elif ca_file is None:
            ca_file = stack.enter_context(temporary_directory()) / "ca.pem"
        for_clients = issued(["localhost", "127.0.0.1", "::1", *names], ca_file)
    tls = ProxyTls(
        for_clients, client_context(file.trust.ca_file), server_name, terminates=arguments.tls == "terminate"
    )
    if not tls.terminates:
        return tls, Trust(file.trust.ca_file, server_name)
    return tls, Trust(None if ca_file is None else ca_file.absolute(), file.trust.server_name)


@contextmanager
def _signals(wishes: "queue.SimpleQueue[_Wish]") -> Iterator[None]:
    """Take signals as wishes: to stop, or to read the script again."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        wishes.put(_Wish.STOP)

    def reload(_number: int, _frame: FrameType | None) -> None:
        wishes.put(_Wish.RELOAD)

    handlers = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: reload}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


# What is said


class _Printer:
    """Writes lines as they come; when nobody reads them any more the proxy is stopped in good order."""

    def __init__(self, unread: Callable[[], None], *, as_json: bool) -> None:
        self._unread = unread
        self._as_json = as_json

    def line(self, word: str, rest: str) -> None:
        """Write a line of the introduction."""
        event = ProxyEvent(Happening.LISTENING, rest, service=word)
        self._write(event.as_json() if self._as_json else f"{word} {rest}")

    def event(self, event: ProxyEvent) -> None:
        """Write a line of the log."""
        self._write(event.as_json() if self._as_json else event.as_text())

    def _write(self, text: str) -> None:
        try:
            print(text, flush=True)
        except BrokenPipeError:
            discard(sys.stdout)
            self._unread()


def _introduce(
    proxy: FaultProxy, file: TargetFile, printer: _Printer, ca_file: Path | None, *, embedded: bool
) -> None:
    """Say where to connect to, and as whom."""
    for route in proxy.routes:
        printer.line(route.service, f"{route.listen} -> {route.server}")
    if ca_file is not None:
        printer.line("ca-file", str(ca_file))
    if embedded:
        account = file.accounts.pool[0]
        printer.line("account", f"{account.login} password {account.password}")
    printer.line("faults", ", ".join(map(str, proxy.orders)) or "none")


def _listing() -> Iterator[str]:
    """The faults by protocol, each with what it can be told."""
    group = ""
    for name, entry in PROXY_FAULTS.items():
        if name.partition("-")[0] != group:
            if group:
                yield ""
            group = name.partition("-")[0]
            yield f"{group}:"
        yield f"  {name:<34} {entry.summary} ({entry.source})"
        if parameters := fault_parameters(name):
            yield f"  {'':<34}   {', '.join(f'{key}={value}' for key, value in parameters.items())}"
