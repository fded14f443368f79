"""The part of a run in the process that the user started: listens to everybody, and tells the listeners.

With pytest-xdist the examining is done by workers; their results come with pytest's reports, so that this
process needs nothing but those reports.
"""

from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest

from harness.conformance import codec
from harness.conformance.bench import Bench, Share
from harness.conformance.evidence import CaseResult, CheckInfo
from harness.conformance.options import WORKER_KEY, RunOptions, for_worker
from harness.conformance.outcomes import fails
from harness.conformance.recorder import Recorder, Waivers, new_run
from harness.targets.file import TargetFile
from harness.targets.launch import launched
from harness.targets.target import Target
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.judging import Outcome

REPORT_KEY = "mailproof"
"""The attribute of pytest's reports that carries what is known about a case."""
SHARE_KEY = "mailproof_share"
"""Which share of the accounts a worker has, in xdist's `workerinput`."""
PROBLEM_KEY = "mailproof_problem"
"""Why a worker collected nothing, in xdist's `workeroutput`."""
NOTES_KEY = "mailproof_notes"
"""What a worker left out in collecting, a line each; there too."""
AMBIENT_KEY = "mailproof_ambient"
"""What came of the ambient rules in a worker; there too."""

_NOTHING_SAID = frozenset({Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE})


class Conductor:
    """Conducts the run, and is the only one who knows all of it."""

    def __init__(self, config: pytest.Config, options: RunOptions, file: TargetFile) -> None:
        self._config = config
        self._options = options
        self._file = file
        self._stack = ExitStack()
        self._interrupted = False
        self._workers = 1
        self._shares: dict[str, int] = {}
        self._uncollected: list[str] = []
        self._recorder: Recorder | None = None
        self._ambient: dict[str, tuple[CheckInfo, list[CaseResult]]] = {}

    @property
    def recorder(self) -> Recorder:
        """The recorder; it exists from the session's start."""
        assert self._recorder is not None, "the session has not started"
        return self._recorder

    # -- the frame of the run

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Start the server if the target file says how, and see that somebody answers."""
        listeners = self._config.hook.pytest_mailproof_listeners(config=self._config)
        options = self._options
        self._recorder = Recorder(
            [one for some in listeners for one in some],
            new_run(
                version=version("mailproof"),
                target=self._file.name,
                target_file=options.shown_target,
                seed=options.seed,
                depth=options.depth.value,
                refute=options.refute,
                strict=options.strict,
                faults=options.faults,
            ),
        )
        self._count_workers()
        if self._config.option.collectonly:
            return
        try:
            running = self._stack.enter_context(launched(self._file))
            if running.directory is not None:
                self._config.option.mailproof_directory = str(running.directory)
            self._look_at_target()
        except MailproofError as error:
            self._stop(str(error))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected: checks that are declared wrongly."""
        if report.failed and self._recorder is not None:
            self._uncollected.append(report.longreprtext)
            text = "\n".join(self._uncollected)
            self._recorder.refuse(f"these checks cannot be collected:\n{text}", usage=False, more=True)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the user had enough."""
        self._interrupted = self._interrupted or isinstance(excinfo.value, KeyboardInterrupt)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note that the run broke off by our own fault; pytest prints where."""
        if self._recorder is not None:
            self._recorder.refuse(f"internal error: {str(excrepr).strip().splitlines()[-1]}", usage=False)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Announce the end; a run that judged nothing, or whose server fell silent, is not green."""
        self._interrupted = self._interrupted or bool(session.shouldstop or session.shouldfail)
        self._end()
        if session.exitstatus == pytest.ExitCode.OK and self.recorder.results:
            results = self.recorder.results
            if self.recorder.silence or any(
                fails(one.outcome, strict=self._options.strict) for one in results
            ):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            elif all(result.outcome in _NOTHING_SAID for result in self.recorder.results):
                session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_unconfigure(self) -> None:
        """Announce the end of a run that ended early, and stop what was started."""
        self._end()
        self._stack.close()

    # -- what comes from those who examine

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a case's beginning and end from pytest's reports."""
        carried = getattr(report, REPORT_KEY, None)
        if not isinstance(carried, dict):
            return
        if "plan" in carried:
            self.plan([codec.info_from_json(info) for info in carried["plan"]])
        info = codec.info_from_json(carried["info"])
        if "result" in carried:
            self.recorder.judge(info, codec.case_from_json(carried["result"]))
        else:
            self.recorder.start(info)

    def plan(self, checks: list[CheckInfo]) -> None:
        """Announce what is going to be run."""
        self.recorder.plan(checks, workers=self._workers)

    def take_ambient(self, results: Iterable[tuple[CheckInfo, CaseResult]]) -> None:
        """Keep what came of the ambient rules in one process until all have said so."""
        for info, result in results:
            self._ambient.setdefault(info.id, (info, []))[1].append(result)

    # -- pytest-xdist

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker its share of the accounts; the successor of one that died gets its share."""
        taken = set(self._shares.values())
        share = next(index for index in range(len(taken) + 1) if index not in taken)
        self._shares[node.gateway.id] = share
        node.workerinput[SHARE_KEY] = (share, self._workers)
        node.workerinput[WORKER_KEY] = for_worker(self._config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take a worker's share back, and learn why it collected nothing."""
        self._shares.pop(node.gateway.id, None)
        output = getattr(node, "workeroutput", {})
        for note in output.get(NOTES_KEY, ()):
            self.recorder.note(note)
        carried = output.get(AMBIENT_KEY, ())
        self.take_ambient(
            [(codec.info_from_json(info), codec.case_from_json(result)) for info, result in carried]
        )
        problem = output.get(PROBLEM_KEY)
        if problem is not None:
            self.recorder.refuse(problem, usage=True)

    # -- what pytest shows to its own users

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell the users of plain pytest what its words hide: deviations, waivers, notes."""
        results = self.recorder.results
        if not results:
            return
        counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
        words = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count)
        terminalreporter.section(f"mailproof: {self._file.name}")
        terminalreporter.write_line(f"{len(results)} checks: {words} (seed {self._options.seed})")
        for result in results:
            if result.outcome in {Outcome.DEVIATES, Outcome.WAIVED}:
                evidence = result.evidence
                why = evidence.reason or f"expected {evidence.expected}; got {evidence.actual}"
                terminalreporter.write_line(f"{result.outcome.value}: {result.info.id}: {why}")
        for line in self.recorder.lines_for_the_end(self._waivers()):
            terminalreporter.write_line(line)

    # -- inside

    def _count_workers(self) -> None:
        """Lower the number of xdist's workers to what the accounts allow, and say so.

        xdist reads `tx` when its session starts, which is after ours.
        """
        specs: list[str] = getattr(self._config.option, "tx", None) or []
        allowed = min(len(specs), Target(self._file).workers_possible)
        if allowed < len(specs):
            accounts = self._file.accounts
            self.recorder.note(
                f"{allowed} instead of {len(specs)} workers: each needs accounts for itself, and "
                f"{self._file.path.name} names {len(accounts.pool)}, {len(accounts.pop3)} of them for POP3"
            )
            self._config.option.tx = specs[:allowed]
        self._workers = max(1, allowed)

    def _look_at_target(self) -> None:
        """See which services answer; if none does, nothing is run."""
        bench: Bench = self._config.hook.pytest_mailproof_open(
            config=self._config, options=RunOptions.from_config(self._config), share=Share()
        )
        with closing(bench):
            preflight = bench.preflight()
        if not preflight.answering:
            problem = preflight.problems[0] if preflight.problems else "the target names no service"
            self._stop(f"{self._file.name} cannot be tested: {self._with_mend(problem)}")
        if (fatal := preflight.fatal) is not None:
            problem = self._with_mend(fatal) if fatal in preflight.problems else fatal
            self._stop(f"{self._file.name} cannot be tested: {problem}")
        for problem in preflight.problems:
            self.recorder.note(f"{problem}: its checks are inconclusive")
        for note in preflight.notes:
            self.recorder.note(note)

    def _with_mend(self, problem: str) -> str:
        """Add what to do, where the problem does not say so itself behind a semicolon."""
        return problem if "; " in problem else f"{problem}; start the server, or mend {self._file.path}"

    def _stop(self, problem: str) -> None:
        """End the session before it has begun; without a terminal reporter the listeners say why."""
        self.recorder.refuse(problem, usage=False)
        if self._config.pluginmanager.hasplugin("terminalreporter"):
            pytest.exit(problem, returncode=ExitCode.INCONCLUSIVE)
        raise pytest.Session.Failed(problem)

    def _end(self) -> None:
        if self._recorder is not None:
            # Where no check was judged no rule was: nothing was said.
            for info, results in self._ambient.values() if self._recorder.results else ():
                for result in results:
                    self._recorder.judge(replace(info, cases=len(results)), result)
            self._ambient.clear()
            self._recorder.end(interrupted=self._interrupted, waivers=self._waivers())

    def _waivers(self) -> Waivers:
        return Waivers(self._file.waivers, self._file.expired_waivers)
