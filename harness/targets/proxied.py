"""The target file of a server behind a proxy: the same accounts and limits at other addresses."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import tomli_w

from harness.targets.file import Endpoint, TargetFile, Trust, write_private


def write_proxied_target(
    path: Path, file: TargetFile, endpoints: Sequence[Endpoint], trust: Trust, *, name: str
) -> None:
    """Write a copy of a target file with other endpoints and trust; passwords stay as they are written there.

    The server behind it runs already, so that nothing of how it is launched or killed goes along; of several
    endpoints of a service the first counts.
    """
    table = tomllib.loads(file.path.read_text(encoding="utf-8"))
    services = {} if file.agent is None else {"mda": table["service"]["mda"]}
    for endpoint in endpoints:
        services.setdefault(str(endpoint.service), _where(endpoint))
    for key in ("launch", "control", "trust"):
        table.pop(key, None)
    table |= {"name": name, "service": services}
    if file.permits:
        table["permits"] = sorted(file.permits)
    if trust != Trust():
        entries = {"ca_file": trust.ca_file, "server_name": trust.server_name}
        table["trust"] = {key: str(value) for key, value in entries.items() if value is not None}
    write_private(path, tomli_w.dumps(_filled(table, file.directory)))


def _where(endpoint: Endpoint) -> dict[str, object]:
    if endpoint.path is not None:
        return {"path": str(endpoint.path), "tls": str(endpoint.tls)}
    return {"host": endpoint.host, "port": endpoint.port, "tls": str(endpoint.tls)}


def _filled(table: dict[str, object], directory: Path | None) -> dict[str, object]:
    """The table with the directory of a server that was launched in its place."""
    if directory is None:
        return table
    filled = _fill(table, str(directory))
    assert isinstance(filled, dict)
    return filled


def _fill(value: object, directory: str) -> object:
    match value:
        case str():
            return value.replace("{directory}", directory)
        case list():
            return [_fill(entry, directory) for entry in value]
        case dict():
            return {key: _fill(entry, directory) for key, entry in value.items()}
        case _:
            return value
