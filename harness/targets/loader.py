"""From a TOML file to a `TargetFile`, or to one line that says what to mend."""

import ipaddress
import os
import re
import sys
import tomllib
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path

from harness.targets.accounts import read_accounts
from harness.targets.file import (
    Control,
    DeliveryAgent,
    Endpoint,
    Launch,
    Limits,
    OutboundRoute,
    Permit,
    TargetFile,
    Trust,
    Waiver,
)
from harness.targets.reading import Reader, nearest
from harness.transport.tcp import client_context
from harness.vocabulary.errors import TargetFileError, TlsFailed
from harness.vocabulary.services import DEFAULT_TLS, Service, Tls

SCHEMA = 1
_PLACEHOLDER = re.compile(r"\{(directory|python)\}")
_TABLES = (
    "schema", "name", "permits", "service", "trust", "accounts", "limits", "storage", "launch", "control",
    "outbound", "waiver",
)  # fmt: skip
_IMPLICIT_ONLY = frozenset({Service.SUBMISSIONS, Service.POP3S, Service.IMAPS})


def load_target(
    path: str | os.PathLike[str], *, directory: Path | None = None, today: date | None = None
) -> TargetFile:
    """Read and validate a target file.

    `directory` is what `{directory}` stands for in a file with `[launch]`; without it the server is still to
    be launched, and paths below it are not looked at yet. `today` decides which waivers have expired.
    """
    file = Path(path)
    table = _read_toml(file)
    root = Reader(file, "", _fill(table, directory))
    root.allow_only(_TABLES)
    _demand_schema(root)
    launch = _read_launch(root)
    if launch is None and directory is None and (key := _first_with_placeholder(table)):
        root.fail(key, "{directory} is known only where [launch] is; give the path, or add [launch]")
    endpoints = _read_endpoints(root)
    agent = _read_agent(root)
    if not endpoints and agent is None:
        root.fail("service", "no service is named; add a table like [service.smtp] with host and port")
    waivers = _read_waivers(root)
    today = today or datetime.now(tz=UTC).date()
    accounts = root.sub("accounts")
    if accounts is None:
        root.fail("accounts", "missing; add [accounts] with domain and pool (pool = [] if there are none)")
    return TargetFile(
        path=file,
        name=root.optional_text("name") or file.stem,
        permits=_read_permits(root, endpoints),
        endpoints=endpoints,
        accounts=read_accounts(accounts),
        agent=agent,
        trust=_read_trust(root, launched_later=launch is not None and directory is None),
        limits=_read_limits(root),
        storage_maildir=_read_storage(root),
        launch=launch,
        control=_read_control(root),
        outbound=_read_outbound(root),
        waivers=tuple(waiver for waiver in waivers if not waiver.expired(today)),
        expired_waivers=tuple(waiver for waiver in waivers if waiver.expired(today)),
        directory=directory,
    )


def _read_toml(file: Path) -> dict[str, object]:
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TargetFileError(f"{file}: cannot be read: {reason}; give the path of a target file") from None
    except UnicodeDecodeError as error:
        raise TargetFileError(
            f"{file}: is not UTF-8 at octet {error.start}; TOML is written in UTF-8"
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetFileError(f"{file}: is not TOML: {error}") from None


def _fill(value: object, directory: Path | None) -> dict[str, object]:
    """Fill the placeholders of all strings: `{directory}` if it is known, and `{python}`, ourselves."""
    filled = _filled(
        value, {"python": sys.executable, **({"directory": str(directory)} if directory else {})}
    )
    assert isinstance(filled, dict)
    return filled


def _filled(value: object, words: dict[str, str]) -> object:
    match value:
        case str():
            return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), value)
        case list():
            return [_filled(entry, words) for entry in value]
        case dict():
            return {key: _filled(entry, words) for key, entry in value.items()}
        case _:
            return value


def _first_with_placeholder(value: object, name: str = "") -> str | None:
    """The dotted key of the first string with `{directory}` in it."""
    match value:
        case str():
            return name if "{directory}" in value else None
        case dict():
            entries = [(f"{name}.{key}".lstrip("."), entry) for key, entry in value.items()]
        case list():
            entries = [(name, entry) for entry in value]
        case _:
            return None
    return next((found for key, entry in entries if (found := _first_with_placeholder(entry, key))), None)


def _demand_schema(root: Reader) -> None:
    if not root.has("schema"):
        root.fail("schema", f"missing; write schema = {SCHEMA}")
    if root.table["schema"] != SCHEMA or isinstance(root.table["schema"], bool):
        root.fail(
            "schema",
            f"{root.table['schema']!r} is not a format this mailproof reads; write schema = {SCHEMA}",
        )


def _read_permits(root: Reader, endpoints: tuple[Endpoint, ...]) -> frozenset[Permit]:
    """The default reaches as far as the loopback range; whoever tries another's machine spells it out."""
    if not root.has("permits"):
        if stranger := next((endpoint for endpoint in endpoints if not is_loopback(endpoint)), None):
            choices = ", ".join(f'"{permit}"' for permit in Permit)
            root.fail(
                "permits",
                f"missing, and {stranger} is outside the loopback range; list from: [{choices}]",
            )
        return frozenset(Permit)
    permits = set()
    for word in root.texts("permits"):
        if word not in set(Permit):
            root.fail("permits", f'"{word}" is no permit; {nearest(word, Permit)}')
        permits.add(Permit(word))
    return frozenset(permits)


def is_loopback(endpoint: Endpoint) -> bool:
    """Whether the service is on this machine: 127.0.0.0/8, ::1, a name below localhost, or a UNIX socket."""
    if endpoint.path is not None:
        return True
    host = endpoint.host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761 §6.3
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _read_endpoints(root: Reader) -> tuple[Endpoint, ...]:
    services = root.sub("service")
    if services is None:
        return ()
    services.allow_only([*Service, "mda"])
    return tuple(_read_endpoint(reader, service) for service in Service if (reader := services.sub(service)))


def _read_endpoint(reader: Reader, service: Service) -> Endpoint:
    unix = service is Service.LMTP
    reader.allow_only({"host", "port", "tls", *(["path"] if unix else [])})
    tls = Tls(reader.choice("tls", Tls)) if reader.has("tls") else DEFAULT_TLS[service]
    if service in _IMPLICIT_ONLY and tls is not Tls.IMPLICIT:
        reader.fail(
            "tls",
            f'must be "implicit": {service} is the service under TLS from the first octet (RFC 8314 §3)',
        )
    if reader.has("path"):
        if reader.has("host") or reader.has("port"):
            reader.fail("path", "give either path or host and port, not both")
        return Endpoint(service, tls, path=_path(reader, "path"))
    host = reader.text("host").removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[0-9A-Za-z._:%-]+", host):
        reader.fail("host", f'"{host}" is no host name or address; write it without port, scheme or spaces')
    return Endpoint(service, tls, host, reader.whole("port", least=1, most=65535))


def _read_agent(root: Reader) -> DeliveryAgent | None:
    services = root.sub("service")
    reader = services.sub("mda") if services else None
    if reader is None:
        return None
    reader.allow_only({"argv", "store"})
    store = reader.text("store")
    if store.partition(":")[0] not in {"maildir", "mbox"}:
        reader.fail("store", f'"{store}" must be maildir:PATH or mbox:PATH')
    return DeliveryAgent(reader.texts("argv", filled=True), store)


def _read_trust(root: Reader, *, launched_later: bool) -> Trust:
    reader = root.sub("trust")
    if reader is None:
        return Trust()
    reader.allow_only({"ca_file", "server_name"})
    ca_file = _path(reader, "ca_file") if reader.has("ca_file") else None
    if ca_file is not None and not launched_later and not ca_file.is_file():
        reader.fail(
            "ca_file", f"{ca_file} does not exist; give the PEM file of the CA, relative to this file"
        )
    if ca_file is not None and not launched_later:
        try:
            client_context(ca_file)
        except TlsFailed as error:
            reader.fail("ca_file", f"{error}; give a PEM file with a CA's certificate")
    return Trust(ca_file, reader.optional_text("server_name"))


def _path(reader: Reader, key: str) -> Path:
    """A path, relative to the target file's own folder."""
    text = reader.text(key)
    if "{directory}" in text:
        return Path(text)
    return (reader.file.parent / Path(text).expanduser()).absolute()


def _read_limits(root: Reader) -> Limits:
    reader = root.sub("limits")
    if reader is None:
        return Limits()
    reader.allow_only(field.name for field in fields(Limits))
    most = 2**63 - 1
    usual = Limits()
    return Limits(
        reply_timeout_s=reader.seconds("reply_timeout_s", usual.reply_timeout_s),
        max_message_octets=(
            reader.whole("max_message_octets", least=1, most=most)
            if reader.has("max_message_octets")
            else usual.max_message_octets
        ),
        max_connections=(
            reader.whole("max_connections", least=1, most=most) if reader.has("max_connections") else None
        ),
        commands_per_s=reader.positive("commands_per_s") if reader.has("commands_per_s") else None,
        failed_logins=reader.whole("failed_logins", least=0, most=most)
        if reader.has("failed_logins")
        else None,
    )


def _read_storage(root: Reader) -> str | None:
    reader = root.sub("storage")
    if reader is None:
        return None
    reader.allow_only({"maildir"})
    return reader.text("maildir")


def _read_launch(root: Reader) -> Launch | None:
    reader = root.sub("launch")
    if reader is None:
        return None
    reader.allow_only({"argv", "ready_within_s"})
    return Launch(_command(reader, "argv"), reader.seconds("ready_within_s", 30.0))


def _read_control(root: Reader) -> Control | None:
    reader = root.sub("control")
    if reader is None:
        return None
    reader.allow_only({"kill", "start"})
    return Control(_command(reader, "kill"), _command(reader, "start"))


def _command(reader: Reader, key: str) -> tuple[str, ...]:
    """An argument list; a program given with a folder is relative to the target file's own."""
    program, *arguments = reader.texts(key, filled=True)
    if os.sep in program and "{directory}" not in program:
        path = (reader.file.parent / program).absolute()
        if not path.is_file():
            reader.fail(key, f"{path} does not exist; give the program's path, relative to this file")
        if not os.access(path, os.X_OK):
            reader.fail(key, f"{path} is not executable; chmod +x it")
        program = str(path)
    return program, *arguments


def _read_outbound(root: Reader) -> OutboundRoute | None:
    reader = root.sub("outbound")
    if reader is None:
        return None
    reader.allow_only({"dns", "domains", "sink_port"})
    host, _, port = reader.text("dns").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(host)
        number = int(port)
    except ValueError:
        reader.fail("dns", f'"{reader.text("dns")}" must be ADDRESS:PORT, as 127.0.0.153:53 or [::1]:2053')
    if not 1 <= number <= 65535:
        reader.fail("dns", f"the port must be from 1 to 65535, not {number}")
    domains = reader.texts("domains", filled=True)
    sink_port = reader.whole("sink_port", least=1, most=65535) if reader.has("sink_port") else 25
    return OutboundRoute(str(address), number, domains, sink_port)


def _read_waivers(root: Reader) -> list[Waiver]:
    waivers = []
    for reader in root.subs("waiver"):
        reader.allow_only({"requirement", "reason", "until"})
        until = reader.table.get("until")
        if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
            reader.fail("until", f"must be a date without quotes, as 2027-03-31, not {until!r}")
        waivers.append(Waiver(reader.text("requirement"), reader.text("reason"), until))
    return waivers
