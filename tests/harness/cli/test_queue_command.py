"""`mailproof queue`: asked of a running server, and of the directory that it has left."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.vocabulary.exit_codes import ExitCode
from reference_server.net.control import call

_POLLS = 10_000


@contextmanager
def _serving(*words: str) -> Iterator[dict[str, str]]:
    """Run the server; where its services are."""
    argv = [sys.executable, "-P", "-m", "reference_server", "--ports=free", "--log-level=error", *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            places = {}
            for line in child.stdout:
                word, place = line.split(maxsplit=1)
                places[word] = place.strip()
                if word == "account":
                    break
            yield places
        finally:
            child.terminate()
            child.wait(timeout=30)


def _submit(place: str, *recipients: str) -> None:
    """Hand a message in for domains that nobody serves."""
    host, _, port = place.rpartition(":")
    with socket.create_connection((host, int(port)), 30.0) as connection, connection.makefile("rb") as file:
        commands = [
            b"",
            b"EHLO client.test\r\n",
            b"AUTH PLAIN AGFsaWNlQG9uZS50ZXN0AHNlY3JldA==\r\n",
            b"MAIL FROM:<alice@one.test>\r\n",
            *(b"RCPT TO:<%b>\r\n" % recipient.encode() for recipient in recipients),
            b"DATA\r\n",
            b"Subject: hello\r\n\r\nx\r\n.\r\n",
        ]
        for command in commands:
            connection.sendall(command)
            while (line := file.readline())[3:4] == b"-":
                pass
            assert line[:1] in (b"2", b"3"), line


def _queue(*words: str) -> tuple[int, str, str]:
    run = "import sys; from harness.cli.main import main; sys.exit(main())"
    argv = [sys.executable, "-P", "-c", run, "queue", *words]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr


def _listed(data: Path) -> dict[str, Any]:
    code, out, _ = _queue("list", "--json", f"--data={data}")
    assert code == ExitCode.CONFORMS
    return {one["address"]: one for mail in json.loads(out) for one in mail["recipients"]}


def _await(data: Path, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask the running server until it is as it should be."""
    for _ in range(_POLLS):
        listed = {one["address"]: one for mail in call(data, "queue list") for one in mail["recipients"]}
        if condition(listed):
            return listed
    pytest.fail(f"still {listed}")


def test_a_running_server_notices_and_what_is_left_can_be_dropped(tmp_path: Path) -> None:
    data = tmp_path / "data"
    # Address literals need no DNS, and nobody listens there; it would be tried again in an hour.
    config = tmp_path / "server.toml"
    config.write_text("[relay]\nport = 1\nretry_pauses_s = [3600]\n")
    words = (f"--data={data}", f"--config={config}", "--account=alice@one.test:secret")
    with _serving(*words) as places:
        _submit(places["submission"], "bob@[127.0.0.2]", "carol@[127.0.0.3]")
        _await(data, lambda listed: [one["attempts"] for one in listed.values()] == [1, 1])
        code, out, _ = _queue("retry", "1", "--recipient=bob@[127.0.0.2]", f"--data={data}")
        assert (code, out) == (ExitCode.CONFORMS, "1 to <bob@[127.0.0.2]>: due now\n")
        listed = _await(data, lambda listed: listed["bob@[127.0.0.2]"]["attempts"] == 2)
        assert listed["carol@[127.0.0.3]"]["attempts"] == 1
        assert "Connection refused" in listed["carol@[127.0.0.3]"]["last_reply"]
        code, out, _ = _queue("show", "1", f"--data={data}")
        assert code == ExitCode.CONFORMS
        assert "\nSubject: hello\n" in out
        _queue("drop", "1", "--recipient=bob@[127.0.0.2]", f"--data={data}")
        assert _listed(data).keys() == {"carol@[127.0.0.3]"}
        assert _queue("show", "7", f"--data={data}")[0] == ExitCode.INCONCLUSIVE
    assert _listed(data).keys() == {"carol@[127.0.0.3]"}
    assert _queue("drop", "--all", f"--data={data}")[:2] == (
        ExitCode.CONFORMS,
        "1 to <carol@[127.0.0.3]>: dropped\n",
    )
    assert _queue("list", f"--data={data}")[:2] == (ExitCode.CONFORMS, "the queue is empty\n")


def test_a_directory_that_holds_no_mail(tmp_path: Path) -> None:
    code, out, error = _queue("list", f"--data={tmp_path}")
    assert (code, out) == (ExitCode.USAGE, "")
    assert error.startswith(f"mailproof: --data: {tmp_path} holds no mail of this server; ")
    assert error.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["queue"], ["queue", "list"], ["queue", "show", "--data=x"]])
def test_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == ExitCode.USAGE
    assert "see mailproof queue" in capsys.readouterr().err
