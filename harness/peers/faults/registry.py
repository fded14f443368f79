"""Finds the class of a named fault, and makes interposer factories from it.

    @fault("transport-delay")
    class Delay:
        '''Each command reaches the server late.'''

        def __init__(self, *, seed: int = 0, seconds: float = 0.2) -> None: ...

        def open(self, spoken: Spoken) -> Interposer | None: ...

The name is one of `harness.vocabulary.faults.PROXY_FAULTS`. Keyword parameters of the constructor, all with
defaults, are the fault's own parameters, which the command line and scripts may set; `seed` is given to all
that take it, so that what is drawn by lot is drawn the same again.
"""

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TypeAlias, TypeVar

import harness.peers.faults
from harness.transport.interpose import InterposerFactory
from harness.vocabulary.errors import UsageError
from harness.vocabulary.faults import PROXY_FAULTS

Value: TypeAlias = bool | int | float | str
F = TypeVar("F", bound=Callable[..., InterposerFactory])

_CLASSES: dict[str, Callable[..., InterposerFactory]] = {}
_SEED = "seed"


def fault(name: str) -> Callable[[F], F]:
    """Register a class of interposer factories as the fault of this name."""
    if name not in PROXY_FAULTS:
        raise ValueError(f"no fault of the proxy is named {name!r}; add it to harness/vocabulary/faults")

    def register(factory_class: F) -> F:
        if name in _CLASSES:
            raise ValueError(f"{name!r} is registered already, as {_CLASSES[name]!r}")
        _CLASSES[name] = factory_class
        return factory_class

    return register


@cache
def fault_classes() -> Mapping[str, Callable[..., InterposerFactory]]:
    """Return every fault's class by name; the modules of this package are imported when first asked."""
    package = harness.peers.faults
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    return MappingProxyType(_CLASSES)


def fault_factory(name: str, *, seed: int = 0, **parameters: Value) -> InterposerFactory:
    """Make the interposer factory of a named fault; raises `UsageError` where there is no such thing.

    A whole number is taken where the parameter has a fraction; other types must be the default's own.
    """
    return make_factory(name, parameters, seed)


def make_factory(name: str, parameters: Mapping[str, Value], seed: int = 0) -> InterposerFactory:
    """Make the interposer factory of a named fault, as `fault_factory` does."""
    factory_class = _class_of(name)
    known = fault_parameters(name)
    given = {}
    for key, value in parameters.items():
        if key not in known:
            raise UsageError(f"{name}: has no parameter {key}; {nearest(key, known)}")
        given[key] = _fitting(name, key, value, known[key])
    if _SEED in inspect.signature(factory_class).parameters:
        return factory_class(seed=seed, **given)
    return factory_class(**given)


def fault_parameters(name: str) -> dict[str, Value]:
    """Return the parameters that a fault may be given, with their defaults."""
    parameters = inspect.signature(_class_of(name)).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key != _SEED}


def nearest(word: str, known: Mapping[str, object]) -> str:
    """`did you mean "x"?` for the known word nearest to `word`, else all of them."""
    if close := get_close_matches(word, known, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(sorted(known))}" if known else "it has none"


def _class_of(name: str) -> Callable[..., InterposerFactory]:
    classes = fault_classes()
    if name not in classes:
        close = get_close_matches(name, classes, n=1, cutoff=0.6)
        mend = f"did you mean {close[0]}?" if close else "mailproof faults --list shows them all"
        raise UsageError(f"no fault of the proxy is named {name!r}; {mend}")
    return classes[name]


def _fitting(name: str, key: str, value: Value, default: Value) -> Value:
    kind = type(default)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UsageError(f"{name}: {key} must be {_WORDS[kind]}, not {value!r}")
    return value


_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
}
