"""Writing a target file for this server, so that `mailproof check FILE` finds it."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from harness.vocabulary.errors import MailproofError
from harness.vocabulary.services import DEFAULT_TLS
from reference_server.config import Config
from reference_server.net.listener import Listener

_UNKNOWN_LOCAL_PART = "nobody-by-that-name"


class TargetWriteError(MailproofError):
    """The target file cannot be written; the text says where and why."""


def write_target(config: Config, listeners: Sequence[Listener], ca_file: Path | None) -> None:
    """Write file and CA beside it, each in one step: a reader sees nothing or all of it."""
    target = config.write_target
    assert target is not None
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        trust: dict[str, str] = {"server_name": config.hostname}
        if ca_file is not None:
            beside = target.with_name(f"{target.stem}.ca.pem")
            _put(beside, ca_file.read_bytes())
            trust["ca_file"] = beside.name
        _put(target, tomli_w.dumps(_contents(config, listeners, trust)).encode("utf-8"))
    except OSError as error:
        raise TargetWriteError(
            f"{target}: cannot be written ({error.strerror}); name another place"
        ) from None


def _contents(config: Config, listeners: Sequence[Listener], trust: dict[str, str]) -> dict[str, Any]:
    services: dict[str, dict[str, Any]] = {}
    for listener in listeners:
        if listener.path is not None:
            place: dict[str, Any] = {"path": str(listener.path.absolute())}
        else:
            place = {"host": _reachable(listener.host), "port": listener.port}
        services[listener.service.value] = {**place, "tls": DEFAULT_TLS[listener.service].value}
    contents: dict[str, Any] = {
        "schema": 1,
        "name": f"reference server, {config.hostname}",
        "permits": ["conformance", "hostile-input", "load"],
        "service": services,
        "trust": trust,
        "limits": {"reply_timeout_s": 10.0, "max_message_octets": config.limits.max_message_octets},
    }
    usable = [account for account in config.accounts if not account.holds_nothing and account.deliver is None]
    contents["accounts"] = {
        "domain": config.domains[0],
        "pool": [
            {"address": account.address, "login": account.address, "password": account.password}
            for account in usable
        ],
        "unknown": f"{_UNKNOWN_LOCAL_PART}@{config.domains[0]}",
        "pop3": [account.address for account in usable],
        **_known_fates(config, {account.address.lower() for account in usable}),
    }
    if config.resolver is not None and config.outbound_domains:
        host, port = config.resolver
        contents["outbound"] = {
            "dns": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "domains": list(config.outbound_domains),
            "sink_port": config.relay.port,
        }
    return contents


def _known_fates(config: Config, addresses: set[str]) -> dict[str, str]:
    """Return an alias of one account, and an account without room, where such are configured."""
    fates: dict[str, str] = {}
    for alias, targets in config.aliases.items():
        if len(targets) == 1 and str(targets[0]).lower() in addresses:
            fates.setdefault("alias", alias)
    for account in config.accounts:
        if account.holds_nothing:
            fates.setdefault("over_quota", account.address)
    return fates


def _reachable(host: str) -> str:
    """An address to connect to, where the server listens on all of them."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _put(path: Path, octets: bytes) -> None:
    """Replace a file in one step; only its owner may read it, since passwords are in there."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
        fresh.replace(path)
    except OSError:
        fresh.unlink()
        raise
