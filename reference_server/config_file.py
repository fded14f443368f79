"""Reading the TOML file: every key known, every value of its type, or one line that says how to mend it."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.vocabulary.errors import UsageError
from harness.vocabulary.services import Service
from reference_server.codec.smtp.path import Mailbox
from reference_server.config import (
    AccountConfig,
    Limits,
    Ports,
    RelayConfig,
    TlsConfig,
    checked_address,
    checked_bind,
    checked_delivery,
    checked_domain,
    checked_endpoint,
    checked_fault,
    checked_targets,
    password_from_environment,
)
from reference_server.relay.schedule import RetrySchedule

Value = TypeVar("Value")

_WORDS = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


class Table:
    """One table of the file; what is not taken by the end is unknown."""

    def __init__(self, file: Path, name: str, values: dict[str, Any]) -> None:
        self._file = file
        self._name = name
        self._values = dict(values)
        self._known: list[str] = []

    def where(self, key: str) -> str:
        """Name file and key, for a message."""
        return f"{self._file}: {self._name}.{key}" if self._name else f"{self._file}: {key}"

    def take(self, key: str, kind: type[Value]) -> Value | None:
        """Return a value of that type, None where the key is absent."""
        self._known.append(key)
        value = self._values.pop(key, None)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise UsageError(f"{self.where(key)}: {value!r} does not fit; give {_WORDS[kind]}")
        if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
            raise UsageError(f"{self.where(key)}: {value!r} is negative; give 0 or more")
        return value

    def take_strings(self, key: str) -> tuple[str, ...] | None:
        """Return a list of strings."""
        values = self.take(key, list)
        if values is None:
            return None
        if not all(isinstance(value, str) for value in values):
            raise UsageError(f"{self.where(key)}: give a list of strings")
        return tuple(values)

    def take_text_or_strings(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, also where one alone is given."""
        if isinstance(self._values.get(key), str):
            return (self._values.pop(key),)
        return self.take_strings(key) or ()

    def names(self) -> tuple[str, ...]:
        """Return the keys that are left, where they are names and not known before."""
        return tuple(self._values)

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self._file.parent

    def take_path(self, key: str) -> Path | None:
        """Return a path; a relative one starts at the file's folder."""
        text = self.take(key, str)
        return None if text is None else self._file.parent / Path(text).expanduser()

    def take_port(self, key: str) -> int | None:
        """Return a port number."""
        port = self.take(key, int)
        if port is not None and port > 65_535:
            raise UsageError(f"{self.where(key)}: {port} is no port; give 0 (any) to 65535")
        return port

    def take_table(self, key: str) -> "Table":
        """Return a table, empty where it is absent."""
        name = f"{self._name}.{key}" if self._name else key
        return Table(self._file, name, self.take(key, dict) or {})

    def take_tables(self, key: str) -> "list[Table]":
        """Return an array of tables, empty where it is absent."""
        tables = self.take(key, list) or []
        if not all(isinstance(table, dict) for table in tables):
            raise UsageError(f"{self.where(key)}: give tables, each as [[{key}]]")
        return [Table(self._file, f"{key}[{number}]", table) for number, table in enumerate(tables, 1)]

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def finish(self) -> None:
        """Refuse what is left over."""
        for key in self._values:
            raise UsageError(f"{self.where(key)}: unknown key; known are {', '.join(sorted(self._known))}")


def read_file(path: Path) -> dict[str, Any]:
    """Return what the file says, as keyword arguments of `Settings` in `reference_server.options`."""
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a file that can be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no TOML: {error}") from None
    top = Table(path, "", values)
    found = _read_top(top)
    found["services"] = _read_services(top.take_table("service"))
    found["accounts"] = _read_accounts(top)
    found["aliases"] = _read_aliases(top)
    found.update(_read_quota(top.take_table("quota")))
    found["limits"] = _read_limits(top.take_table("limits"))
    found["tls"] = _read_tls(top.take_table("tls"))
    found.update(_read_relay(top.take_table("relay")))
    top.finish()
    return {key: value for key, value in found.items() if value is not None}


def _read_top(top: Table) -> dict[str, Any]:
    found: dict[str, Any] = {
        "data": top.take_path("data"),
        "write_target": top.take_path("write_target"),
        "clear_logins": top.take("clear_logins", bool),
        "vrfy_for_strangers": top.take("vrfy_for_strangers", bool),
        "faults": top.take_strings("faults"),
    }
    for name in found["faults"] or ():
        checked_fault(name, top.where("faults"))
    bind = top.take("bind", str)
    found["bind"] = None if bind is None else checked_bind(bind, top.where("bind"))
    hostname = top.take("hostname", str)
    found["hostname"] = None if hostname is None else checked_domain(hostname, top.where("hostname"))
    domains = top.take_strings("domains")
    found["domains"] = domains and tuple(checked_domain(name, top.where("domains")) for name in domains)
    postmaster = top.take("postmaster", str)
    found["postmaster"] = postmaster and checked_address(postmaster, top.where("postmaster"))
    ports = top.take("ports", str)
    if ports is not None and ports not in tuple(Ports):
        raise UsageError(f"{top.where('ports')}: {ports!r} is not one of {', '.join(Ports)}")
    found["ports"] = None if ports is None else Ports(ports)
    level = top.take("log_level", str)
    if level is not None and level not in ("debug", "info", "warning", "error"):
        raise UsageError(f"{top.where('log_level')}: {level!r} is not one of debug, info, warning, error")
    found["log_level"] = level
    log_format = top.take("log_format", str)
    if log_format is not None and log_format not in ("text", "json"):
        raise UsageError(f"{top.where('log_format')}: {log_format!r} is not one of text, json")
    found["log_format"] = log_format
    return found


def _read_services(tables: Table) -> "dict[Service, int | Path | None]":
    """Return ports (and LMTP's socket path) by service; None for a service that is switched off."""
    services: dict[Service, int | Path | None] = {}
    for service in Service:
        if service not in tables:
            tables.take(service, dict)
            continue
        table = tables.take_table(service)
        port = table.take_port("port")
        path = table.take_path("path") if service is Service.LMTP else None
        enabled = table.take("enabled", bool)
        table.finish()
        if enabled is False:
            services[service] = None
        elif path is not None:
            services[service] = path
        elif port is not None:
            services[service] = port
    tables.finish()
    return services


def _read_accounts(top: Table) -> tuple[AccountConfig, ...]:
    accounts = []
    for table in top.take_tables("account"):
        address = table.take("address", str)
        password = table.take("password", str)
        variable = table.take("password_env", str)
        deliver = table.take("deliver", str)
        quota_octets = table.take("quota_octets", int)
        quota_messages = table.take("quota_messages", int)
        table.finish()
        if address is None:
            raise UsageError(f"{table.where('address')}: missing; give the account's address")
        if password is None and variable is not None:
            password = password_from_environment(variable, table.where("password_env"))
        if not password:
            raise UsageError(f"{table.where('password')}: missing; give password or password_env")
        accounts.append(
            AccountConfig(
                checked_address(address, table.where("address")),
                password,
                quota_octets,
                quota_messages,
                None if deliver is None else checked_delivery(deliver, table.where("deliver"), table.folder),
            )
        )
    return tuple(accounts)


def _read_quota(table: Table) -> dict[str, Any]:
    """Read `[quota]`: what an account may hold that has no quota of its own."""
    found = {f"quota_{key}": table.take(key, int) for key in ("octets", "messages")}
    table.finish()
    return found


def _read_aliases(top: Table) -> dict[str, tuple[Mailbox, ...]] | None:
    """Read `[aliases]`: an address, and the address or the list of addresses that it stands for."""
    table = top.take_table("aliases")
    aliases: dict[str, tuple[Mailbox, ...]] = {}
    for key in table.names():
        given = table.take_text_or_strings(key)
        where = table.where(f'"{key}"')
        aliases[checked_address(key, where)] = checked_targets(given, where)
    return aliases or None


def _read_limits(table: Table) -> Limits:
    given: dict[str, Any] = {
        entry.name: table.take(entry.name, float if entry.name.endswith("_s") else int)
        for entry in fields(Limits)
    }
    table.finish()
    return replace(Limits(), **{name: value for name, value in given.items() if value is not None})


def _read_tls(table: Table) -> TlsConfig | None:
    certificate = table.take_path("certificate")
    key = table.take_path("key")
    ca_file = table.take_path("ca_file")
    table.finish()
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "certificate" if certificate is None else "key"
        raise UsageError(f"{table.where(missing)}: missing; give certificate and key together")
    for path, name in ((certificate, "certificate"), (key, "key"), (ca_file, "ca_file")):
        if path is not None and not path.is_file():
            raise UsageError(f"{table.where(name)}: {path} is no file")
    return TlsConfig(certificate, key, ca_file)


def _read_relay(table: Table) -> dict[str, Any]:
    resolver = table.take("resolver", str)
    pauses = table.take("retry_pauses_s", list)
    give_up_after_s = table.take("give_up_after_s", float)
    port = table.take_port("port")
    found: dict[str, Any] = {
        "resolver": resolver and checked_endpoint(resolver, table.where("resolver")),
        "outbound_domains": table.take_strings("outbound_domains"),
        "relay_port": port,
    }
    times = {
        name: table.take(name, float)
        for name in (
            *("connect_timeout_s", "reply_timeout_s", "final_reply_timeout_s", "dns_timeout_s"),
            "idle_s",
        )
    }
    counts = {
        name: table.take(name, int)
        for name in (
            *("max_attempts_at_once", "max_attempts_per_destination", "max_messages_per_connection"),
        )
    }
    for name, count in counts.items():
        if count == 0:
            raise UsageError(f"{table.where(name)}: 0 would relay nothing; give 1 or more")
    tell_delay_after_s = table.take("tell_delay_after_s", float)
    table.finish()
    schedule = RetrySchedule()
    if pauses is not None:
        if not pauses or not all(
            isinstance(pause, int | float) and not isinstance(pause, bool) and pause > 0 for pause in pauses
        ):
            raise UsageError(f"{table.where('retry_pauses_s')}: give a list of numbers above 0")
        schedule = replace(schedule, pauses_s=tuple(float(pause) for pause in pauses))
    if give_up_after_s is not None:
        schedule = replace(schedule, give_up_after_s=give_up_after_s)
    if tell_delay_after_s is not None:
        # 0 for never: a notification with each first deferral is what nobody wants.
        schedule = replace(schedule, tell_delay_after_s=tell_delay_after_s or None)
    given: dict[str, Any] = {name: value for name, value in {**times, **counts}.items() if value is not None}
    found["relay"] = replace(RelayConfig(schedule=schedule), **given)
    return found
