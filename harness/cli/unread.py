"""What a command does once nobody reads its output any more (`... | head`): it stops, and says nothing of it."""

import os
from typing import IO


class NobodyReads(KeyboardInterrupt):  # noqa: N818 - it is what Ctrl-C is, and no error
    """The reader is gone. A run ends as at Ctrl-C: in good order."""


def discard(stream: IO[str]) -> None:
    """Let what is still written to `stream`, also at the end of the process, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def is_unread(stream: IO[str]) -> bool:
    """Whether what waits to be written to `stream` finds no reader."""
    try:
        stream.flush()
    except BrokenPipeError:
        return True
    return False
