"""`mailproof dns`: the DNS responder alone, for a server under test that is started by hand.

Serves the zones of one or more master files until it is told to stop by SIGINT or SIGTERM.
"""

import argparse
import ipaddress
import signal
import threading
from types import FrameType

from harness.peers.dns import DnsResponder
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import HIGH_DNS_PORT

_EPILOG = """\
A zone file has the usual master-file form (RFC 1035 section 5):

  $ORIGIN two.test.
  $TTL 60
  @    IN SOA ns hostmaster 1 3600 600 86400 60
       IN NS  ns
       IN MX  10 mx
  ns   IN A   127.0.0.1
  mx   IN A   127.0.0.12

Exit codes: 0 stopped by a signal, 2 wrong usage or zone file, 3 the address or port cannot be had.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "dns",
        help="answer DNS questions from zone files",
        description="Answer DNS questions over UDP and TCP from zone files, until SIGINT or SIGTERM.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--zone",
        action="append",
        required=True,
        metavar="FILE",
        dest="zones",
        help="a zone in master-file form; give it once per file",
    )
    parser.add_argument(
        "--bind",
        default=f"127.0.0.1:{HIGH_DNS_PORT}",
        metavar="ADDRESS:PORT",
        help="where to answer (default: %(default)s); [::1]:2053 for IPv6, port 0 for a free one",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    host, port = parse_bind(arguments.bind)
    responder = DnsResponder(arguments.zones, host, port)
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with responder:
            where = f"[{responder.host}]" if ":" in responder.host else responder.host
            print(f"answering DNS on {where}:{responder.port}, UDP and TCP")
            for origin in responder.origins:
                print(f"zone {origin}")
            print("stop with Ctrl-C", flush=True)
            stopping.wait()
        print(f"{len(responder.queries)} questions answered")
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return ExitCode.CONFORMS


def parse_bind(text: str) -> tuple[str, int]:
    """Read `ADDRESS:PORT`, with brackets around an IPv6 address; raises `UsageError`."""
    host, colon, digits = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise UsageError(f"--bind {text}: write an IPv6 address in brackets, as [::1]:{HIGH_DNS_PORT}")
    if not colon or not host or not digits.isascii() or not digits.isdigit() or int(digits) > 65535:
        raise UsageError(f"--bind {text}: write ADDRESS:PORT, as 127.0.0.1:{HIGH_DNS_PORT}")
    return checked_address(host, f"--bind {text}"), int(digits)


def checked_address(host: str, where: str) -> str:
    """Return an IP address to answer on; `where` names the option."""
    try:
        return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:
        raise UsageError(f"{where}: {host!r} is no IP address; give one as 127.0.0.1 or ::1") from None
