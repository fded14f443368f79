"""Launching: ready when it greets, its last words on failure, nothing left behind."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from harness.targets.file import Endpoint, TargetFile
from harness.targets.launch import LaunchFailed, await_greetings, launched, running
from harness.targets.loader import load_target
from harness.vocabulary.services import Service, Tls

SERVER = """
import socket, subprocess, sys, time
if sys.argv[1] == "fail":
    print("cannot find my queue")
    sys.exit(7)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[3], "w").write(str(helper.pid))
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("listening", flush=True)
while True:
    connection, _ = listener.accept()
    if sys.argv[1] == "greet":
        connection.sendall(b"220 ready\\r\\n")
    else:
        time.sleep(600)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def target(folder: Path, how: str, within_s: float = 10.0) -> TargetFile:
    (folder / "server.py").write_text(SERVER)
    file = folder / "target.toml"
    port = free_port()
    file.write_text(f"""
        schema = 1
        [service.smtp]
        host = "127.0.0.1"
        port = {port}
        [trust]
        ca_file = "{{directory}}/ca.pem"
        [accounts]
        domain = "e.test"
        pool = [{{ address = "a@e.test", password = "p" }}]
        [launch]
        argv = ["{{python}}", "server.py", "{how}", "{port}", "{{directory}}/ca.pem"]
        ready_within_s = {within_s}
    """)
    return load_target(file)


def is_alive(pid: int) -> bool:
    """Whether it runs: a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def await_end(pid: int) -> bool:
    """Wait for the end of a process that is not our child."""
    handle = os.pidfd_open(pid) if is_alive(pid) else None
    if handle is not None:
        try:
            select.select([handle], [], [], 5)
        finally:
            os.close(handle)
    return not is_alive(pid)


def test_a_server_whose_files_are_wrong_still_ends_with_its_helpers(tmp_path: Path) -> None:
    with (
        pytest.raises(Exception, match="cannot read the CA certificates"),
        launched(target(tmp_path, "greet")),
    ):
        pass


def test_it_is_ready_when_it_greets_and_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    port = free_port()
    note = tmp_path / "helper"
    argv = [sys.executable, str(tmp_path / "server.py"), "greet", str(port), str(note)]
    endpoint = Endpoint(Service.SMTP, Tls.NONE, "127.0.0.1", port)
    with running(argv, log=tmp_path / "log") as server:
        await_greetings([endpoint], server, 10.0)
        helper = int(note.read_text())
        assert is_alive(helper)
        assert server.tail() == "listening"
    assert server.status() == -signal.SIGTERM
    assert await_end(helper)


def test_an_exception_ends_it_too(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    argv = [sys.executable, str(tmp_path / "server.py"), "greet", str(free_port()), str(tmp_path / "helper")]
    with pytest.raises(KeyboardInterrupt), running(argv, log=tmp_path / "log") as server:
        raise KeyboardInterrupt
    assert server.status() is not None


def test_its_last_words_are_shown(tmp_path: Path) -> None:
    with (
        pytest.raises(LaunchFailed, match="ended with status 7 before it was ready: cannot find my queue"),
        launched(target(tmp_path, "fail")),
    ):
        pass


def test_accepting_is_not_greeting(tmp_path: Path) -> None:
    with (
        pytest.raises(
            LaunchFailed, match=r"no answer from smtp on 127\.0\.0\.1:\d+ within 0\.5 s: listening"
        ),
        launched(target(tmp_path, "silence", within_s=0.5)),
    ):
        pass


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(LaunchFailed, match="/no/such cannot be started: no such program"),
        running(["/no/such"], log=tmp_path / "log"),
    ):
        pass


def test_a_server_that_runs_already_is_left_alone(tmp_path: Path) -> None:
    file = target(tmp_path, "fail")
    served = load_target(file.path, directory=_with_ca(tmp_path))
    with launched(served) as same:
        assert same is served


def test_another_server_on_its_ports_is_not_taken_for_it(tmp_path: Path) -> None:
    file = target(tmp_path, "greet")
    with (
        socket.create_server(("127.0.0.1", file.endpoints[0].port)),
        pytest.raises(LaunchFailed, match=r"smtp: something listens on 127\.0\.0\.1:\d+ already"),
        launched(file),
    ):
        pass


def _with_ca(folder: Path) -> Path:
    trustme.CA().cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder


def test_sigterm_to_us_ends_the_server(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from harness.targets.launch import running
log = Path({str(tmp_path / "log")!r})
with running([sys.executable, "-c", "import time; time.sleep(600)"], log=log) as server:
    print(server.pid, flush=True)
    while True:
        sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as ours:
        assert ours.stdout is not None
        pid = int(ours.stdout.readline())
        assert is_alive(pid)
        ours.terminate()
        assert await_end(pid)
        assert ours.wait(10) == 128 + signal.SIGTERM


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="it takes util-linux's setpriv")
def test_even_if_we_are_killed_the_server_ends(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from harness.targets.inbox import poll
from harness.targets.launch import running
log = Path({str(tmp_path / "log")!r})
serve = "import time; print('up', flush=True); time.sleep(600)"
with running([sys.executable, "-c", serve], log=log) as server:
    assert poll(lambda: server.tail() == "up", 10.0)
    print(server.pid, flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as ours:
        assert ours.stdout is not None
        pid = int(ours.stdout.readline())
        ours.kill()
        assert await_end(pid)


def test_a_unix_socket_below_the_directory_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "lmtp.py").write_text(
        "import socket, sys\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        "listener.bind(sys.argv[1] + '/lmtp.sock')\n"
        "listener.listen()\n"
        "while True:\n"
        "    listener.accept()[0].sendall(b'220 ready\\r\\n')\n"
    )
    file = tmp_path / "target.toml"
    file.write_text("""
        schema = 1
        [service.lmtp]
        path = "{directory}/lmtp.sock"
        [accounts]
        domain = "e.test"
        pool = [{ address = "a@e.test", password = "p" }]
        [launch]
        argv = ["{python}", "lmtp.py", "{directory}"]
        ready_within_s = 10
    """)
    with launched(load_target(file)) as served:
        (endpoint,) = served.endpoints
        assert served.directory is not None
        assert endpoint.path == served.directory / "lmtp.sock"
        assert endpoint.path.is_socket()
    assert not served.directory.exists()
