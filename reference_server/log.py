"""Log lines on standard error: one line an event, readable, with the time in UTC."""

import logging
import sys
import time

LOG = logging.getLogger("mailproof")
"""The server's own logger; modules take its children."""


class _OneLine(logging.Formatter):
    """`2026-11-24T08:12:00.123Z warning relay: text`, an exception's place at the end of the line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record in one line, whatever the client put into it."""
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        area = record.name.removeprefix(LOG.name).lstrip(".") or "server"
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {describe(record.exc_info[1])}"
        line = f"{stamp}.{int(record.msecs):03}Z {record.levelname.lower()} {area}: {text}"
        return "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)


def describe(error: BaseException) -> str:
    """Return what went wrong and where, in one line."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = "/".join(trace.tb_frame.f_code.co_filename.split("/")[-2:])
        place = f" at {file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"


def set_up(level: str) -> None:
    """Send the server's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = _OneLine()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    LOG.handlers[:] = [handler]
    LOG.propagate = False
    LOG.setLevel(level.upper())
