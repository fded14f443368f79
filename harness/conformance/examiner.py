"""The part of a run in each process that examines: collects the checks, judges them, reports each case."""

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import hypothesis
import pytest

from harness.conformance import codec
from harness.conformance.ambient import RULES, Watch
from harness.conformance.bench import Bench, Share
from harness.conformance.broken import contents_of_source
from harness.conformance.collection import Register, cases_of, function_of
from harness.conformance.conductor import (
    AMBIENT_KEY,
    NOTES_KEY,
    PROBLEM_KEY,
    REPORT_KEY,
    SHARE_KEY,
    Conductor,
)
from harness.conformance.declaration import Declaration, declaration_of
from harness.conformance.depth import hypothesis_set_up, seed_of
from harness.conformance.evidence import CaseResult, CheckInfo, Evidence, Notice, Teeth, Trial
from harness.conformance.items import (
    OUTBOUND,
    case_of,
    last_line,
    name_group,
    not_judged,
    parted,
    tell_pytest,
)
from harness.conformance.judge import Case, judge
from harness.conformance.lifeline import Lifeline
from harness.conformance.options import RunOptions
from harness.conformance.outcomes import FINDINGS
from harness.conformance.refutation import describe, refute
from harness.conformance.replaying import REPLAY
from harness.conformance.selection import Choice, choose
from harness.conformance.shrinking import ShrinkingBudget
from harness.conformance.teeth import Nearness, nearness, try_faults
from harness.conformance.text import replay_line
from harness.targets.file import TargetFile
from harness.vocabulary.errors import MailproofError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.faults import FAULTS
from harness.vocabulary.judging import Need, Outcome

BENCH = pytest.StashKey[Bench]()
"""The open target, in the configuration's stash."""
_INFO = pytest.StashKey[CheckInfo]()
_DECLARATION = pytest.StashKey[Declaration]()
_RESULT = pytest.StashKey[CaseResult]()


class Examiner:
    """Examines the target with the checks that pytest hands to this process."""

    def __init__(
        self,
        config: pytest.Config,
        options: RunOptions,
        file: TargetFile,
        register: Register,
        conductor: Conductor | None,
    ) -> None:
        self._config = config
        self._options = options
        self._waivers = {waiver.requirement: waiver for waiver in file.waivers}
        self._register = register
        self._conductor = conductor
        """None in a worker of xdist."""
        self._stack = ExitStack()
        self._bench: Bench | None = None
        self._lifeline: Lifeline | None = None
        self._plan: list[CheckInfo] | None = None
        self._shrinking = ShrinkingBudget()
        self._watch = self._new_watch()

    @property
    def bench(self) -> Bench:
        """The target; it is open from the session's start."""
        assert self._bench is not None, "the session has not started"
        return self._bench

    @property
    def lifeline(self) -> Lifeline:
        """Knows whether the target answers."""
        assert self._lifeline is not None, "the session has not started"
        return self._lifeline

    # -- the frame of the run

    def pytest_configure(self) -> None:
        """Set Hypothesis up before the suites are imported."""
        options = self._options
        self._stack.enter_context(
            hypothesis_set_up(options.depth, refute=options.refute or bool(options.faults))
        )

    def pytest_sessionstart(self) -> None:
        """Open the target, unless workers do that."""
        if self._config.pluginmanager.hasplugin("dsession") or self._config.option.collectonly:
            return
        index, count = getattr(self._config, "workerinput", {}).get(SHARE_KEY, (0, 1))
        try:
            bench: Bench = self._config.hook.pytest_mailproof_open(
                config=self._config,
                options=RunOptions.from_config(self._config),
                share=Share(index, count),
            )
        except MailproofError as error:
            pytest.exit(str(error), returncode=ExitCode.INCONCLUSIVE)
        self._bench = self._stack.enter_context(closing(bench))
        self._lifeline = Lifeline(bench.subject)
        self._shrinking = ShrinkingBudget(workers=count)
        self._config.stash[BENCH] = bench

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Hand over what came of the rules that were judged on everything."""
        if self._bench is None or self._options.list_only:
            return
        results = [(info, self._waived(info, result)) for info, result in self._watch.results()]
        if self._conductor is not None:
            self._conductor.take_ambient(results)
            return
        output: dict[str, Any] = getattr(self._config, "workeroutput")  # noqa: B009 - set by xdist
        output[AMBIENT_KEY] = [
            (codec.info_to_json(info), codec.case_to_json(result)) for info, result in results
        ]

    def pytest_unconfigure(self) -> None:
        """Give everything back."""
        self._stack.close()

    # -- collection

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Refuse modules with checks that are declared wrongly, naming all mistakes at once.

        One that is surely outside of what is selected is left out, with a note.
        """
        report: pytest.CollectReport = yield
        if not isinstance(collector, pytest.Module | pytest.Class):
            return report
        items = [item for item in report.result or () if isinstance(item, pytest.Item)]
        mistakes = self._register.mistakes(items)
        if mistakes:
            contents = self._register.contents(items)
            report.outcome = "failed"
            report.longrepr = "\n".join(mistakes)
            report.result = []
        elif report.failed:
            contents = contents_of_source(collector.path)
        else:
            return report
        if self._register.is_outside(collector.path, contents, self._options.selectors):
            self._note(f"{collector.nodeid} is left out, as it is not selected: {last_line(report)}")
            report.outcome, report.longrepr = "passed", None
        return report

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Mark the checks that answer DNS for one worker: there is one address, for one process at a time."""
        declaration = declaration_of(getattr(item, "obj", None))
        if declaration is not None and Need.OUTBOUND in declaration.needs and self._conductor is None:
            item.add_marker(pytest.mark.xdist_group(OUTBOUND))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Order as the RFCs read, and keep what is selected.

        A selector that means nothing is an error, never green; where a module could not be collected nothing
        is run, and what it would have been is not known.
        """
        if session.testsfailed:
            return
        items.sort(key=lambda item: self._register.place(declaration_of(getattr(item, "obj", None))))
        infos = self._describe(items)
        try:
            ambient = self._watch.infos if infos else []
            choice = choose([*infos, *ambient], self._options.selectors, self._options.level)
        except UsageError as error:
            self._refuse(str(error))
            items[:] = []
            return
        if choice.note:
            self._note(choice.note)
        self._watch.keep(choice.ids)
        kept, others = parted(items, lambda item: self._is_kept(item, choice))
        if others:
            self._config.hook.pytest_deselected(items=others)
            items[:] = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Fix the plan, and give every check its seed."""
        for item in session.items:
            if any(mark.args == (OUTBOUND,) for mark in item.iter_markers("xdist_group")):
                name_group(item)
        self._plan = self._describe(session.items)
        for item in session.items:
            if isinstance(item, pytest.Function) and _INFO in item.stash and hasattr(item.obj, "hypothesis"):
                hypothesis.seed(seed_of(self._options.seed, item.stash[_INFO].id))(item.function)
        if self._conductor is not None and self._bench is not None:
            self._conductor.plan(self._plan)
            self._plan = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Where the user only asks for a list, tell what would come of each check instead of running it."""
        if not self._options.list_only or self._conductor is None or session.testsfailed:
            return None
        listed: set[str] = set()
        for item in session.items:
            info = item.stash[_INFO]
            if info.id not in listed:
                listed.add(info.id)
                self._conductor.recorder.list(info, self._what_is_lacking(item.stash[_DECLARATION]))
        for info in self._watch.infos if session.items else ():
            self._conductor.recorder.list(info, None)
        return True

    # -- judging

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object:
        """Judge a check; in pytest's words a finding is a failure, and what cannot be judged is skipped."""
        info = pyfuncitem.stash.get(_INFO, None)
        if info is None:
            return None
        declaration = pyfuncitem.stash[_DECLARATION]
        result = self._judge(pyfuncitem, info, declaration)
        pyfuncitem.stash[_RESULT] = result
        tell_pytest(info, result, strict=self._options.strict)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Let the case's result travel with pytest's report."""
        report: pytest.TestReport = yield
        info = item.stash.get(_INFO, None)
        if info is None:
            return report
        carried: dict[str, object] = {"info": codec.info_to_json(info)}
        if report.when == "setup" and self._plan is not None:
            carried["plan"] = [codec.info_to_json(planned) for planned in self._plan]
            self._plan = None
        if report.when == "call" and _RESULT in item.stash:
            carried["result"] = codec.case_to_json(item.stash[_RESULT])
        elif report.when in {"setup", "call"} and not report.passed:
            carried["result"] = codec.case_to_json(not_judged(report, call))
        elif report.when != "setup":
            return report
        setattr(report, REPORT_KEY, carried)
        return report

    def _judge(self, item: pytest.Function, info: CheckInfo, declaration: Declaration) -> CaseResult:
        case = case_of(item, info)
        hindered = self._hindered(case, info, declaration)
        if hindered is not None:
            return hindered
        replay = replay_line(
            self._options.shown_target,
            info.id,
            depth=self._options.depth.value,
            seed=self._options.seed,
            refute=self._options.refute,
        )
        if self._options.refute:
            return refute(case, declaration, self.bench, self.lifeline, replay=replay)
        if self._options.faults:
            faults = self._faults_for(declaration, info)
            tried = try_faults(case, declaration, self.bench, self.lifeline, faults=faults, replay=replay)
            return self._waived(info, tried)
        subject = self.bench.subject
        if (recorded := self._config.stash.get(REPLAY, None)) is not None:
            return recorded.run(case, subject, lambda: self.lifeline.ask(declaration.needs))
        with self._watch.during(info.id if declaration.ambient else "", subject):
            result = judge(
                case,
                subject,
                lambda: self.lifeline.ask(declaration.needs),
                replay=replay,
                shrinking=self._shrinking,
            )
        if result.silenced:
            self.lifeline.cut(declaration.needs, result.evidence.reason)
        return self._waived(info, result)

    def _hindered(self, case: Case, info: CheckInfo, declaration: Declaration) -> CaseResult | None:
        """Return what to say where the check cannot be run: the server is silent, or lacks what it needs."""
        lost = self.lifeline.lost(declaration.needs)
        if lost is not None:
            reason = f"the server does not answer: {lost}"
            return CaseResult(Outcome.INCONCLUSIVE, 0.0, 0, Evidence(reason=reason), case.name, silenced=True)
        try:
            lacks = self.bench.subject.lacks(declaration.needs)
        except MailproofError as error:
            reason = f"what the target offers could not be asked: {error}"
            return CaseResult(Outcome.INCONCLUSIVE, 0.0, 0, Evidence(reason=reason), case.name)
        if lacks is None:
            return None
        teeth = Teeth.UNPROVEN if self._options.refute else None
        return CaseResult(
            Outcome.UNSUPPORTED,
            0.0,
            0,
            Evidence(reason=lacks),
            case.name,
            teeth=teeth,
            refutation=describe(declaration.refuted_by) if teeth and declaration.refuted_by else "",
            trials=tuple(Trial(name, Notice.UNTRIED, lacks) for name in self._faults_for(declaration, info)),
        )

    def _faults_for(self, declaration: Declaration, info: CheckInfo) -> dict[str, Nearness]:
        """Return those of the run's faults that are put before the check."""
        farthest = Nearness.SAME_PROTOCOL if self._options.widely else Nearness.NEIGHBOUR
        near = {name: nearness(FAULTS[name], declaration, info) for name in self._options.faults}
        return {name: how_near for name, how_near in near.items() if how_near <= farthest}

    def _what_is_lacking(self, declaration: Declaration) -> str | None:
        try:
            return self.bench.subject.lacks(declaration.needs)
        except MailproofError as error:
            return f"what the target offers could not be asked: {error}"

    def _waived(self, info: CheckInfo, result: CaseResult) -> CaseResult:
        """Return the result as a waiver of the target file makes it, one for the check or for its twin."""
        waivers = (self._waivers.get(one) for one in (info.id, *info.also))
        waiver = next((one for one in waivers if one is not None), None)
        if waiver is None or result.outcome not in FINDINGS:
            return result
        until = f" (until {waiver.until})" if waiver.until else ""
        reason = f"{result.outcome.value}, waived: {waiver.reason}{until}"
        return replace(
            result,
            outcome=Outcome.WAIVED,
            evidence=replace(result.evidence, reason=reason),
            trials=tuple(Trial(trial.fault, Notice.UNTRIED, reason) for trial in result.trials),
        )

    # -- inside

    def _describe(self, items: list[pytest.Item]) -> list[CheckInfo]:
        """Write on each item what it judges, and return the checks in their order."""
        cases = cases_of(items)
        infos: dict[str, CheckInfo] = {}
        for item in items:
            declaration = declaration_of(getattr(item, "obj", None))
            if declaration is None or not isinstance(item, pytest.Function):
                continue
            info = infos.get(declaration.id)
            if info is None:
                info = self._register.info(item, declaration, cases[function_of(item)])
                infos[declaration.id] = info
            item.stash[_INFO] = info
            item.stash[_DECLARATION] = declaration
        return list(infos.values())

    def _new_watch(self) -> Watch:
        """Return what judges all conversations; nothing does where these are made abnormal on purpose."""
        options = self._options
        wanted = not (options.refute or options.faults or REPLAY in self._config.stash)

        def replay(check_id: str, rule_id: str) -> str:
            depth, seed = options.depth.value, options.seed
            return replay_line(options.shown_target, check_id, rule_id, depth=depth, seed=seed, refute=False)

        return Watch(RULES if wanted else (), self._register.catalogue, replay)

    def _is_kept(self, item: pytest.Item, choice: Choice) -> bool:
        """Say whether an item is run; what is no check is, unless checks are selected."""
        info = item.stash.get(_INFO, None)
        if info is None:
            return not self._options.selectors
        if self._options.faults and not self._faults_for(item.stash[_DECLARATION], info):
            return False
        return info.id in choice.ids

    def _note(self, text: str) -> None:
        """Keep a line for the end of the run; a worker tells the conductor."""
        if self._conductor is not None:
            self._conductor.recorder.note(text)
            return
        output: dict[str, Any] = getattr(self._config, "workeroutput")  # noqa: B009 - set by xdist
        output.setdefault(NOTES_KEY, []).append(text)

    def _refuse(self, problem: str) -> None:
        """Tell the user why nothing is run; a worker tells the conductor."""
        if self._conductor is None:
            output: dict[str, object] = getattr(self._config, "workeroutput")  # noqa: B009 - set by xdist
            output[PROBLEM_KEY] = problem
            return
        self._conductor.recorder.refuse(problem, usage=True)
        if self._config.pluginmanager.hasplugin("terminalreporter"):
            raise pytest.UsageError(problem)
