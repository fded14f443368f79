"""Starts the server that a target file names in `[launch]`, and never leaves it behind."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

from harness.targets.file import Endpoint, TargetFile
from harness.targets.loader import load_target
from harness.transport.stream import ByteStream
from harness.transport.tcp import connect_tcp, connect_unix
from harness.vocabulary.errors import ConnectFailed, MailproofError, ReplyTimeout, TransportError
from harness.vocabulary.services import Tls

_STOP_WITHIN_S = 10.0
_TAIL_LINES = 12
_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.1
_CONNECT_S = 2.0


class LaunchFailed(MailproofError):
    """The server did not start, or did not answer in time; the text ends with what it had to say."""


@contextmanager
def launched(file: TargetFile) -> Iterator[TargetFile]:
    """Start the server of a target file that asks for it, and stop it at the end.

    Yields the file with `{directory}` filled in; a file without `[launch]`, or with a server that runs
    already, is yielded as it is.
    """
    if file.launch is None or not file.needs_launch:
        yield file
        return
    _demand_free(file.endpoints)
    with temporary_directory() as directory:
        argv = [word.replace("{directory}", str(directory)) for word in file.launch.argv]
        with running(argv, log=directory.with_name(directory.name + ".log"), cwd=file.path.parent) as server:
            endpoints = [_below(endpoint, directory) for endpoint in file.endpoints]
            await_greetings(endpoints, server, file.launch.ready_within_s)
            yield load_target(file.path, directory=directory)


def _below(endpoint: Endpoint, directory: Path) -> Endpoint:
    """The endpoint with the directory of the server in its path."""
    if endpoint.path is None:
        return endpoint
    return replace(endpoint, path=Path(str(endpoint.path).replace("{directory}", str(directory))))


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory of our own that is gone afterwards, whoever owns what the server made in it."""
    with tempfile.TemporaryDirectory(prefix="mailproof-", ignore_cleanup_errors=True) as name:
        directory = Path(name).resolve() / "target"
        directory.mkdir()
        # The server's own users may have to pass through; what is in it, it protects itself.
        directory.parent.chmod(0o711)
        yield directory


class Server:
    """A server that runs as our child, in a process group of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process id, which is the group's too."""
        return self._process.pid

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """The last lines that it printed, joined into one."""
        with suppress(OSError):
            lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines()]
            if spoken := [line for line in lines if line][-_TAIL_LINES:]:
                return " | ".join(spoken)
        return "it printed nothing"

    def wait(self, timeout_s: float) -> int | None:
        """Wait until it has ended by itself; its exit status, or None if it still runs."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout_s)
        return None

    def stop(self) -> None:
        """Ask the group to end with SIGTERM; what is left of it after a while gets SIGKILL."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_WITHIN_S)
        # The leader has ended, or will not: its group may still hold others.
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


@contextmanager
def running(
    argv: Sequence[str], *, log: Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server for the time of the context; its output goes to `log`.

    The server's group does not get the terminal's Ctrl-C, so that it is stopped here and nowhere else. While
    it runs SIGTERM to ourselves becomes `SystemExit`, so that this too passes through here.
    """
    with log.open("wb") as output, _termination_unwinds():
        if shutil.which(argv[0]) is None:
            raise LaunchFailed(f"{argv[0]} cannot be started: no such program, or not executable")
        try:
            process = subprocess.Popen(
                [*bound_to_us("KILL"), *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise LaunchFailed(f"{argv[0]} cannot be started: {reason}") from None
        server = Server(process, log)
        try:
            yield server
        finally:
            server.stop()


def bound_to_us(signal_name: str) -> list[str]:
    """What has the kernel send the server a signal if we are killed ourselves, and so cannot.

    The bond is to the thread that starts the server (prctl(2), PR_SET_PDEATHSIG), so it must be the main one.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", signal_name, "--"]


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, where nobody has other plans for it."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of signal handlers
    raise SystemExit(128 + number)


def _demand_free(endpoints: Sequence[Endpoint]) -> None:
    """Refuse to start a server where another one listens: that one would be tried in its place."""
    for endpoint in endpoints:
        try:
            _connect(endpoint, _CONNECT_S).close()
        except ConnectFailed:
            continue
        message = (
            f"{endpoint.service}: something listens on {endpoint} already; end it, or take [launch] out of "
            "the target file to have it tried as it runs"
        )
        raise LaunchFailed(message)


def await_greetings(endpoints: Sequence[Endpoint], server: Server, within_s: float) -> None:
    """Wait until every service has greeted, or under TLS has accepted a connection."""
    deadline = time.monotonic() + within_s
    waiting = list(endpoints)
    pause_s = _FIRST_PAUSE_S
    while waiting := [endpoint for endpoint in waiting if not _greets(endpoint, deadline)]:
        if (status := server.status()) is not None:
            raise LaunchFailed(f"the server ended with status {status} before it was ready: {server.tail()}")
        if time.monotonic() >= deadline:
            missing = ", ".join(f"{endpoint.service} on {endpoint}" for endpoint in waiting)
            raise LaunchFailed(f"no answer from {missing} within {within_s:g} s: {server.tail()}")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _connect(endpoint: Endpoint, timeout_s: float) -> ByteStream:
    if endpoint.path is None:
        return connect_tcp(endpoint.host, endpoint.port, timeout_s)
    return connect_unix(endpoint.path, timeout_s)


def _greets(endpoint: Endpoint, deadline: float) -> bool:
    left_s = max(0.05, min(2.0, deadline - time.monotonic()))
    try:
        stream = _connect(endpoint, left_s)
    except ConnectFailed:
        return False
    try:
        # A server of implicit TLS speaks only after the handshake: that it accepts must do.
        return endpoint.tls is Tls.IMPLICIT or bool(stream.receive(left_s))
    except (ReplyTimeout, TransportError):
        return False
    finally:
        stream.close()
