"""Gathers what processes report about cases into the run's one stream of events."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol

from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    Event,
    FaultTried,
    Listener,
    RunFinished,
    RunStarted,
)
from harness.conformance.evidence import CaseResult, CheckInfo, CheckResult, Evidence, combine, combine_trials
from harness.vocabulary.judging import Outcome

_GOOD = frozenset({Outcome.CONFORMS, Outcome.OBSERVED, Outcome.NOT_EXPLOITABLE})


class Waiver(Protocol):
    """The part of `harness.targets.Waiver` that is reported on."""

    @property
    def requirement(self) -> str:
        """The id that it is for."""
        ...

    @property
    def until(self) -> date | None:
        """Its last day."""
        ...


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of the target file."""

    valid: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()


class Recorder:
    """Makes one result of the cases of each check, and tells every listener what happens.

    It lives in the process that the user started; workers only send it their cases.
    """

    def __init__(self, listeners: Iterable[Listener], started: RunStarted) -> None:
        self._listeners = tuple(listeners)
        self._template = started
        self._began = time.monotonic()
        self._planned = False
        self._open: dict[str, tuple[CheckInfo, list[CaseResult]]] = {}
        self._finished: dict[str, CheckResult] = {}
        self._silence = ""
        self._notes: list[str] = []
        self._problem = ""
        self._usage = False
        self._ended = False

    @property
    def results(self) -> Sequence[CheckResult]:
        """What was judged so far, in the order of judging."""
        return tuple(self._finished.values())

    @property
    def silence(self) -> str:
        """Where the server stopped answering; empty if it did not."""
        return self._silence

    def plan(self, checks: Collection[CheckInfo], *, workers: int = 1) -> None:
        """Announce the run; every worker sends the same plan, and the first one counts."""
        if not self._planned:
            self._planned = True
            self._tell(replace(self._template, checks=tuple(checks), workers=workers))

    def start(self, info: CheckInfo) -> None:
        """Note that a case of this check begins."""
        if info.id not in self._open and info.id not in self._finished:
            self._open[info.id] = (info, [])
            self._tell(CheckStarted(info))

    def judge(self, info: CheckInfo, case: CaseResult) -> None:
        """Note what a case came to; with its last case the check is finished."""
        self.start(info)
        for note in case.notes:
            self.note(note)
        if info.id not in self._open:
            return
        if case.silenced and not self._silence:
            self._silence = f"the server stopped answering during {info.id}: {case.evidence.reason}"
        cases = self._open[info.id][1]
        cases.append(case)
        if len(cases) >= info.cases:
            self._finish(info, tuple(cases))

    def list(self, info: CheckInfo, lacks: str | None) -> None:
        """Tell what would come of a check."""
        self._tell(CheckListed(info, lacks))

    def note(self, text: str) -> None:
        """Keep a line for the end of the run."""
        if text not in self._notes:
            self._notes.append(text)

    def refuse(self, problem: str, *, usage: bool, more: bool = False) -> None:
        """Note why nothing, or not all, is run; the first reason counts, since it causes the others.

        With `more` the problem is the last one of the same kind, told more fully.
        """
        if more or not self._problem:
            self._problem, self._usage = problem, usage

    def end(self, *, interrupted: bool, waivers: Waivers) -> None:
        """Finish what is unfinished, and announce the end; once."""
        if self._ended:
            return
        self._ended = True
        self.plan(())
        for info, cases in list(self._open.values()):
            if cases or not interrupted:
                lost = () if interrupted else (_lost_case(),)
                self._finish(info, (*cases, *lost))
        self._tell(
            RunFinished(
                seconds=time.monotonic() - self._began,
                interrupted=interrupted,
                problem=self._problem,
                usage=self._usage,
                silence=self._silence,
                notes=tuple(self._notes),
                waiver_notes=tuple(self._waiver_notes(waivers)),
            )
        )

    def lines_for_the_end(self, waivers: Waivers) -> tuple[str, ...]:
        """Return what else the user should know."""
        silence = (self._silence,) if self._silence else ()
        return (*silence, *self._notes, *self._waiver_notes(waivers))

    def _finish(self, info: CheckInfo, cases: tuple[CaseResult, ...]) -> None:
        self._open.pop(info.id, None)
        result = combine(info, cases)
        self._finished[info.id] = result
        for trial in combine_trials(cases):
            self._tell(FaultTried(info.id, trial))
        self._tell(CheckFinished(result))

    def _waiver_notes(self, waivers: Waivers) -> Iterable[str]:
        for waiver in waivers.expired:
            yield f"the waiver for {waiver.requirement} ended on {waiver.until}: renew it or remove it"
        for waiver in waivers.valid:
            results = [one for one in self._finished.values() if _is_for(waiver, one.info)]
            result = results[0] if results else None
            if result is not None and all(one.teeth is None and one.outcome in _GOOD for one in results):
                yield (
                    f"the waiver for {waiver.requirement} applies to nothing any more "
                    f"({result.outcome.value}): remove it"
                )

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)


def new_run(
    *,
    version: str,
    target: str,
    target_file: str,
    seed: int,
    depth: str,
    refute: bool,
    strict: bool,
    faults: tuple[str, ...] = (),
) -> RunStarted:
    """Return the event that begins a run now, its checks still to be named."""
    return RunStarted(
        version=version,
        target=target,
        target_file=target_file,
        seed=seed,
        depth=depth,
        refute=refute,
        strict=strict,
        started=datetime.now(tz=UTC),
        checks=(),
        faults=faults,
    )


def _is_for(waiver: Waiver, info: CheckInfo) -> bool:
    """Say whether a waiver is for a check: by its id, or that of a twin."""
    return waiver.requirement in (info.id, *info.also)


def _lost_case() -> CaseResult:
    reason = "the process that ran it ended before it was judged"
    return CaseResult(Outcome.ERROR, 0.0, 0, Evidence(reason=reason))
