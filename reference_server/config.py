"""The configuration: a TOML file, the command line over it, and what follows from both.

Everything is checked before anything is started; whatever is wrong is one line that names the file, the key
and the mend.
"""

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from harness.vocabulary.errors import UsageError
from harness.vocabulary.faults import SERVER_FAULTS
from harness.vocabulary.services import HIGH_PORTS, STANDARD_PORTS, Service
from reference_server.codec.smtp.path import Mailbox, PathError, is_domain, parse_mailbox
from reference_server.relay.schedule import RetrySchedule

_LEAST_MESSAGE_OCTETS = 64
"""Shorter than this is no delivered message: the trace fields alone are longer."""


class Ports(StrEnum):
    """Where the services listen, unless a service has a port of its own."""

    HIGH = "high"
    FREE = "free"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """An account that is to be there."""

    address: str
    password: str = field(repr=False)
    quota_octets: int | None = None
    """How much it may hold; None for the server's quota."""
    quota_messages: int | None = None
    deliver: "FileDelivery | None" = None
    """Where its mail goes, if not into the store."""

    @property
    def holds_nothing(self) -> bool:
        """Whether no message can ever fit: for the target file's `over_quota`."""
        return self.quota_messages == 0 or (
            self.quota_octets is not None and self.quota_octets < _LEAST_MESSAGE_OCTETS
        )


@dataclass(frozen=True, slots=True)
class FileDelivery:
    """A Maildir or an mbox file that an account's mail is delivered into."""

    kind: str
    """`maildir` or `mbox`."""
    path: Path


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Certificate files; without them the server makes its own."""

    certificate: Path
    key: Path
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes, counts and time-outs."""

    max_message_octets: int = 52_428_800
    max_recipients: int = 1000
    max_connections_per_address: int = 20_000
    max_errors: int = 500
    max_failed_logins: int = 10
    command_timeout_s: float = 300.0
    text_timeout_s: float = 180.0
    failed_login_delay_s: float = 0.25
    shutdown_grace_s: float = 5.0


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """How mail for other domains leaves."""

    port: int = 25
    schedule: RetrySchedule = field(default_factory=RetrySchedule)
    connect_timeout_s: float = 30.0
    reply_timeout_s: float = 300.0
    """RFC 5321 §4.5.3.2: 5 minutes for most replies."""
    final_reply_timeout_s: float = 600.0
    """RFC 5321 §4.5.3.2.6: 10 minutes for the reply to the final dot."""
    dns_timeout_s: float = 10.0
    max_attempts_at_once: int = 20
    max_attempts_per_destination: int = 10
    """So that one domain whose servers do not answer leaves room for the others."""
    idle_s: float = 2.0
    """How long a connection is kept for the next message; 0 for not at all."""
    max_messages_per_connection: int = 100


@dataclass(frozen=True, slots=True)
class Config:
    """A server that can be started."""

    hostname: str
    domains: tuple[str, ...]
    accounts: tuple[AccountConfig, ...]
    bind: str = "127.0.0.1"
    ports: dict[Service, int] = field(default_factory=dict)
    """The services that are offered, with their ports; 0 for any that is free."""
    lmtp_path: Path | None = None
    data: Path | None = None
    """None for a directory that lasts as long as the server."""
    resolver: tuple[str, int] | None = None
    """None for the system's."""
    outbound_domains: tuple[str, ...] = ()
    relay: RelayConfig = field(default_factory=RelayConfig)
    limits: Limits = field(default_factory=Limits)
    tls: TlsConfig | None = None
    postmaster: str | None = None
    aliases: dict[str, tuple[Mailbox, ...]] = field(default_factory=dict)
    """Addresses of ours that stand for others."""
    quota_octets: int | None = None
    """How much an account may hold that has no quota of its own; None for no limit."""
    quota_messages: int | None = None
    write_target: Path | None = None
    clear_logins: bool = False
    vrfy_for_strangers: bool = False
    """Whether VRFY and EXPN tell everybody on the SMTP port who is known here (RFC 5321 §7.3)."""
    faults: tuple[str, ...] = ()
    log_level: str = "info"
    log_format: str = "text"


def ports_for(ports: Ports) -> dict[Service, int]:
    """Return every service's port."""
    match ports:
        case Ports.HIGH:
            return dict(HIGH_PORTS)
        case Ports.STANDARD:
            return dict(STANDARD_PORTS)
        case Ports.FREE:
            return dict.fromkeys(Service, 0)


def is_loopback(bind: str) -> bool:
    """Whether nobody but this machine can reach the address."""
    return ipaddress.ip_address(bind).is_loopback


def checked_bind(bind: str, where: str) -> str:
    """Return the address to listen on; `where` names the option or key."""
    try:
        return str(ipaddress.ip_address("127.0.0.1" if bind == "localhost" else bind.strip("[]")))
    except ValueError:
        raise UsageError(f"{where}: {bind!r} is no IP address; give one as 127.0.0.1 or ::1") from None


def checked_domain(domain: str, where: str) -> str:
    """Return a domain of the envelope."""
    if not domain.isascii() or not is_domain(domain.encode("ascii")):
        raise UsageError(f"{where}: {domain!r} is no domain name; give one as example.test")
    return domain


def checked_address(address: str, where: str) -> str:
    """Return a mailbox address."""
    try:
        return str(parse_mailbox(address.encode("ascii")))
    except (PathError, UnicodeEncodeError):
        raise UsageError(f"{where}: {address!r} is no address; give one as alice@example.test") from None


def checked_mailbox(address: str, where: str) -> Mailbox:
    """Return a mailbox of the envelope."""
    return parse_mailbox(checked_address(address.strip(), where).encode("ascii"))


def checked_targets(addresses: Iterable[str], where: str) -> tuple[Mailbox, ...]:
    """Return whom an alias stands for."""
    targets = tuple(checked_mailbox(address, where) for address in addresses)
    if not targets:
        raise UsageError(f"{where}: an alias stands for one address or more; give them")
    return targets


def split_alias(text: str, where: str) -> tuple[str, tuple[Mailbox, ...]]:
    """Read `ADDRESS=ADDRESS,ADDRESS`; a local part may have a `=`, a domain has none."""
    local_part, _, rest = text.partition("@")
    domain, equals, targets = rest.partition("=")
    if not equals or not targets:
        raise UsageError(f"{where}: {text!r} names no target; give ADDRESS=ADDRESS,ADDRESS")
    return checked_address(f"{local_part}@{domain}", where), checked_targets(targets.split(","), where)


def checked_delivery(text: str, where: str, base: Path) -> FileDelivery:
    """Read `maildir:PATH` or `mbox:PATH`; a relative path starts at `base`."""
    kind, colon, path = text.partition(":")
    if kind not in ("maildir", "mbox") or not colon or not path:
        raise UsageError(f"{where}: {text!r} is no place; give maildir:PATH or mbox:PATH")
    return FileDelivery(kind, base / Path(path).expanduser())


def checked_endpoint(text: str, where: str) -> tuple[str, int]:
    """Return address and port of `HOST:PORT` or `[HOST]:PORT`."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    try:
        address = str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:
        colon = ""
        address = ""
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(
            f"{where}: {text!r} is no HOST:PORT; give an IP address and a port, as 127.0.0.1:2053"
        )
    return address, int(port)


def password_from_environment(variable: str, where: str) -> str:
    """Return the password that an environment variable holds."""
    password = os.environ.get(variable)
    if not password:
        raise UsageError(f"{where}: the environment has no {variable}; set it to the password")
    return password


def checked_port(text: str, where: str) -> int:
    """Return the port of other servers."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise UsageError(f"{where}: {text} is no port; give 1 to 65535")
    return int(text)


def checked_fault(name: str, where: str) -> str:
    """Return the name of a fault."""
    if name not in SERVER_FAULTS:
        near = get_close_matches(name, SERVER_FAULTS, 1)
        mend = f"did you mean {near[0]!r}?" if near else "mailproof serve --list-faults shows the names"
        raise UsageError(f"{where}: no fault is named {name!r}; {mend}")
    return name


def split_account(text: str, where: str, form: str = "ADDRESS:PASSWORD") -> AccountConfig:
    """Read `ADDRESS:PASSWORD`; the address has no colon outside quotes, the password may have many."""
    address, colon, password = text.partition(":")
    if not colon or not password:
        raise UsageError(f"{where}: {address!r} has no password; give {form}")
    return AccountConfig(checked_address(address, where), password)
