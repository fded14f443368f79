"""A script of faults: a small TOML file with a seed and the orders."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.peers.faults.plan import FaultOrder, read_order
from harness.targets.reading import Reader
from harness.vocabulary.errors import UsageError


@dataclass(frozen=True, slots=True)
class FaultScript:
    """A script, read and found good."""

    orders: tuple[FaultOrder, ...]
    seed: int | None = None


def load_script(file: Path) -> FaultScript:
    """Read a script; raises `TargetFileError` or `UsageError` with one line: file, key, mend."""
    try:
        table = tomllib.loads(file.read_bytes().decode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--script {file}: cannot be read: {reason}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--script {file}: is not UTF-8 at octet {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--script {file}: is not TOML: {error}") from None
    root = Reader(file, "", table)
    root.allow_only({"seed", "fault"})
    seed = root.whole("seed", least=-(2**63), most=2**63 - 1) if root.has("seed") else None
    return FaultScript(tuple(map(_read_fault, root.subs("fault"))), seed)


def _read_fault(reader: Reader) -> FaultOrder:
    try:
        return read_order(reader.table)
    except UsageError as error:
        raise UsageError(f"{reader.file}: {reader.name}: {error}") from None
