"""A run's options, as they come from the command line of pytest or of `mailproof check`."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.conformance.depth import Depth
from harness.conformance.levels import Bar
from harness.vocabulary.errors import UsageError

_SEEDS = 1 << 32
WORKER_KEY = "mailproof_options"
"""In xdist's `workerinput`: what a worker cannot see from the command line, which is all it gets."""
_TRAVELLING = ("mailproof_seed", "mailproof_target", "mailproof_shown_target", "mailproof_directory")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the user asked for."""

    target_file: Path
    """Absolute, so that workers find it too."""
    shown_target: str
    """The target as the user names it, for the command line that replays a check; empty for the default."""
    directory: Path | None
    """Where `[launch]` has started the server; None if nobody has."""
    depth: Depth
    seed: int
    selectors: tuple[str, ...]
    level: Bar
    strict: bool
    refute: bool
    list_only: bool
    faults: tuple[str, ...]
    """Names of the faults that are put before the checks; none in an ordinary run."""
    widely: bool
    """Put each fault before every check that speaks its protocol."""

    @classmethod
    def from_config(cls, config: pytest.Config) -> "RunOptions":
        """Read the options; a seed that is drawn here is written back, so that all workers have the same."""
        option = config.option
        for name, value in getattr(config, "workerinput", {}).get(WORKER_KEY, {}).items():
            setattr(option, name, value)
        if option.mailproof_seed is None:
            option.mailproof_seed = secrets.randbelow(_SEEDS)
        if option.mailproof_shown_target is None:
            option.mailproof_shown_target = option.mailproof_target
        target_file = Path(option.mailproof_target)
        if not target_file.is_absolute():
            target_file = config.invocation_params.dir / target_file
            option.mailproof_target = str(target_file)
        if option.mailproof_seed < 0:
            message = "the seed must not be negative"
            raise UsageError(message)
        return cls(
            target_file=target_file,
            shown_target=option.mailproof_shown_target,
            directory=Path(option.mailproof_directory) if option.mailproof_directory else None,
            depth=Depth(option.mailproof_depth),
            seed=option.mailproof_seed,
            selectors=tuple(option.mailproof_select),
            level=Bar(option.mailproof_level),
            strict=option.mailproof_strict,
            refute=option.mailproof_refute,
            list_only=option.mailproof_list,
            faults=tuple(option.mailproof_fault),
            widely=option.mailproof_widely,
        )


def for_worker(config: pytest.Config) -> dict[str, object]:
    """Return what a worker has to be told of the options: decided here, or different where it runs."""
    return {name: getattr(config.option, name) for name in _TRAVELLING}
