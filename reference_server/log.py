"""Log lines on standard error: one line an event, to be read by people or, as JSON, by programs; UTC."""

import json
import logging
import sys
import time

LOG = logging.getLogger("mailproof")
"""The server's own logger; modules take its children."""


class _OneLine(logging.Formatter):
    """`2026-11-24T08:12:00.123Z warning relay: text`, an exception's place at the end of the line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record in one line, whatever the client put into it."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {describe(record.exc_info[1])}"
        line = f"{_stamp(record)} {record.levelname.lower()} {_area(record)}: {text}"
        return "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)


class _Json(logging.Formatter):
    """`{"time": "2026-11-24T08:12:00.123Z", "level": "warning", "area": "relay", "text": ...}`, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record as one JSON object in one line."""
        entry = {
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "area": _area(record),
            "text": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = describe(record.exc_info[1])
        return json.dumps(entry)


def _stamp(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03}Z"


def _area(record: logging.LogRecord) -> str:
    return record.name.removeprefix(LOG.name).lstrip(".") or "server"


def describe(error: BaseException) -> str:
    """Return what went wrong and where, in one line."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = "/".join(trace.tb_frame.f_code.co_filename.split("/")[-2:])
        place = f" at {file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"


def set_up(level: str, format_: str = "text") -> None:
    """Send the server's log to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format_ == "json" else _OneLine())
    LOG.handlers[:] = [handler]
    LOG.propagate = False
    LOG.setLevel(level.upper())
