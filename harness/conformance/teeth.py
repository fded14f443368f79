"""Puts faults before a check, to see which of them it catches.

`--refute` asks of every check whether it can fail; this asks of every fault whether anybody catches it. A
fault is put before the checks that are about it: those of a requirement that it breaks, those that name it as
their refutation, and, more briefly, their neighbours in the same section of the RFC.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from functools import cache

from harness.conformance.bench import Bench
from harness.conformance.declaration import Declaration
from harness.conformance.depth import CONTROL_EXAMPLES
from harness.conformance.evidence import CaseResult, CheckInfo, Evidence, Notice, Trial
from harness.conformance.judge import Case, judge
from harness.conformance.lifeline import Lifeline
from harness.conformance.refutation import CONFORMING, noticed
from harness.transport.tamper import Fault
from harness.vocabulary.faults import FAULTS, PROXY_FAULTS, FaultEntry
from harness.vocabulary.judging import Level, Outcome

_SOURCE = re.compile(r"RFC (?P<rfc>[0-9]+) §(?P<section>[0-9.]+)")
NEIGHBOUR_EXAMPLES = 3
"""As many examples does a check get that is not about the fault: most do not notice."""

_TRANSPORT = "transport-"
"""How faults begin that break no requirement of a protocol: they are for clients."""

_GROUPS = {
    "smtp": {"smtp", "submission", "journeys", "mda", "relay", "hazards"},
    "lmtp": {"lmtp", "journeys", "mda"},
    "relay": {"relay"},
    "dsn": {"relay", "mda", "journeys"},
    "mda": {"mda", "journeys", "smtp", "lmtp"},
    "mta": {"mda", "journeys", "smtp", "lmtp"},
    "pop3": {"pop3", "journeys", "hazards"},
    "imap": {"imap", "journeys", "hazards"},
}
"""The groups of checks whose dialogues a fault's protocol is part of."""


def chosen_faults(prefixes: Sequence[str], *, on_any_server: bool) -> tuple[str, ...]:
    """Return the names of the faults that begin with one of `prefixes`, all if there is none.

    On a server that is not ours only those that need no seed in the server.
    """
    possible = PROXY_FAULTS if on_any_server else FAULTS
    return tuple(
        name
        for name in possible
        if not name.startswith(_TRANSPORT) and (not prefixes or name.startswith(tuple(prefixes)))
    )


class Nearness(IntEnum):
    """How near a check is to a fault, the nearest first."""

    ABOUT = 0
    """It judges a requirement that the fault breaks, or names the fault as its refutation."""
    NEIGHBOUR = 1
    """It judges another requirement of the same section."""
    SAME_PROTOCOL = 2
    FAR = 3


def nearness(fault: FaultEntry, declaration: Declaration, info: CheckInfo) -> Nearness:
    """Return how near a check is to a fault."""
    ids = {info.id, *info.also}
    refutation = declaration.refuted_by
    if ids & set(fault.breaks) or (isinstance(refutation, Fault) and refutation.name == fault.name):
        return Nearness.ABOUT
    if {_section(one) for one in ids} & _sections_of(fault):
        return Nearness.NEIGHBOUR
    return Nearness.SAME_PROTOCOL if info.group in _GROUPS[fault.name.split("-", 1)[0]] else Nearness.FAR


def try_faults(
    case: Case,
    declaration: Declaration,
    bench: Bench,
    lifeline: Lifeline,
    *,
    faults: Mapping[str, Nearness],
    replay: str,
) -> CaseResult:
    """Run the check as it is, through a proxy that changes nothing, and with each fault in the way.

    What the check came to without a fault is the result; the faults are its trials. Where it does not
    conform without one, or the proxy alone makes a difference, its trials count for nothing.
    """
    # What a MAY observes is compared, so both times as many examples are needed.
    at_most = None if case.level is Level.MAY else CONTROL_EXAMPLES
    control = judge(
        case, bench.subject, lambda: lifeline.ask(declaration.needs), replay=replay, at_most=at_most
    )
    if control.outcome not in CONFORMING:
        return _unsound(control, faults, "without any fault")
    if any(name in PROXY_FAULTS for name in faults):
        with bench.watched() as subject:
            watched = judge(
                case,
                subject,
                lambda: subject.ask_alive(declaration.needs),
                replay=replay,
                at_most=CONTROL_EXAMPLES,
            )
        if watched.outcome is not control.outcome:
            return _unsound(watched, faults, "through a proxy that does nothing")
    trials = tuple(
        _try(case, declaration, bench, control, fault=Fault(name), near=near) for name, near in faults.items()
    )
    return replace(control, trials=trials)


def _try(
    case: Case, declaration: Declaration, bench: Bench, control: CaseResult, *, fault: Fault, near: Nearness
) -> Trial:
    at_most = None if near is Nearness.ABOUT or case.level is Level.MAY else NEIGHBOUR_EXAMPLES
    with bench.refuted(fault) as subject:
        lack = subject.lacks(declaration.needs)
        if lack is not None:
            return Trial(fault.name, Notice.UNTRIED, f"the server with the fault lacks {lack}")
        tried = judge(
            case, subject, lambda: subject.ask_alive(declaration.needs), patient=False, at_most=at_most
        )
    notice = Notice.CAUGHT if noticed(case.level, control, tried) else Notice.UNNOTICED
    return Trial(fault.name, notice, f"{tried.outcome.value}: {_said(tried.evidence)}")


def _said(evidence: Evidence) -> str:
    if evidence.expected:
        text = f"expected {evidence.expected}; got {evidence.actual}"
    else:
        facts = "; ".join(f"{key}: {', '.join(values)}" for key, values in evidence.observations)
        text = evidence.reason or facts
    return " ".join(text.split())[:300]


def _unsound(control: CaseResult, names: Iterable[str], how: str) -> CaseResult:
    """Return a control that is not green, with the trials that therefore say nothing."""
    notice = Notice.UNTRIED if control.outcome is Outcome.UNSUPPORTED else Notice.UNSOUND
    why = f"{control.outcome.value} {how}: {_said(control.evidence)}"
    return replace(control, trials=tuple(Trial(name, notice, why) for name in names))


@cache
def _sections_of(fault: FaultEntry) -> frozenset[str]:
    """Return the sections that a fault is about, as `rfc5321/4.5.2`."""
    sections = {_section(one) for one in fault.breaks}
    if (source := _SOURCE.search(fault.source)) is not None:
        sections.add(f"rfc{source['rfc']}/{source['section'].rstrip('.')}")
    return frozenset(sections)


def _section(requirement_id: str) -> str:
    return requirement_id.rpartition("/")[0]
