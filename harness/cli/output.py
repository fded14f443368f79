"""Where commands write what people read."""

import sys

from rich.console import Console

from harness.cli.unread import NobodyReads, discard

_WIDTH = 120


class Output(Console):
    """A console that stops the command, as Ctrl-C does, once nobody reads it any more (`... | head`).

    So a run ends in good order: servers are stopped, mailboxes cleaned up, reports written.
    """

    def on_broken_pipe(self) -> None:
        """Write no more, and stop."""
        self.quiet = True
        if sys.__stdout__ is not None:
            discard(sys.__stdout__)
        raise NobodyReads


def standard_output(*, no_color: bool = False) -> Console:
    """Return the console of a command; where it is no terminal its lines have a fixed width."""
    width = None if sys.stdout.isatty() else _WIDTH
    return Output(file=sys.stdout, highlight=False, markup=False, width=width, no_color=no_color or None)
