"""What a command does once nobody reads it any more (`... | head`): it stops, and says nothing of it."""

import os
import select
from typing import IO


class NobodyReads(KeyboardInterrupt):
    """The reader is gone. A run ends as at Ctrl-C: in good order."""


def discard(stream: IO[str]) -> None:
    """Let what is still written to `stream`, also at the end of the process, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def is_unread(stream: IO[str]) -> bool:
    """Whether `stream` is a pipe whose reader is gone."""
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(events & select.POLLERR for _, events in poll.poll(0))
