"""`mailproof serve`: the reference server, with the DNS responder beside it where zone files are given.

The server is a child process, as any other target is: the harness imports nothing of it.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from harness.cli.dns import checked_address
from harness.peers.dns import DnsResponder
from harness.targets.launch import bound_to_us
from harness.vocabulary.errors import UsageError
from harness.vocabulary.faults import SERVER_FAULTS
from harness.vocabulary.services import HIGH_DNS_PORT, HIGH_PORTS, STANDARD_DNS_PORT, Service

_DNS_PORTS = {"high": HIGH_DNS_PORT, "standard": STANDARD_DNS_PORT, "free": 0}
_EPILOG = f"""\
Ports: high ({", ".join(f"{service} {HIGH_PORTS[service]}" for service in Service)}, dns {HIGH_DNS_PORT}),
standard (the well-known ones, which need root), or free (whichever are).

Login is the address or its local part. A password on the command line is seen by every user of this machine
in the list of processes; --account-env and the configuration file keep it to yourself. Plaintext passwords
need TLS, except on loopback addresses or where --clear-logins yes says otherwise.

Example: two servers that send each other mail on one machine, each reading both zone files.
  mailproof serve --bind 127.0.0.11 --domain one.test --account alice@one.test:secret \\
      --zone one.zone --zone two.zone --relay-port 2525
  mailproof serve --bind 127.0.0.12 --domain two.test --account bob@two.test:secret \\
      --zone one.zone --zone two.zone --relay-port 2525

Exit codes: 0 stopped by a signal; 2 wrong usage, configuration or zone file; 3 a port in use, a data
directory that cannot be used, or a fault of the server.
"""
_HELP = {
    "--config": ("FILE", "TOML file with the configuration; options stand above its keys"),
    "--bind": ("ADDRESS", "IP address to listen on (default 127.0.0.1)"),
    "--hostname": ("NAME", "the server's own name (default mail.DOMAIN)"),
    "--data": ("DIR", "where mail and accounts are kept (default: a temporary place, gone at the end)"),
    "--resolver": (
        "HOST:PORT",
        "DNS server that the relay asks (default: that of --zone, else the system's)",
    ),
    "--relay-port": ("N", "port of other domains' servers (default 25)"),
    "--write-target": ("FILE", "write a target file for this server once it listens, for mailproof check"),
}
_REPEATED = {
    "--domain": ("NAME", "a domain whose mail is delivered here (default: the domains of the accounts)"),
    "--account": ("ADDRESS:PASSWORD", "an account with its password"),
    "--account-env": ("ADDRESS:VARIABLE", "an account whose password is in an environment variable"),
    "--alias": ("ADDRESS=ADDRESS,...", "an address that stands for others, here or elsewhere"),
    "--outbound-domain": (
        "NAME",
        "a domain below which checks may make next hops; goes into the target file",
    ),
    "--fault": ("NAME", "misbehave on purpose, to see whether the checks notice; see --list-faults"),
}
_CHOICES = {
    "--ports": (("high", "free", "standard"), "which ports to listen on (default high)"),
    "--clear-logins": (("yes", "no"), "take passwords without TLS (default: on loopback addresses only)"),
    "--log-level": (
        ("debug", "info", "warning", "error"),
        "how much to log on standard error (default info)",
    ),
    "--log-format": (("text", "json"), "log lines to read (default), or one JSON object a line"),
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "serve",
        help="run the reference mail server",
        description="Run the reference mail server (SMTP, submission, LMTP, relay, POP3, IMAP).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for option, (metavar, text) in _HELP.items():
        parser.add_argument(option, metavar=metavar, help=text)
    for option, (metavar, text) in _REPEATED.items():
        parser.add_argument(option, metavar=metavar, action="append", default=[], help=f"{text} (repeatable)")
    for option, (choices, text) in _CHOICES.items():
        parser.add_argument(option, choices=choices, help=text)
    parser.add_argument(
        "--zone",
        metavar="FILE",
        action="append",
        default=[],
        dest="zones",
        help="a zone in master-file form: start a DNS responder with it beside the server (repeatable)",
    )
    parser.add_argument("--list-faults", action="store_true", help="list the names for --fault, and end")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the server, and the responder for as long as it runs; its exit code."""
    if arguments.list_faults:
        for fault in SERVER_FAULTS.values():
            print(f"{fault.name:<28} {fault.summary} ({fault.source})")
        return 0
    with contextlib.ExitStack() as stack:
        resolver = arguments.resolver
        if arguments.zones:
            responder = stack.enter_context(_responder(arguments))
            place = f"[{responder.host}]" if ":" in responder.host else responder.host
            print(f"{'dns':<12} {place}:{responder.port}", flush=True)
            resolver = resolver or f"{place}:{responder.port}"
        return _run_server([*_passed_on(arguments), *(["--resolver", resolver] if resolver else [])])


def _responder(arguments: argparse.Namespace) -> DnsResponder:
    """Make the DNS responder on the server's address."""
    if arguments.config is not None and (arguments.bind is None or arguments.ports is None):
        raise UsageError("--zone: with --config, give --bind and --ports as options too, for the responder")
    bind = checked_address((arguments.bind or "127.0.0.1").strip("[]"), "--bind")
    return DnsResponder([Path(zone) for zone in arguments.zones], bind, _DNS_PORTS[arguments.ports or "high"])


def _passed_on(arguments: argparse.Namespace) -> Iterator[str]:
    """Return the options that are the server's own, as they were given."""
    for option in (*_HELP, *_CHOICES):
        value = getattr(arguments, option[2:].replace("-", "_"))
        if value is not None and option != "--resolver":
            yield f"{option}={value}"
    for option in _REPEATED:
        for value in getattr(arguments, option[2:].replace("-", "_")):
            yield f"{option}={value}"


def _run_server(options: list[str]) -> int:
    """Run the child, hand signals on to it, and return how it ended."""
    # The handlers stand before the child is there: a signal in between must not leave it alone.
    received: list[int] = []
    children: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for child in children:
            child.send_signal(signal.SIGTERM)

    previous = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # -P: a folder of that name in the working directory is not the server.
        # A session of its own keeps the terminal's Ctrl-C from reaching the child a second time.
        child = subprocess.Popen(
            [*bound_to_us("TERM"), sys.executable, "-P", "-m", "reference_server", *options],
            start_new_session=True,
        )
        children.append(child)
        if received:
            child.send_signal(signal.SIGTERM)
        code = child.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code if code >= 0 else 3
