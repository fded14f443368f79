"""`mailproof load`: runs a load profile on Locust, and says what came of it.

Locust patches the process that imports it, so it runs as a child, with the same locustfile as plain `locust
-f`. The child tells its progress and its report over a pipe; passwords stay in the target file.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.cli.load_report import print_profiles, print_report
from harness.cli.output import Output
from harness.reports.places import verify_writable
from harness.targets.embedded import DEFAULT_ACCOUNTS, embedded_target
from harness.targets.file import Permit, TargetFile
from harness.targets.launch import launched
from harness.targets.loader import load_target
from harness.targets.reading import nearest
from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode

LOADTESTS = Path(__file__).resolve().parents[2] / "loadtests"
"""The installed package beside ours, whatever folder of that name the working directory may have."""
REPORT_FD = "MAILPROOF_REPORT_FD"
"""The environment's name for the descriptor that the child writes its report to."""
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """What the command has to know of a profile; the rest is the child's."""

    name: str
    summary: str
    users: int
    spawn_rate: float
    duration_s: int
    needs: tuple[str, ...]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "load",
        help="put a mail server under load",
        description="Run a load profile against the mail server that TARGET.toml describes; without one, "
        "against the reference server, which is started for it.",
        epilog="The same with Locust's own command line and web interface: "
        f"locust -f {LOADTESTS / 'locustfile.py'} --profile PROFILE --target TARGET.toml",
    )
    parser.add_argument(
        "profile", nargs="?", metavar="PROFILE", help="a profile's name, see --list; or a .toml file"
    )
    parser.add_argument("target", nargs="?", metavar="TARGET.toml", help="the target file")
    parser.add_argument("--list", action="store_true", help="describe the profiles")
    parser.add_argument("-u", "--users", type=_positive, metavar="N", help="how many users at once")
    parser.add_argument(
        "-r", "--spawn-rate", type=_rate, metavar="R", help="how many users begin in a second"
    )
    parser.add_argument(
        "-t", "--duration", type=_duration, metavar="T", help="how long, as 30, 90s, 5m or 1h30m"
    )
    parser.add_argument("--processes", type=_positive, metavar="N", help="spread the users over N processes")
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--master", action="store_true", help="lead workers on other machines")
    role.add_argument("--worker", action="store_true", help="follow a master")
    parser.add_argument(
        "--expect-workers", type=_positive, metavar="N", help="with --master: begin when N have come"
    )
    parser.add_argument("--master-host", metavar="HOST", help="with --worker: where the master is")
    parser.add_argument(
        "--master-port", type=_positive, metavar="PORT", help="the master's port (default 5557)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as one JSON object")
    parser.add_argument(
        "--csv", metavar="PREFIX", help="write Locust's CSV files, PREFIX_stats.csv and others"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run a profile; the exit code is the verdict's."""
    console = Output()
    profiles = read_profiles()
    if arguments.list:
        print_profiles(console, profiles)
        return ExitCode.CONFORMS
    profile = choose(arguments.profile, profiles)
    _check_roles(arguments)
    if arguments.json is not None:
        verify_writable(arguments.json, "--json")
    if arguments.csv is not None:
        verify_writable(Path(f"{arguments.csv}_stats.csv"), "--csv")
    users = arguments.users or profile.users
    with ExitStack() as stack:
        file = stack.enter_context(_target(arguments.target, users))
        argv = command_line(arguments, profile, file)
        duration_s = None if arguments.worker else arguments.duration or profile.duration_s
        report, code = _run_child(argv, console, profile.name, duration_s)
    if report is None:
        return code
    print_report(console, report)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return code


# What is asked for


def read_profiles() -> list[ProfileEntry]:
    """Return the profiles that come with mailproof."""
    return [_read_entry(path) for path in sorted((LOADTESTS / "profiles").glob("*.toml"))]


def choose(name: str | None, profiles: Sequence[ProfileEntry]) -> ProfileEntry:
    """Return the profile that is meant, or complain with the nearest names."""
    names = [profile.name for profile in profiles]
    if name is None:
        raise UsageError(f"name a profile: {', '.join(names)} (--list describes them)")
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"{name}: no such profile file; give a name as {names[0]}, or the path of one")
        return _read_entry(path)
    for profile in profiles:
        if profile.name == name:
            return profile
    raise UsageError(f"no load profile {name!r}; {nearest(name, names)}")


def _read_entry(path: Path) -> ProfileEntry:
    """Read what is shown and defaulted; the child checks the file as a whole."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        defaults = table["defaults"]
        needs = tuple(entry if isinstance(entry, str) else "/".join(entry) for entry in table["services"])
        return ProfileEntry(
            name=str(path) if path.parent != LOADTESTS / "profiles" else path.stem,
            summary=str(table["summary"]),
            users=int(defaults["users"]),
            spawn_rate=float(defaults["spawn_rate"]),
            duration_s=int(defaults["duration_s"]),
            needs=needs,
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    except KeyError as error:
        mend = "name a profile before the target file" if "service" in table else "see --list for profiles"
        raise UsageError(f"{path}: not a load profile: {error.args[0]} is missing; {mend}") from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: not a load profile: {error}; see --list for profiles") from error


def _check_roles(arguments: argparse.Namespace) -> None:
    if arguments.target is not None and not arguments.target.endswith(".toml"):
        raise UsageError(f"{arguments.target}: a target file ends in .toml")
    if (arguments.master or arguments.worker) and arguments.target is None:
        raise UsageError("--master and --worker need the TARGET.toml that all of them share")
    if arguments.master and arguments.processes:
        raise UsageError(
            "--processes makes its own master; with --master, the workers are started with --worker"
        )
    if arguments.expect_workers and not arguments.master:
        raise UsageError("--expect-workers is for --master")
    if arguments.master_host and not arguments.worker:
        raise UsageError("--master-host is for --worker")


@contextmanager
def _target(path: str | None, users: int) -> Iterator[TargetFile]:
    """Yield the target, started where mailproof has to start it."""
    if path is None:
        with embedded_target(accounts=max(DEFAULT_ACCOUNTS, users), outbound=False) as file:
            yield file
        return
    file = load_target(path)
    if Permit.LOAD not in file.permits:
        raise UsageError(
            f'{path}: permits: load is not permitted; add "load" if the server may be put under load'
        )
    with launched(file) as running:
        yield running


# The child


def command_line(arguments: argparse.Namespace, profile: ProfileEntry, file: TargetFile) -> list[str]:
    """Return the child's command line."""
    argv = [sys.executable, "-P", "-m", "locust", "-f", str(LOADTESTS / "locustfile.py")]
    # Without Locust's log set-up its tables stay away, and warnings come as they are.
    argv += ["--headless", "--only-summary", "--skip-log-setup"]
    argv += ["--profile", profile.name, "--target", str(file.path)]
    if file.directory is not None:
        argv += ["--target-directory", str(file.directory)]
    if arguments.processes:
        argv += ["--processes", str(arguments.processes)]
    if arguments.worker:
        argv += ["--worker", "--master-host", arguments.master_host or "127.0.0.1"]
        return argv + (["--master-port", str(arguments.master_port)] if arguments.master_port else [])
    argv += ["--users", str(arguments.users or profile.users)]
    argv += ["--spawn-rate", str(arguments.spawn_rate or profile.spawn_rate)]
    argv += ["--run-time", f"{arguments.duration or profile.duration_s}s"]
    if arguments.csv is not None:
        argv += ["--csv", arguments.csv]
    if arguments.master:
        argv += ["--master", "--expect-workers", str(arguments.expect_workers or 1)]
        argv += ["--master-bind-port", str(arguments.master_port)] if arguments.master_port else []
    elif arguments.processes:
        # Locust's default is port 5557 of every interface: one run at a time, and open to all.
        port = str(_free_port())
        argv += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
    return argv


def _run_child(
    argv: Sequence[str], console: Console, title: str, duration_s: int | None
) -> tuple[dict[str, Any] | None, ExitCode]:
    """Run Locust to its end, show its progress, and return its report and exit code."""
    reading, writing = os.pipe()
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            env={**_environment(), REPORT_FD: str(writing), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            text=True,
        )
    finally:
        os.close(writing)
    assert child.stderr is not None
    complaints = threading.Thread(target=_pass_on, args=(child.stderr, console, sys.stderr), daemon=True)
    complaints.start()
    with os.fdopen(reading, encoding="utf-8") as lines, _signals_to(child):
        report = _follow(lines, console, title, duration_s)
        child.wait()
    complaints.join()
    child.stderr.close()
    if report is not None:
        return report, ExitCode(report["verdict"]["exit_code"])
    known = {int(code) for code in ExitCode}
    code = ExitCode(child.returncode) if child.returncode in known else ExitCode.INCONCLUSIVE
    if code is ExitCode.VIOLATES:  # Locust's own code for whatever went wrong with itself
        code = ExitCode.INCONCLUSIVE
    return None, code


def _environment() -> dict[str, str]:
    """Return our environment without what plain `locust` would take its options from."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}


def _follow(lines: IO[str], console: Console, title: str, duration_s: int | None) -> dict[str, Any] | None:
    """Show the progress that the child tells, until it has no more to say; return its report."""
    report: dict[str, Any] | None = None
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=duration_s, figures="starting")
        for line in lines:
            told = json.loads(line)
            report = told.get("report", report)
            if "progress" in told:
                progress.update(task, **_shown(told["progress"]))
    return report


def _shown(told: dict[str, Any]) -> dict[str, Any]:
    figures = (
        f"{told['users']} users, {told['requests']} requests, {told['per_s']:g}/s, {told['failures']} failed"
    )
    if told["finishing"]:
        figures += ", reading for the last time"
    return {"figures": figures, "completed": told["seconds"]}


def _pass_on(stderr: IO[str], console: Console, errors: IO[str]) -> None:
    """Show what Locust complains about: on a terminal above the progress, else on standard error."""
    above = console.is_terminal and errors.isatty()
    for line in stderr:
        if above:
            console.print(line.rstrip(), markup=False, highlight=False, style="yellow", soft_wrap=True)
        else:
            print(line.rstrip(), file=errors, flush=True)


@contextmanager
def _signals_to(child: "subprocess.Popen[str]") -> Iterator[None]:
    """Pass on that somebody wants the end; the child then ends the run in good order and reports.

    It always gets SIGTERM: gevent answers SIGINT with a traceback.
    """

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        child.terminate()

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Words into numbers


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return rate


def _duration(text: str) -> int:
    found = _DURATION.fullmatch(text)
    seconds = 0
    if found is not None:
        hours, minutes, rest = (int(part or 0) for part in found.groups())
        seconds = 3600 * hours + 60 * minutes + rest
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 30, 90s, 5m or 1h30m")
    return seconds
