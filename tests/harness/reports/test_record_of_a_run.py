"""The record of a run: what is written as it happens, its schema, and how it is read again."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples
from hypothesis import given
from jsonschema import Draft202012Validator
from sample_runs import DOT, FINISHED, FOUND, HAZARD, NOOP, STARTED, events_of, result

from harness.conformance import codec, evidence
from harness.conformance.events import (
    CheckFinished,
    CheckListed,
    CheckStarted,
    RunFinished,
    RunStarted,
)
from harness.reports import record
from harness.reports.record import Record
from harness.reports.run import Run, load_run
from harness.vocabulary.errors import UsageError
from harness.vocabulary.judging import Outcome

SCHEMA = json.loads((Path(record.__file__).parent / "schema" / "run-1.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def write(path: Path, events) -> Path:
    written = Record(path)
    for event in events:
        written(event)
    written.close()
    return path


class TestWriting:
    def test_every_event_is_a_line_as_soon_as_it_happens(self, tmp_path):
        path = tmp_path / "run.jsonl"
        written = Record(path)
        assert path.read_text() == ""
        for number, event in enumerate(events_of(result(DOT, Outcome.VIOLATES, FOUND), result(NOOP)), 1):
            written(event)
            *lines, rest = path.read_text(encoding="ascii").split("\n")
            assert (len(lines), rest) == (number, "")
            assert json.loads(lines[-1])["event"]
        assert json.loads(lines[0])["schema"] == 1
        assert written.results == 2

    def test_an_earlier_run_is_kept_until_the_next_one_starts_and_then_gone_whole(self, tmp_path):
        path = write(tmp_path / "run.jsonl", events_of(*[result(HAZARD)] * 5))
        before = path.read_text()
        second = Record(path)
        assert path.read_text() == before
        second(STARTED)
        assert len(path.read_text().splitlines()) == 1
        second.close()

    def test_two_runs_never_share_a_file(self, tmp_path):
        path = tmp_path / "run.jsonl"
        first = Record(path)
        first(STARTED)
        with pytest.raises(UsageError, match=r"run.jsonl: another run is recorded there; name another file"):
            Record(path)
        first(FINISHED)
        assert load_run(path).finished == FINISHED
        Record(path).close()

    def test_after_the_end_nothing_is_written(self, tmp_path):
        path = write(tmp_path / "run.jsonl", [STARTED, FINISHED, CheckStarted(DOT)])
        assert len(path.read_text().splitlines()) == 2

    def test_a_full_disk_ends_the_record_and_not_the_run(self):
        written = Record(Path("/dev/full"))
        written(STARTED)
        assert (
            written.problem
            == "/dev/full: cannot be written any more (No space left on device); it ends early"
        )
        written(CheckFinished(result()))
        assert written.results == 0

    def test_what_cannot_be_opened_is_one_line(self, tmp_path):
        with pytest.raises(UsageError, match=r"cannot be written \(Is a directory\)"):
            Record(tmp_path)


class TestSchema:
    def test_it_is_a_schema(self):
        Draft202012Validator.check_schema(SCHEMA)

    @given(samples.events)
    def test_it_describes_every_line_whatever_the_octets(self, event):
        line = json.dumps(codec.event_to_json(event))
        VALIDATOR.validate(json.loads(line))
        assert codec.event_from_json(json.loads(line)) == event

    def test_it_has_the_version_that_is_written(self):
        assert SCHEMA["$defs"]["runStarted"]["properties"]["schema"]["const"] == codec.SCHEMA

    def test_it_names_every_key_and_no_other_is_allowed(self):
        objects = [one for one in parts_of(SCHEMA) if "properties" in one]
        assert len(objects) == len(SCHEMA["$defs"])
        for one in objects:
            assert one["additionalProperties"] is False, one["description"]
            assert set(one["required"]) == set(one["properties"]), one["description"]

    @pytest.mark.parametrize(
        ("kind", "name", "beside"),
        [
            (RunStarted, "runStarted", {"event", "schema"}),
            (CheckListed, "checkListed", {"event", "check"}),
            (CheckStarted, "checkStarted", {"event", "check"}),
            (evidence.CheckResult, "checkFinished", {"event", "check"}),
            (RunFinished, "runFinished", {"event"}),
            (evidence.CheckInfo, "check", set()),
            (evidence.Evidence, "evidence", set()),
            (evidence.Example, "example", set()),
            (evidence.Dialogue, "dialogue", set()),
            (evidence.Turn, "turn", set()),
        ],
    )
    def test_what_is_known_of_a_run_is_what_is_written(self, kind, name, beside):
        known = {field.name for field in fields(kind)} - {"info"}
        assert set(SCHEMA["$defs"][name]["properties"]) - beside == known

    @pytest.mark.parametrize(
        "line",
        [
            {"event": "run-ended"},
            {**codec.event_to_json(FINISHED), "mood": "good"},
            {**codec.event_to_json(CheckStarted(DOT)), "check": {"id": DOT.id}},
            {**codec.event_to_json(CheckFinished(result())), "outcome": "fine"},
        ],
    )
    def test_it_refuses_what_is_no_line(self, line):
        assert not VALIDATOR.is_valid(line)


class TestReading:
    def test_a_run_is_read_as_it_was(self, tmp_path):
        one, two = result(DOT, Outcome.VIOLATES, FOUND), result(NOOP)
        path = write(tmp_path / "run.jsonl", events_of(two, one))
        assert load_run(path) == Run(STARTED, (one, two), FINISHED)

    @given(samples.runs)
    def test_any_run_is_read_as_it_was(self, tmp_path_factory, run):
        path = tmp_path_factory.mktemp("run") / "run.jsonl"
        write(path, events_of(*run.results, started=run.started, finished=run.finished))
        assert load_run(path) == run

    def test_a_killed_run_has_what_was_judged_and_what_had_begun(self, tmp_path):
        events = [*events_of(result(DOT), finished=None), CheckStarted(NOOP)]
        run = load_run(write(tmp_path / "run.jsonl", events))
        assert (run.results, run.finished, run.unfinished) == ((result(DOT),), None, (NOOP.id,))
        assert run.end.interrupted
        assert run.end.notes == (
            "the run was broken off: 1 of 3 checks were judged; rfc3501/6.1.2/noop had begun",
        )

    def test_wherever_the_last_line_is_cut_the_others_are_read(self, tmp_path):
        path = write(tmp_path / "run.jsonl", events_of(result(DOT, Outcome.VIOLATES, FOUND), finished=None))
        octets = path.read_bytes()
        start = octets.rindex(b"\n", 0, -1) + 1
        for end in range(start, len(octets) - 1):
            path.write_bytes(octets[:end])
            assert (load_run(path).results, load_run(path).unfinished) == ((), (DOT.id,))
        path.write_bytes(octets[:-1])
        assert len(load_run(path).results) == 1

    def test_keys_of_later_versions_are_passed_over_and_missing_ones_have_their_defaults(self, tmp_path):
        path = write(tmp_path / "run.jsonl", events_of(result(DOT)))
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            line["mood"] = "good"
            line.get("evidence", {})["smell"] = "none"
        del lines[0]["workers"]
        path.write_text("\n".join(map(json.dumps, lines)))
        assert load_run(path) == Run(STARTED, (result(DOT),), FINISHED)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "is no record of a run; mailproof check --record FILE makes one"),
            (b"\n", "is no record of a run"),
            (b'{"event":"run-star', "is no record of a run"),
            (b'{\n "schema": 1,\n "checks": []\n}\n', "is no record of a run"),
            (b"\x7fELF\x00\n\xff\xfe", "is no record of a run"),
            (b'["event"]\n', "is no record of a run"),
            (b'{"event":"check-started","check":{}}\n', "is no record of a run"),
            (b'{"event":"run-started","schema":"one"}\n', "is no record of a run"),
            (
                b'{"event":"run-started","schema":2}\n',
                "is a record of schema 2, and this mailproof knows 1 and older; update it",
            ),
            (b'{"event":"run-started","schema":1}\n', "is damaged in line 1 ('checks' is missing)"),
        ],
    )
    def test_what_is_no_record_is_one_line(self, tmp_path, content, problem):
        path = tmp_path / "run.jsonl"
        path.write_bytes(content)
        assert complaint(path).startswith(f"{path}: {problem}")

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("", "no JSON"),
            ('{"event":"check-fin', "no JSON"),
            ('{"event":"check-lost"}', "there is no event 'check-lost'"),
            ("[1]", "list indices"),
            ('{"event":"check-finished"}', "'check' is missing"),
            (json.dumps(codec.event_to_json(STARTED)), "another run begins here"),
            (
                json.dumps(codec.event_to_json(FINISHED) | {"seconds": "ten"}),
                "'seconds' is not of the type float",
            ),
            (
                json.dumps(codec.event_to_json(CheckFinished(result())) | {"outcome": "fine"}),
                "'fine' is not a valid Outcome",
            ),
        ],
    )
    def test_damage_in_the_middle_is_named_with_its_line(self, tmp_path, line, problem):
        path = write(tmp_path / "run.jsonl", events_of(result(DOT)))
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:2], line, *lines[2:]]))
        assert complaint(path).startswith(f"{path}: is damaged in line 3 ({problem}")

    def test_a_file_that_cannot_be_read_is_one_line(self, tmp_path):
        assert complaint(tmp_path / "none") == (
            f"{tmp_path / 'none'}: cannot be read (No such file or directory); name the record of a run"
        )


def complaint(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_run(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def parts_of(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a schema."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts_of(value)


def test_a_run_of_workers_that_was_killed_took_less_than_its_checks_together():
    run = Run(replace(STARTED, workers=2), (result(DOT), result(NOOP)), None)
    assert run.end.seconds == 0.25
