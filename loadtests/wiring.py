"""How a run lives in Locust: options, checks before the fork, shares of the workers, the end, the verdict.

What has to hold here was learnt from Locust's source and from a prototype:

- Options are checked inside `parse_args`, before `--processes` forks: a master that exits later leaves its
  workers waiting for a minute.
- A master's run-time limit ends in `quit`, which waits half a second for the workers' last reports; the last
  reading of mailboxes takes longer. So the master's `test_stopping` asks the workers to finish, and waits.
- `quitting` fires before the runner stops when a signal ends the run. Our listener, registered in `init`, is
  called first, and stops the runner itself before it judges.
- `stop_timeout` is 0 by default, which kills users in the middle of a message and leaves it in doubt.
- The standalone runner's CSV files are written each second and never at the end.
"""

import atexit
import csv
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final

import gevent
import gevent.event
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.event import EventHook
from locust.rpc import Message
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, WorkerRunner
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV

from harness.vocabulary.errors import ConnectFailed, MailproofError, TargetFileError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from loadtests.figures import failure_figures, request_figures
from loadtests.ledger import Totals
from loadtests.run import Run, prepare, try_target
from loadtests.users.base import MailUser
from loadtests.verdict import judge

STOP_TIMEOUT_S: Final = 5.0
"""How long users may take to bring an act to its end when the run stops; workers rest as long after it."""
FINISH_WITHIN_S: Final = STOP_TIMEOUT_S + 50.0
"""How long the master waits for the workers to finish, beside the time that mail may take to show."""
SHARE: Final = "mailproof_share"
FINISH: Final = "mailproof_finish"
FINISHED: Final = "mailproof_finished"
PROGRESS_S: Final = 0.5
REPORT_FD: Final = "MAILPROOF_REPORT_FD"
"""The environment's name for the descriptor to which progress and report go, one JSON object per line."""


class Wiring:
    """The listeners of one process, and what they know."""

    def __init__(self, user_classes: list[type[MailUser]]) -> None:
        self.user_classes = user_classes
        self.run: Run | None = None
        self.environment: Environment | None = None
        self.started_at = datetime.now(UTC)
        self.began = time.monotonic()
        self.seconds = 0.0
        self.most_users = 0
        self.totals_of: dict[str, Totals] = {}
        self.troubles_of: dict[str, list[str]] = {}
        self.awaited: set[str] = set()
        self.all_finished = gevent.event.Event()
        self.settled = False
        self.settling = gevent.event.Event()
        descriptor = os.environ.pop(REPORT_FD, None)
        self.report_fd: BinaryIO | None = None if descriptor is None else os.fdopen(int(descriptor), "wb")

    def connect(self) -> None:
        """Register the listeners that have to be there before the options are parsed."""
        _listen(events.init_command_line_parser, self.on_parser)
        _listen(events.init, self.on_init)

    # Options

    def on_parser(self, parser: LocustArgumentParser, **_: Any) -> None:
        """Add our options, and check them as soon as they are parsed.

        A run of `mailproof load` is what its own command line says: `locust.conf` in the working directory or
        the home, and the like, are for plain `locust`.
        """
        if self.report_fd is not None:
            parser._default_config_files = []  # noqa: SLF001, as Locust itself does for a parser of its own
        group = parser.add_argument_group("mailproof")
        # Locust has a --profile of its own, to group runs; ours takes its place.
        parser.conflict_handler = group.conflict_handler = "resolve"
        group.add_argument(
            "--profile",
            env_var="MAILPROOF_PROFILE",
            required=True,
            help="mailproof's load profile: a name (`mailproof load --list`) or the path of a .toml file",
        )
        group.add_argument(
            "--target",
            env_var="MAILPROOF_TARGET",
            required=True,
            help="the target file of the server to load",
        )
        group.add_argument(
            "--target-directory",
            env_var="MAILPROOF_TARGET_DIRECTORY",
            help="what {directory} stands for in the target file",
        )
        parse = parser.parse_args

        def parse_and_check(*arguments: Any, **keywords: Any) -> Any:
            options = parse(*arguments, **keywords)
            self.check(parser, options)
            return options

        parser.parse_args = parse_and_check

    def check(self, parser: LocustArgumentParser, options: Any) -> None:
        """Make the run, or leave with one line; called in the process that has not forked yet."""
        if self.run is not None:
            return
        try:
            self.run = prepare(
                options.profile,
                options.target,
                options.target_directory,
                users=options.num_users if options.headless else None,
                workers=max(1, options.processes or 1),
            )
            if not options.worker:
                try_target(self.run)
        except (UsageError, TargetFileError) as error:
            parser.exit(ExitCode.USAGE, f"mailproof load: {error}\n")
        except ConnectFailed as error:
            mend = f"start the server, or mend {options.target}"
            parser.exit(ExitCode.INCONCLUSIVE, f"mailproof load: {error}; {mend}\n")
        except MailproofError as error:
            parser.exit(ExitCode.INCONCLUSIVE, f"mailproof load: {error}\n")
        assert self.run is not None, "parser.exit leaves"
        if options.num_users is None:
            options.num_users = self.run.profile.users
        if options.spawn_rate is None:
            options.spawn_rate = self.run.profile.spawn_rate

    # The life of a run

    def on_init(self, environment: Environment, **_: Any) -> None:
        """Choose the users of the profile, and connect what depends on the role of this process."""
        run = self._run
        self.environment = environment
        MailUser.run_state = run
        environment.user_classes = [user for user in self.user_classes if user.kind == run.profile.user]
        environment.stop_timeout = max(environment.stop_timeout, STOP_TIMEOUT_S)
        _listen(environment.events.test_start, self.on_test_start)
        _listen(environment.events.test_stop, self.on_test_stop)
        _listen(environment.events.quitting, self.on_quitting)
        runner = environment.runner
        match runner:
            case MasterRunner():
                _listen(environment.events.test_stopping, self.on_test_stopping)
                _listen(environment.events.worker_report, self.on_worker_report)
                runner.register_message(FINISHED, self.on_finished)
            case WorkerRunner():
                _listen(environment.events.report_to_master, self.on_report_to_master)
                run.await_share()
                runner.register_message(SHARE, self.on_share)
                runner.register_message(FINISH, self.on_finish, concurrent=True)
            case LocalRunner():
                pass
        if not isinstance(runner, WorkerRunner):
            gevent.spawn(self._tell_progress)
            if environment.parsed_options is not None and environment.parsed_options.csv_prefix:
                atexit.register(self._write_csv, environment.parsed_options.csv_prefix)

    def on_test_start(self, **_: Any) -> None:
        """Begin: alone, or by telling each worker its share; fired before the first user is asked for."""
        self.started_at = datetime.now(UTC)
        self.began = time.monotonic()
        self.settled = False
        self.settling.clear()
        self.most_users = 0
        runner = self._environment.runner
        match runner:
            case MasterRunner():
                self.totals_of.clear()
                self.troubles_of.clear()
                indexes = {client.id: _index(runner, client.id) for client in runner.clients.all}
                numbers = {
                    client: number for number, client in enumerate(sorted(indexes, key=lambda c: indexes[c]))
                }
                for client, number in numbers.items():
                    runner.send_message(SHARE, {"worker": number, "workers": len(numbers)}, client)
            case LocalRunner():
                self._run.start(0, 1)

    def on_share(self, msg: Message, **_: Any) -> None:
        """As a worker, begin with the share that the master gives."""
        self._run.start(int(msg.data["worker"]), int(msg.data["workers"]))
        self.settled = False
        self.settling.clear()

    def on_test_stopping(self, **_: Any) -> None:
        """As the master, ask the workers to finish, and wait until all have."""
        runner = self._environment.runner
        assert isinstance(runner, MasterRunner)
        self.seconds = time.monotonic() - self.began
        self.awaited = {client.id for client in runner.clients.all}
        self.all_finished.clear()
        for client in list(self.awaited):
            runner.send_message(FINISH, {}, client)
        deadline = time.monotonic() + FINISH_WITHIN_S + self._run.profile.settle_s
        while self.awaited and time.monotonic() < deadline:
            self.all_finished.wait(0.2)
            present = {client.id for client in runner.clients.all if client.state != STATE_MISSING}
            for client in self.awaited - present:
                self._lose(client)
            self.awaited &= present
        for client in self.awaited:
            self._lose(client)

    def _lose(self, client: str) -> None:
        self.troubles_of.setdefault(client, []).append("a worker went without its last account")

    def on_finish(self, **_: Any) -> None:
        """As a worker, stop the users, read for the last time, and report."""
        self.settle()

    def settle(self) -> None:
        """Stop the users and let all figures arrive; done once, whoever asks first."""
        if self.settled:
            self.settling.wait(FINISH_WITHIN_S + self._run.profile.settle_s)
            return
        self.settled = True
        runner = self._environment.runner
        assert runner is not None
        self._run.finishing = True
        runner.stop()
        if isinstance(runner, WorkerRunner):
            runner._send_stats()  # noqa: SLF001, the report that Locust itself sends on its own stop
            runner.send_message(FINISHED, {})
        self.settling.set()

    def on_test_stop(self, **_: Any) -> None:
        """When the users of this process have stopped: the last reading, and the removal of what was made."""
        if isinstance(self._environment.runner, MasterRunner):
            return
        self.seconds = time.monotonic() - self.began
        self._run.finishing = True
        self._run.finish()

    def on_finished(self, msg: Message, **_: Any) -> None:
        """As the master, note that a worker has finished; its last report came before this."""
        self.awaited.discard(msg.node_id)
        if not self.awaited:
            self.all_finished.set()

    def on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        """As a worker, send the ledger's figures with every report."""
        data["mailproof"] = {"totals": self._run.totals().to_dict(), "troubles": list(self._run.troubles)}

    def on_worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """As the master, keep each worker's latest figures."""
        if "mailproof" in data:
            self.totals_of[client_id] = Totals.from_dict(data["mailproof"]["totals"])
            self.troubles_of[client_id] = list(data["mailproof"]["troubles"])

    def on_quitting(self, **_: Any) -> None:
        """Settle, and judge."""
        self.settle()
        if isinstance(self._environment.runner, WorkerRunner):
            return
        report = self.report()
        self._environment.process_exit_code = report["verdict"]["exit_code"]
        self._tell({"report": report})
        if self.report_fd is None:
            verdict = report["verdict"]
            print(f"mailproof: {verdict['outcome']}", *verdict["reasons"], sep="\n  ", file=sys.stderr)

    # What came of it

    def totals(self) -> Totals:
        """Return the ledger's figures over all workers."""
        if isinstance(self._environment.runner, MasterRunner):
            return sum(self.totals_of.values(), Totals())
        return self._run.totals()

    def troubles(self) -> list[str]:
        """Return what kept us from seeing all, each with how often."""
        troubles = list(self._run.troubles)
        for of_one in self.troubles_of.values():
            troubles += of_one
        runner = self._environment.runner
        if runner is not None and runner.exceptions:
            troubles.append("mailproof itself failed: see the exceptions in Locust's log")
        return [f"{trouble} ({troubles.count(trouble)} times)" for trouble in dict.fromkeys(troubles)]

    def report(self) -> dict[str, Any]:
        """Return the report on the run that has ended."""
        run = self._run
        requests = request_figures(self._environment)
        failures = failure_figures(self._environment)
        totals = self.totals()
        troubles = self.troubles()
        verdict = judge(run.profile.service_level, requests, failures, totals, troubles)
        return {
            "version": version("mailproof"),
            "profile": run.profile.name,
            "target": run.file.name,
            "started": self.started_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "users": self.most_users,
            "workers": max(1, len(self.totals_of)),
            "requests": [request.to_dict() for request in requests],
            "failures": [failure.to_dict() for failure in failures],
            "ledger": {**totals.to_dict(), "read_back": run.reads},
            "troubles": troubles,
            "verdict": verdict.to_dict(),
        }

    def _tell_progress(self) -> None:
        while True:
            environment = self._environment
            users = 0 if environment.runner is None else environment.runner.user_count
            self.most_users = max(self.most_users, users)
            stats = environment.stats.total
            self._tell(
                {
                    "progress": {
                        "users": users,
                        "requests": stats.num_requests,
                        "failures": stats.num_failures,
                        "per_s": round(stats.current_rps, 1),
                        "finishing": self.run is not None and (self.settled or self.run.finishing),
                        "seconds": round(time.monotonic() - self.began, 1),
                    }
                }
            )
            gevent.sleep(PROGRESS_S)

    def _tell(self, line: dict[str, Any]) -> None:
        """Write a line to whoever started this process; if they are gone, nobody waits for the run."""
        if self.report_fd is None:
            return
        try:
            self.report_fd.write(json.dumps(line).encode() + b"\n")
            self.report_fd.flush()
        except BrokenPipeError:
            self.report_fd = None
            if self._environment.runner is not None:
                gevent.spawn(self._environment.runner.quit)

    def _write_csv(self, prefix: str) -> None:
        """Write the figures of the end over those of the last whole second."""
        tables = StatsCSV(self._environment, PERCENTILES_TO_REPORT)
        writers: dict[str, Callable[[Any], None]] = {
            "stats": tables.requests_csv,
            "failures": tables.failures_csv,
        }
        for name, write in writers.items():
            with Path(f"{prefix}_{name}.csv").open("w", newline="", encoding="utf-8") as file:
                write(csv.writer(file))

    @property
    def _run(self) -> Run:
        assert self.run is not None, "the options are parsed before anything runs"
        return self.run

    @property
    def _environment(self) -> Environment:
        assert self.environment is not None, "Locust's init comes first"
        return self.environment


def _listen(hook: EventHook, listener: Callable[..., None]) -> None:
    hook.add_listener(listener)  # type: ignore[no-untyped-call]


def _index(runner: MasterRunner, client_id: str) -> int:
    return int(runner.get_worker_index(client_id))  # type: ignore[no-untyped-call]
