"""A command whose output nobody reads any more stops as Ctrl-C stops it."""

import io
import os

import pytest

from harness.cli.output import Output, discard


class Broken(io.StringIO):
    def write(self, text: str, /) -> int:
        raise BrokenPipeError(text)


def test_a_broken_pipe_stops_the_command_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.__stdout__", None)
    output = Output(file=Broken())
    with pytest.raises(KeyboardInterrupt):
        output.print("nobody reads this")
    output.print("nor this, and that is no news")


def test_what_is_discarded_goes_nowhere() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        discard(stream)
        stream.write("x" * 100_000)
        stream.flush()
