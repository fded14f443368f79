"""A command whose output nobody reads any more stops as Ctrl-C stops it."""

import io
import os
import subprocess
import sys

import pytest

from harness.cli.output import Output
from harness.cli.unread import NobodyReads, discard, is_unread


class Broken(io.StringIO):
    def write(self, text: str, /) -> int:
        raise BrokenPipeError(text)


def test_a_broken_pipe_stops_the_command_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.__stdout__", None)
    output = Output(file=Broken())
    with pytest.raises(NobodyReads):
        output.print("nobody reads this")
    output.print("nor this, and that is no news")


def test_what_is_discarded_goes_nowhere() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        discard(stream)
        stream.write("x" * 100_000)
        stream.flush()


def test_a_stream_without_reader_is_known() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        assert not is_unread(stream)
        os.close(reading)
        assert is_unread(stream)


@pytest.mark.parametrize("command", ["faults --list", "serve --list-faults", "catalogue rfc1870"])
def test_a_command_without_reader_says_nothing_of_it(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "import sys; from harness.cli.main import main; sys.exit(main())"
    words = [sys.executable, "-c", program, *command.split()]
    with os.fdopen(writing, "w") as output:
        process = subprocess.run(words, stdout=output, stderr=subprocess.PIPE, check=False, timeout=60)
    assert (process.returncode, process.stderr) == (3, b"")
