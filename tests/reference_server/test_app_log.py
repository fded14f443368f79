"""Log lines: one an event, whatever a client put into it."""

import io
import json
import logging
import re

import pytest

from reference_server.log import LOG, describe, set_up


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    before = (LOG.handlers[:], LOG.propagate, LOG.level)
    set_up("info")
    yield stream
    LOG.handlers[:], LOG.propagate = before[0], before[1]
    LOG.setLevel(before[2])


def test_one_line_for_one_event(lines: io.StringIO) -> None:
    hostile = "alice\r\n2026 forged line\x1b[2J\udcff"
    record = logging.LogRecord(
        "mailproof.net", logging.WARNING, "", 0, "login failed for %s", (hostile,), None
    )
    LOG.handlers[0].handle(record)  # not through the logger: pytest would keep the record, and choke on it
    (line,) = lines.getvalue().splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning net: login failed for "
        r"alice\\r\\n2026 forged line\\x1b\[2J\\udcff",
        line,
    )


def test_an_exception_says_where_it_was(lines: io.StringIO) -> None:
    with pytest.raises(ValueError, match="bad") as caught:
        raise ValueError("bad\nvalue")
    error = caught.value
    LOG.error("fault", exc_info=error)
    assert re.fullmatch(r"ValueError: bad\nvalue at reference_server/test_app_log\.py:\d+", describe(error))
    assert lines.getvalue().count("\n") == 1


def test_the_level_is_kept(lines: io.StringIO) -> None:
    LOG.debug("unheard")
    logging.getLogger("mailproof.store").error("heard")
    assert lines.getvalue().endswith(" error store: heard\n")


def test_json_for_programs(lines: io.StringIO) -> None:
    set_up("info", "json")
    (handler,) = LOG.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(lines)
    record = logging.LogRecord("mailproof.relay", logging.WARNING, "", 0, "to %s", ('"x"\r\n\udcff',), None)
    LOG.handlers[0].handle(record)
    try:
        raise ValueError("bad")
    except ValueError as error:
        LOG.error("fault", exc_info=error)
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {"level": "warning", "area": "relay", "text": 'to "x"\r\n\udcff'}
    assert (second["area"], second["level"]) == ("server", "error")
    assert second["error"].startswith("ValueError: bad at ")
