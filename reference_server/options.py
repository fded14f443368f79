"""The command line of `python -m reference_server`, and the configuration that file and options make."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import Service
from reference_server.config import (
    AccountConfig,
    Config,
    Ports,
    RelayConfig,
    checked_bind,
    checked_domain,
    checked_endpoint,
    checked_fault,
    checked_port,
    is_loopback,
    password_from_environment,
    ports_for,
    split_account,
    split_alias,
)
from reference_server.config_file import read_file

_DEFAULT_DOMAIN = "example.test"


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, as all others are; the usage is what `--help` shows."""

    def error(self, message: str) -> NoReturn:
        """End with the line."""
        self.exit(ExitCode.USAGE, f"mailproof: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser; options stand above the file's keys."""
    made = Parser(
        prog="python -m reference_server",
        description="The reference mail server of mailproof: SMTP, submission, LMTP, relay, POP3 and IMAP.",
    )
    made.add_argument("--config", type=Path, metavar="FILE", help="TOML file with the configuration")
    made.add_argument("--bind", metavar="ADDRESS", help="IP address to listen on (default 127.0.0.1)")
    made.add_argument(
        "--ports",
        choices=[str(ports) for ports in Ports],
        help="high: 2525, 2587, ... (default); free: any; standard: 25, 587, ...",
    )
    made.add_argument("--hostname", metavar="NAME", help="the server's own name (default mail.DOMAIN)")
    made.add_argument(
        "--domain", action="append", metavar="NAME", help="a domain whose mail is delivered here (repeatable)"
    )
    made.add_argument(
        "--account",
        action="append",
        metavar="ADDRESS:PASSWORD",
        help="an account with its password (repeatable)",
    )
    made.add_argument(
        "--account-env",
        action="append",
        metavar="ADDRESS:VARIABLE",
        help="an account whose password is in an environment variable (repeatable)",
    )
    made.add_argument(
        "--alias",
        action="append",
        metavar="ADDRESS=ADDRESS,...",
        help="an address that stands for others, here or elsewhere (repeatable)",
    )
    made.add_argument(
        "--data", type=Path, metavar="DIR", help="where mail is kept (default: a temporary place)"
    )
    made.add_argument(
        "--resolver", metavar="HOST:PORT", help="DNS server that the relay asks (default: the system's)"
    )
    made.add_argument("--relay-port", metavar="N", help="port of other domains' servers (default 25)")
    made.add_argument(
        "--outbound-domain",
        action="append",
        metavar="NAME",
        help="a domain below which checks may make next hops; only written into the target file (repeatable)",
    )
    made.add_argument(
        "--write-target",
        type=Path,
        metavar="FILE",
        help="write a target file for this server once it listens",
    )
    made.add_argument(
        "--clear-logins", choices=["yes", "no"], help="take passwords without TLS (default: on loopback only)"
    )
    made.add_argument("--fault", action="append", metavar="NAME", help="misbehave on purpose (repeatable)")
    made.add_argument("--log-level", choices=["debug", "info", "warning", "error"], help="default info")
    made.add_argument(
        "--log-format", choices=["text", "json"], help="lines to read (default), or one JSON object a line"
    )
    return made


def configuration(arguments: argparse.Namespace) -> Config:
    """Return what file and options say together; raises `UsageError`."""
    settings: dict[str, Any] = {} if arguments.config is None else read_file(arguments.config)
    settings.update(_from_options(arguments))
    return _complete(settings)


def _from_options(arguments: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {
        "data": arguments.data,
        "write_target": arguments.write_target,
        "log_level": arguments.log_level,
        "log_format": arguments.log_format,
        "aliases": dict(split_alias(text, "--alias") for text in arguments.alias or ()) or None,
        "relay_port": checked_port(arguments.relay_port, "--relay-port") if arguments.relay_port else None,
        "faults": tuple(checked_fault(name, "--fault") for name in arguments.fault or ()) or None,
        "ports": Ports(arguments.ports) if arguments.ports else None,
        "bind": checked_bind(arguments.bind, "--bind") if arguments.bind else None,
        "hostname": checked_domain(arguments.hostname, "--hostname") if arguments.hostname else None,
        "resolver": checked_endpoint(arguments.resolver, "--resolver") if arguments.resolver else None,
        "clear_logins": arguments.clear_logins == "yes" if arguments.clear_logins else None,
        "domains": _domains(arguments.domain, "--domain"),
        "outbound_domains": _domains(arguments.outbound_domain, "--outbound-domain"),
    }
    accounts = [split_account(text, "--account") for text in arguments.account or ()]
    for text in arguments.account_env or ():
        named = split_account(text, "--account-env", "ADDRESS:VARIABLE")
        accounts.append(
            AccountConfig(named.address, password_from_environment(named.password, "--account-env"))
        )
    given["accounts"] = tuple(accounts) or None
    return {key: value for key, value in given.items() if value is not None}


def _domains(names: list[str] | None, where: str) -> tuple[str, ...] | None:
    return tuple(checked_domain(name, where) for name in names) if names else None


def _complete(settings: dict[str, Any]) -> Config:
    """Fill in what follows from the rest."""
    accounts: tuple[AccountConfig, ...] = settings.pop("accounts", ())
    domains: tuple[str, ...] = settings.pop("domains", ())
    of_accounts = dict.fromkeys(account.address.rpartition("@")[2].lower() for account in accounts)
    if not domains:
        domains = tuple(of_accounts) or (_DEFAULT_DOMAIN,)
    known = {domain.lower() for domain in domains}
    for domain in of_accounts:
        if domain not in known:
            raise UsageError(
                f"an account is at {domain}, which is no domain of this server; add --domain {domain}"
            )
    for alias in settings.get("aliases", ()):
        domain = alias.rpartition("@")[2].lower()
        if domain not in known:
            raise UsageError(f"the alias {alias} is at no domain of this server; add --domain {domain}")
    bind = settings.setdefault("bind", "127.0.0.1")
    settings.setdefault("clear_logins", is_loopback(bind))
    hostname = settings.pop("hostname", f"mail.{domains[0]}")
    ports = ports_for(settings.pop("ports", Ports.HIGH))
    for service, place in settings.pop("services", {}).items():
        if place is None:
            del ports[service]
        elif isinstance(place, Path):
            del ports[Service.LMTP]
            settings["lmtp_path"] = place
        else:
            ports[service] = place
    relay: RelayConfig = settings.pop("relay", RelayConfig())
    if "relay_port" in settings:
        relay = replace(relay, port=settings.pop("relay_port"))
    return Config(hostname=hostname, domains=domains, accounts=accounts, ports=ports, relay=relay, **settings)
