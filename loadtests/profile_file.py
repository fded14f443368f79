"""Load profiles: what kind of user, how it behaves, and the service level, read from `profiles/NAME.toml`.

A profile is data with every figure a named key. Where it has a source, a comment in the file says so (P
published, M measured on real traffic, C read in a client's code, D derived from those, E our own estimate).
Unknown keys are errors, so that a misspelt knob is never silently the default.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from harness.targets.reading import nearest
from harness.vocabulary.errors import UsageError
from harness.vocabulary.services import Service

PROFILE_DIRECTORY = Path(__file__).resolve().parent / "profiles"
SCHEMA = 1
PERCENTILE_KEYS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}


KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "inbound": frozenset({"starttls_share"}),
        "imap-reader": frozenset(
            {
                "messages",
                "page",
                "weight_list",
                "weight_body",
                "weight_flag",
                "weight_search",
                "weight_status",
            }
        ),
        "pop3-collector": frozenset({"messages"}),
        "mail-flow": frozenset({"poll_s", "give_up_s"}),
    }
)
"""The kinds of user, and the knobs that a profile of each has to set."""


class ProfileError(UsageError):
    """A profile does not exist or cannot be used; one line with file, key and mend."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number from `least` to `most`."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Share:
    """One bucket of a distribution: `weight` parts of all fall between `least` and `most`."""

    weight: float
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Gate:
    """The longest time that a percentile of one kind of request may take."""

    request: str
    """Protocol and name, as `SMTP text`."""
    percentile: float
    limit_ms: float


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What has to hold for the run to be called good."""

    max_failure_ratio: float
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """One load profile."""

    name: str
    summary: str
    user: str
    """The kind of user, as a key of `KINDS`."""
    services: tuple[tuple[Service, ...], ...]
    """What the target must have: one of each group."""
    exclusive: bool
    """Whether each user needs an account that nobody else uses, with a maildrop that may be emptied."""
    users: int
    spawn_rate: float
    duration_s: float
    pause_s: Range
    """Between two acts of one user."""
    settle_s: float
    """How long after the last act accepted mail may take to show, before it counts as lost."""
    sizes: tuple[Share, ...]
    """Octets of a message."""
    service_level: ServiceLevel
    knobs: Mapping[str, float]
    """What only this kind of user knows, by name."""
    connections: tuple[Share, ...]
    """How many acts one connection serves."""

    def knob(self, name: str) -> float:
        """Return a figure of the `[knobs]` table."""
        return self.knobs[name]


def profile_names() -> list[str]:
    """Return the names of the profiles that come with mailproof."""
    return sorted(path.stem for path in PROFILE_DIRECTORY.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or by the path of a file that ends in `.toml`."""
    if name.endswith(".toml"):
        return read_profile(Path(name))
    names = profile_names()
    if name not in names:
        raise ProfileError(f"no load profile {name!r}; {nearest(name, names)}")
    return read_profile(PROFILE_DIRECTORY / f"{name}.toml")


def read_profile(path: Path) -> Profile:
    """Read and validate a profile file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: not TOML: {error}") from error
    root = _Table(path, "", table)
    root.only(
        "schema", "summary", "user", "services", "exclusive_accounts", "defaults", "pause_s", "settle_s",
        "sizes", "acts_per_connection", "knobs", "service_level",
    )  # fmt: skip
    if root.number("schema") != SCHEMA:
        root.fail("schema", f"this mailproof reads schema {SCHEMA}")
    defaults = root.table("defaults")
    defaults.only("users", "spawn_rate", "duration_s")
    kind = root.text("user")
    if kind not in KINDS:
        root.fail("user", f"no such kind of user; known: {', '.join(KINDS)}")
    knobs = root.table("knobs")
    knobs.only(*KINDS[kind])
    return Profile(
        name=path.stem,
        summary=root.text("summary"),
        user=kind,
        services=root.services("services"),
        exclusive=root.flag("exclusive_accounts"),
        users=int(defaults.number("users", least=1)),
        spawn_rate=defaults.number("spawn_rate", least=0.01),
        duration_s=defaults.number("duration_s", least=1),
        pause_s=root.range("pause_s"),
        settle_s=root.number("settle_s"),
        sizes=root.shares("sizes"),
        service_level=_service_level(root.table("service_level")),
        knobs=MappingProxyType({key: knobs.number(key) for key in KINDS[kind]}),
        connections=root.shares("acts_per_connection"),
    )


def _service_level(table: "_Table") -> ServiceLevel:
    table.only("max_failure_ratio", "percentiles_ms")
    gates = []
    percentiles = table.table("percentiles_ms")
    for request in percentiles.values:
        limits = percentiles.table(request)
        limits.only(*PERCENTILE_KEYS)
        gates += [
            Gate(request, PERCENTILE_KEYS[key], limits.number(key, least=0.001)) for key in limits.values
        ]
    return ServiceLevel(table.number("max_failure_ratio", most=1.0), tuple(gates))


@dataclass(frozen=True, slots=True)
class _Table:
    """A TOML table that complains in one line."""

    path: Path
    name: str
    values: Mapping[str, object]

    def fail(self, key: str, mend: str) -> NoReturn:
        dotted = ".".join(part for part in (self.name, key) if part)
        raise ProfileError(f"{self.path}: {dotted}: {mend}")

    def only(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                self.fail(key, f"unknown key; {nearest(key, known)}")

    def get(self, key: str, what: str) -> object:
        if key not in self.values:
            self.fail(key, f"missing; give {what}")
        return self.values[key]

    def text(self, key: str) -> str:
        value = self.get(key, "a string")
        if not isinstance(value, str) or not value:
            self.fail(key, f"must be a string, not {value!r}")
        return value

    def flag(self, key: str) -> bool:
        value = self.get(key, "true or false")
        if not isinstance(value, bool):
            self.fail(key, f"must be true or false, not {value!r}")
        return value

    def number(self, key: str, *, least: float = 0.0, most: float = float("inf")) -> float:
        value = self.get(key, "a number")
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            self.fail(key, f"must be a number from {least:g} to {most:g}, not {value!r}")
        return float(value)

    def table(self, key: str) -> "_Table":
        value = self.get(key, "a table")
        if not isinstance(value, dict):
            self.fail(key, f"must be a table, not {value!r}")
        return _Table(self.path, ".".join(part for part in (self.name, key) if part), value)

    def pair(self, key: str) -> tuple[float, float]:
        value = self.get(key, "two numbers, as [1, 2]")
        numbers = (
            [entry for entry in value if isinstance(entry, (int, float))] if isinstance(value, list) else []
        )
        if (
            len(numbers) != 2
            or not isinstance(value, list)
            or len(value) != 2
            or not 0 <= numbers[0] <= numbers[1]
        ):
            self.fail(key, f"must be two numbers, the smaller first, not {value!r}")
        return float(numbers[0]), float(numbers[1])

    def range(self, key: str) -> Range:
        return Range(*self.pair(key))

    def shares(self, key: str) -> tuple[Share, ...]:
        value = self.get(key, "a list of { weight = ..., range = [...] }")
        if not isinstance(value, list) or not value:
            self.fail(key, f"must be a list of {{ weight = ..., range = [...] }}, not {value!r}")
        shares = []
        for index, entry in enumerate(value, start=1):
            if not isinstance(entry, dict):
                self.fail(key, f"must be a list of tables, not with {entry!r}")
            bucket = _Table(self.path, f"{key}[{index}]", entry)
            bucket.only("weight", "range")
            least, most = bucket.pair("range")
            if least < 1:
                bucket.fail("range", "must begin at 1 or above")
            shares.append(Share(bucket.number("weight", least=0.0), int(least), int(most)))
        if not sum(share.weight for share in shares):
            self.fail(key, "the weights must not all be 0")
        return tuple(shares)

    def services(self, key: str) -> tuple[tuple[Service, ...], ...]:
        value = self.get(key, "a list of services, each a name or a list of alternatives")
        if not isinstance(value, list) or not value:
            self.fail(key, f"must be a list of services, not {value!r}")
        known = {service.value: service for service in Service}
        groups = []
        for entry in value:
            names = entry if isinstance(entry, list) else [entry]
            unknown = [name for name in names if name not in known]
            if unknown or not names:
                self.fail(key, f"unknown service {unknown or entry!r}; known: {', '.join(known)}")
            groups.append(tuple(known[name] for name in names))
        return tuple(groups)
