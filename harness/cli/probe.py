"""`mailproof probe HOST|TARGET.toml`: what a mail server offers on each port."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from harness.cli.output import Output
from harness.reports.places import verify_writable
from harness.targets.certificates import TlsFacts
from harness.targets.file import Endpoint, TargetFile, write_private
from harness.targets.launch import launched
from harness.targets.loader import load_target
from harness.targets.probe import Prober, ServiceFacts, endpoints_of, target_text
from harness.transport.tcp import client_context
from harness.vocabulary.errors import ConnectFailed, TlsFailed, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import HIGH_PORTS, STANDARD_PORTS

_PORTS = {"high": HIGH_PORTS, "standard": STANDARD_PORTS}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "probe",
        help="list what a mail server offers on each port",
        description=(
            "Connect to each service of a mail server and list its greeting, what it announces before and "
            "after STARTTLS, its TLS versions and its certificate. Nobody logs in, and no mail is sent."
        ),
    )
    parser.add_argument("target", metavar="HOST|TARGET.toml", help="a host name or address, or a target file")
    parser.add_argument(
        "--ports",
        choices=sorted(_PORTS),
        default="standard",
        help="of a host: the well-known ports (standard) or 2525, 2587, ... (high); default: standard",
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="verify certificates against this CA (PEM)")
    parser.add_argument(
        "--timeout", type=_seconds, default=5.0, metavar="S", help="wait so long for each answer (default: 5)"
    )
    parser.add_argument(
        "--write-target",
        type=Path,
        metavar="FILE",
        help="write a target file of what answers, to be completed",
    )
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be a number of seconds greater than 0")
    return seconds


def run(options: argparse.Namespace) -> int:
    """Probe, print, and say by the exit code whether anything answered."""
    if options.ca is not None:
        try:
            client_context(options.ca)
        except TlsFailed as error:
            raise UsageError(f"--ca: {error}; give the PEM file of the CA") from None
    if options.target.endswith(".toml"):
        with launched(load_target(options.target)) as file:
            return _probe_file(file, options)
    host = options.target.removeprefix("[").removesuffix("]")
    if not host or any(character in host for character in "/@ \t"):
        raise UsageError(
            f"{options.target!r} is no host; give a name, an address, or the path of a target file"
        )
    prober = Prober.trusting(options.ca, options.timeout)
    return _report(host, endpoints_of(host, _PORTS[options.ports]), prober, options)


def _probe_file(file: TargetFile, options: argparse.Namespace) -> int:
    prober = Prober.trusting(options.ca or file.trust.ca_file, options.timeout, file.trust.server_name)
    return _report(file.name, file.endpoints, prober, options, file=file)


def _report(
    name: str,
    endpoints: tuple[Endpoint, ...],
    prober: Prober,
    options: argparse.Namespace,
    *,
    file: TargetFile | None = None,
) -> int:
    if options.write_target is not None:
        verify_writable(options.write_target, "--write-target")
    console = Output(highlight=False, markup=False)
    with console.status(f"probing {name}", spinner="dots"):
        found = prober.probe_all(endpoints)
    console.print(_table(name, found))
    if not any(facts.answers for facts in found):
        raise ConnectFailed(
            f"nothing answers on {name}: {found[0].problem}; start the server, or name another host or ports"
            if found
            else f"{name} has no service; add a table like [service.smtp] to the target file"
        )
    if options.write_target is not None:
        text = target_text(
            name,
            found,
            domain=file.accounts.domain if file else None,
            ca_file=options.ca or (file.trust.ca_file if file else None),
            server_name=prober.server_name,
        )
        write_private(options.write_target, text)
        console.print(f"{options.write_target}: written; complete [accounts] and permits before use")
    return ExitCode.CONFORMS


def _table(name: str, found: list[ServiceFacts]) -> Table:
    table = Table(title=f"What {name} offers", title_justify="left", show_lines=True)
    for heading in ("service", "greeting", "announces", "TLS and certificate"):
        table.add_column(heading, overflow="fold")
    for facts in found:
        table.add_row(
            Text(f"{facts.endpoint.service}\n{facts.endpoint}"),
            Text(facts.greeting or ("" if facts.answers else f"- {facts.problem}")),
            Text(_announcements(facts)),
            Text(_tls_lines(facts)),
        )
    return table


def _announcements(facts: ServiceFacts) -> str:
    lines = []
    if facts.offers is not None:
        lines.append(_words(facts.offers))
    if facts.offers_under_tls is not None:
        before = facts.offers or {}
        more = {word: value for word, value in facts.offers_under_tls.items() if before.get(word) != value}
        upgrades = {"STARTTLS", "STLS"}
        gone = [word for word in before if word not in facts.offers_under_tls and word not in upgrades]
        lines.append(f"under TLS also: {_words(more) or 'nothing'}")
        if gone:
            lines.append(f"under TLS no longer: {', '.join(gone)}")
    if facts.answers and facts.problem is not None and facts.problem != (facts.tls and facts.tls.problem):
        lines.append(f"! {facts.problem}")
    return "\n".join(lines)


def _words(offers: Mapping[str, str]) -> str:
    return ", ".join(f"{word} {value}".strip() for word, value in offers.items())


def _tls_lines(facts: ServiceFacts) -> str:
    if facts.tls is None:
        return "none" if facts.answers else ""
    return "\n".join(_describe(facts.tls))


def _describe(tls: TlsFacts) -> list[str]:
    lines = [", ".join(tls.versions) or "no version of TLS"]
    if tls.certificate is not None:
        left = tls.certificate.expires - datetime.now(tz=UTC)
        lines += [
            f"subject: {tls.certificate.subject}",
            f"issuer: {tls.certificate.issuer}",
            f"names: {', '.join(tls.certificate.names) or 'none'}",
            f"expires: {tls.certificate.expires:%Y-%m-%d} ({left.days} days)",
        ]
    lines.append("verified" if tls.problem is None else f"NOT verified: {tls.problem}")
    return lines
