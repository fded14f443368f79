"""A target file as frozen values: which mail server to try, how far to go, and what is known about it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from harness.vocabulary.judging import PLAYED_BY, Need
from harness.vocabulary.services import Service, Tls


class Permit(StrEnum):
    """What a target file may permit; what it does not name is never run."""

    CONFORMANCE = "conformance"
    HOSTILE_INPUT = "hostile-input"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one service listens: a host and a port, or a UNIX socket (LMTP)."""

    service: Service
    tls: Tls
    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class DeliveryAgent:
    """A local delivery agent that is run as a command, the message on standard input."""

    argv: tuple[str, ...]
    store: str
    """`maildir:PATH` or `mbox:PATH`: where its delivery is looked for."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a certificate is verified against."""

    ca_file: Path | None = None
    """None means the system's store."""
    server_name: str | None = None
    """The name to verify; None means the service's host."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the target that the checks may use as they like."""

    address: str
    login: str
    password: str | None = None
    token: str | None = None
    """An OAuth token, for OAUTHBEARER and XOAUTH2, in place of a password."""

    def __repr__(self) -> str:
        return f"Account({self.address!r}, {self.login!r})"  # a report shows no password

    @property
    def local_part(self) -> str:
        """The part before the last `@`."""
        return self.address.rpartition("@")[0]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who the checks may be, and addresses with a known fate."""

    domain: str
    pool: tuple[Account, ...] = ()
    pop3: tuple[Account, ...] = ()
    """Those of the pool whose whole maildrop the POP3 checks may empty."""
    create: tuple[str, ...] | None = None
    """A command that makes a fresh account, with `{address}` and `{password}` filled in."""
    unknown: str | None = None
    """Surely no recipient here."""
    alias: str | None = None
    """Another name of some account."""
    over_quota: str | None = None
    """A recipient whose mailbox is full."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard the target may be pushed, and how long it is waited for."""

    reply_timeout_s: float = 10.0
    max_message_octets: int = 10_485_760
    max_connections: int | None = None
    commands_per_s: float | None = None
    failed_logins: int | None = None
    """How many wrong passwords a run may try before the server would lock somebody out."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How mailproof starts the server itself; `{directory}` is a temporary directory made for it."""

    argv: tuple[str, ...]
    ready_within_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Control:
    """How the server is killed without clean-up and started again; unlocks the crash checks."""

    kill: tuple[str, ...]
    start: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutboundRoute:
    """How the server's outgoing mail comes to mailproof: its resolver is ours, and so are the next hops."""

    dns_host: str
    dns_port: int
    domains: tuple[str, ...]
    """Domains whose MX records mailproof sets; mail for them must leave through those."""
    sink_port: int = 25
    """The port that the server connects to on the hosts that the records name."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A known finding, with its reason and its end."""

    requirement: str
    reason: str
    until: date | None = None

    def expired(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.until is not None and today > self.until


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A target file, read and found good."""

    path: Path
    name: str
    permits: frozenset[Permit]
    endpoints: tuple[Endpoint, ...]
    accounts: Accounts
    agent: DeliveryAgent | None = None
    trust: Trust = Trust()
    limits: Limits = Limits()
    storage_maildir: str | None = None
    launch: Launch | None = None
    control: Control | None = None
    outbound: OutboundRoute | None = None
    waivers: tuple[Waiver, ...] = ()
    """Those in force."""
    expired_waivers: tuple[Waiver, ...] = ()
    """To be reported, never applied."""
    directory: Path | None = None
    """What `{directory}` was filled with; None while the server is still to be launched."""

    def endpoint(self, service: Service) -> Endpoint | None:
        """Where the service listens, or None if the target lacks it."""
        return next((endpoint for endpoint in self.endpoints if endpoint.service is service), None)

    def player(self, role: Service | Need) -> Service:
        """The service that plays a role here; the role's first one if the target has none of them.

        A service plays itself.
        """
        if isinstance(role, Service):
            return role
        services = PLAYED_BY[role]
        return next((one for one in services if self.endpoint(one) is not None), services[0])

    @property
    def needs_launch(self) -> bool:
        """Whether somebody has to start the server before anything can be asked of it."""
        return self.launch is not None and self.directory is None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: there are passwords in it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")
